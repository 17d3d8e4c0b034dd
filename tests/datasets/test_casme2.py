"""CAS(ME)^2: three sheets without headers, naming rules, offsets of 0, and spoilt files."""

import shutil
from collections.abc import Callable

import pytest
from fake_releases import CODE_SHEET, Release, casme2_row, frames

from memodule.datasets import Catalog, Expression
from memodule.errors import UserError

CODES, SUBJECTS, VIDEOS = "CASFEcode_final", "naming rule1", "naming rule2"


def codes(release: Release) -> list[list[object]]:
    return release.books[CODE_SHEET][CODES]


def remarks(catalog: Catalog) -> list[str]:
    found = catalog.label_sources.remarks
    return [str(remark) for remark in found if "another subject's folder" not in remark.text]


def test_naming_rules_lead_to_folders(casme2: Release) -> None:
    catalog = casme2.read()
    assert catalog.expressions == (
        Expression("s15", "0401", "micro", 56, 61, 68, "negative"),
        Expression("s15", "0101", "macro", 9, 19, 19, "negative"),
        Expression("s23", "0502", "micro", 29, 35, 43, "negative"),
    )
    assert [video.key for video in catalog.videos] == [("s15", "0101"), ("s15", "0401"), ("s23", "0502")]
    assert [video.frames for video in catalog.videos] == [70] * 3


def test_offset_0_becomes_the_apex(casme2: Release) -> None:
    [text] = remarks(casme2.read())
    assert text.startswith("note")
    assert f"sheet {CODES}, row 2: macro-expression: offset unknown (0): the apex is used" in text


def test_micro_with_offset_0_is_a_warning(casme2: Release) -> None:
    codes(casme2)[0][4] = 0
    catalog = casme2.read()
    assert catalog.expressions[0].offset == 61
    assert any(text.startswith("warning") and "offset unknown" in text for text in remarks(catalog))


def test_offset_and_apex_0_leave_nothing(casme2: Release) -> None:
    codes(casme2)[0][3:5] = [0, 0]
    catalog = casme2.read()
    assert len(catalog.expressions) == 2
    assert any("offset and apex unknown: left out" in text for text in remarks(catalog))


def test_a_folder_of_another_subject_keeps_its_own_number(casme2: Release) -> None:
    catalog = casme2.read()
    [text] = [str(remark) for remark in catalog.label_sources.remarks if "another subject's folder" in remark.text]
    assert "s19/23_0502funnyerrors" in text
    assert "taken as s23" in text
    assert "s19" not in catalog.subjects


def test_images_follow_their_numbers_not_the_alphabet(casme2: Release) -> None:
    """Without padding, img10 would come before img9, and before img2."""
    casme2.videos["rawpic/s15/15_0401girlcrashing"] = frames("img", 70)
    catalog = casme2.read()
    assert catalog.expressions[0].onset == 56
    assert remarks(catalog)[1:] == []


def test_added_header_and_other_file_name_are_taken(casme2: Release) -> None:
    codes(casme2).insert(0, ["subject", "video", "onset", "apex", "offset", "AU", "emotion", "type", "self"])
    casme2.books["code_final.xlsx"] = casme2.books.pop(CODE_SHEET)
    assert len(casme2.read().expressions) == 3


def missing_sheet(release: Release) -> None:
    del release.books[CODE_SHEET][VIDEOS]


def lost_column(release: Release) -> None:
    """Nothing names the columns, so that a lost one shows in what the cells say."""
    for row in codes(release):
        del row[2]


def too_few_columns(release: Release) -> None:
    codes(release)[:] = [row[:5] for row in codes(release)]


def no_rows(release: Release) -> None:
    codes(release)[:] = []


def no_rules(release: Release) -> None:
    release.books[CODE_SHEET][SUBJECTS] = [["nothing", "here"]]


def text_for_a_number(release: Release) -> None:
    codes(release)[2][2] = "early"


def unknown_participant(release: Release) -> None:
    codes(release)[2][0] = 9


def unknown_video(release: Release) -> None:
    codes(release)[2][1] = "pain1_1"


def broken_video(release: Release) -> None:
    codes(release)[2][1] = "happy"


def unknown_type(release: Release) -> None:
    codes(release)[2][7] = "blink"


@pytest.mark.parametrize(
    ("mutilate", "message"),
    [
        (missing_sheet, r": 2 sheets \(CASFEcode_final, naming rule1\) where .* three .*; use the owners' file"),
        (
            lost_column,
            rf", sheet {CODES}, row 1: 'anger' \(column 8\) is neither .*; correct it, or check",
        ),
        (too_few_columns, rf", sheet {CODES}, row 1: 5 columns where 8 are expected"),
        (no_rows, rf", sheet {CODES}: no rows; use the owners' file"),
        (no_rules, rf", sheet {SUBJECTS}: no row holds participant number and folder .*; use the owners' file"),
        (text_for_a_number, rf", sheet {CODES}, row 3: onset 'early' is not a frame number; correct"),
        (
            unknown_participant,
            rf", sheet {CODES}, row 3: participant '9' \(column 1\) is not in sheet naming rule1; add",
        ),
        (unknown_video, rf", sheet {CODES}, row 3: video 'pain1' \(column 2\) is not in sheet naming rule2; add it"),
        (broken_video, rf", sheet {CODES}, row 3: 'happy' \(column 2\) is not <video>_<number>.*; correct"),
        (unknown_type, rf", sheet {CODES}, row 3: 'blink' \(column 8\) is neither .*; correct"),
    ],
)
def test_spoilt_file_gives_one_clear_line(casme2: Release, mutilate: Callable[[Release], None], message: str) -> None:
    mutilate(casme2)
    with pytest.raises(UserError, match=message) as caught:
        casme2.read()
    assert CODE_SHEET in str(caught.value)


@pytest.mark.parametrize(("content", "message"), [(b"", "the file is empty; copy"), (b"oops", "not an Excel workbook")])
def test_file_that_is_no_workbook(casme2: Release, content: bytes, message: str) -> None:
    casme2.write()
    (casme2.root / CODE_SHEET).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        casme2.description.read(casme2.root)
    assert CODE_SHEET in str(caught.value)


def test_absent_folders_and_files_give_one_clear_line(casme2: Release) -> None:
    root = casme2.write()
    (root / CODE_SHEET).unlink()
    with pytest.raises(UserError, match=r"CASME2: no label file CAS\(ME\)\^2code_final.*; copy it there"):
        casme2.description.read(root)
    shutil.rmtree(root / "rawpic")
    with pytest.raises(UserError, match=r"CASME2: no video folders called s<number>.*; lay them out"):
        casme2.description.read(root)


def test_duplicate_row_counts_once(casme2: Release) -> None:
    codes(casme2).append(casme2_row(1, "anger1_2", 57, 62, 69))
    catalog = casme2.read()
    assert len(catalog.expressions) == 3
    assert any(f"sheet {CODES}, row 4: " in text and "labelled twice" in text for text in remarks(catalog))
