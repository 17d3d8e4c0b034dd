"""CAS(ME)^3: two versions of labels, their known errors, the numbers in image names, and spoilt files."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_releases import ALL_SHEET, ME_HEADER, ME_SHEET, Release, casme3_row, frames

from memodule.datasets import Catalog, Expression
from memodule.datasets.frames import image_files
from memodule.errors import UserError

# What the six known errors say (0-based row of the data, onset, apex, offset), and what they come out as. Filler for
# the cells that the published descriptions of the errors do not quote.
KNOWN_ERRORS = {
    128: ((112, 83, 190), (111, None, 189)),
    708: ((5, 12, 3460), (4, 11, 33)),
    749: ((3647, 2660, 2694), (2646, 2659, 2693)),
    750: ((0, 0, 21), (0, None, 20)),
    796: ((1830, 1836, 0), (1829, 1835, 1844)),
    798: ((2380, 2390, 0), (2379, 2389, 2402)),
}


def micro(release: Release) -> list[list[object]]:
    return release.books[ME_SHEET]["label"]


def spans(catalog: Catalog) -> list[tuple[int, int | None, int]]:
    """The micro-expressions of video spNO.1/a."""
    found = [e for e in catalog.expressions if e.key == ("spNO.1", "a") and e.kind == "micro"]
    return [(e.onset, e.apex, e.offset) for e in found]  # in the order of the rows


def remarks(catalog: Catalog) -> list[str]:
    found = catalog.label_sources.remarks
    return [str(remark) for remark in found if "a known error is not in this row" not in remark.text]


@pytest.fixture(scope="session")
def many_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for name in frames("", 3500):
        (folder / name).touch()
    return folder


@pytest.fixture
def with_known_errors(casme3: Release, many_images: Path) -> Release:
    """850 rows, six of which are wrong where those of version 2 are."""
    rows = [casme3_row(1, "b", 1 + i % 30, 3 + i % 30, 4 + i % 30 + i // 30) for i in range(850)]
    for position, (numbers, _) in KNOWN_ERRORS.items():
        rows[position] = casme3_row(1, "a", *numbers)
    casme3.books[ME_SHEET]["label"] = [ME_HEADER, *rows]
    casme3.videos["data/spNO.1/b/color"] = frames("", 70)
    del casme3.videos["data/spNO.1/a/color"]
    (casme3.root / "data/spNO.1/a").mkdir(parents=True)
    (casme3.root / "data/spNO.1/a/color").symlink_to(many_images, target_is_directory=True)
    return casme3


def test_reads_micro_and_macro(casme3: Release) -> None:
    catalog = casme3.read()
    assert catalog.expressions == (
        Expression("spNO.1", "a", "micro", 10, 17, 29, "positive"),
        Expression("spNO.1", "b", "micro", 20, 25, 39, "others"),  # spelt `Others` in the file
        Expression("spNO.2", "a", "micro", 30, 33, 51, "negative"),
        Expression("spNO.10", "c", "micro", 4, 8, 19, "surprise"),
        Expression("spNO.1", "a", "macro", 59, 69, 94, ""),
    )
    assert catalog.subjects == ("spNO.1", "spNO.2", "spNO.10")  # natural order
    assert all(video.path.name == "color" for video in catalog.videos)
    assert catalog.label_sources.rows == {"micro": 4, "macro": 1}
    assert remarks(catalog) == []


def test_subject_in_a_folder_of_its_own_name_is_found(casme3: Release) -> None:
    casme3.videos = {f"data/{Path(name).parts[1]}/{name[5:]}": images for name, images in casme3.videos.items()}
    assert len(casme3.read().videos) == 4


def test_another_folder_called_data_does_not_mislead(casme3: Release) -> None:
    casme3.videos = {f"frames/{name[5:]}": images for name, images in casme3.videos.items()}
    casme3.videos["annotation/data"] = []
    assert len(casme3.read().videos) == 4


def test_case_of_names_does_not_matter(casme3: Release) -> None:
    micro(casme3)[1][1] = "A"
    casme3.videos["data/spNO.2/A/color"] = casme3.videos.pop("data/spNO.2/a/color")
    assert casme3.read().expressions[0].key == ("spNO.1", "a")
    assert casme3.read().expressions[2].key == ("spNO.2", "a")


def test_version_1_is_read(casme3: Release) -> None:
    """The old workbook format, another sheet name, two columns without a name."""
    rows = [[*row, None, "x"] for row in micro(casme3)]
    del casme3.books[ME_SHEET]
    casme3.books["annotation/cas(me)3_part_A_ME_label_JpgIndex_v1.xls"] = {"Sheet1": rows}
    catalog = casme3.read()
    assert len(catalog.expressions) == 5
    assert catalog.label_sources.files[0].name.endswith("v1.xls")


def test_known_errors_are_corrected(with_known_errors: Release) -> None:
    catalog = with_known_errors.read()
    assert spans(catalog) == [corrected for _, corrected in KNOWN_ERRORS.values()]
    texts = [text for text in remarks(catalog) if "spNO.1/a" in text]
    corrected = [text for text in texts if "a known error is corrected" in text]
    assert [f"row {position + 2}" in text for position, text in zip(KNOWN_ERRORS, corrected, strict=True)] == [True] * 6
    assert all(text.startswith("note") for text in texts)


def test_repairs_can_be_switched_off(with_known_errors: Release) -> None:
    """What is impossible is then dropped or cut under the rules of all data sets, with a warning each."""
    expected = [(111, None, 189), (4, 11, 3459), (1829, 1835, 1835), (2379, 2389, 2389)]
    catalog = with_known_errors.read(repairs=False)
    assert spans(catalog) == expected
    texts = [text for text in remarks(catalog) if "spNO.1/a" in text]
    problems = ["apex outside", "offset before onset", "onset unknown", "offset unknown", "offset unknown"]
    assert all(text.startswith("warning") for text in texts)
    assert [problem in text for problem, text in zip(problems, texts, strict=True)] == [True] * 5


def test_a_repair_leaves_other_rows_alone(with_known_errors: Release) -> None:
    """Where the row says something else (another version), nothing is corrected, which is reported."""
    micro(with_known_errors)[709][4] = 40
    catalog = with_known_errors.read()
    assert (4, 11, 39) in spans(catalog)
    texts = [str(remark) for remark in catalog.label_sources.remarks]
    assert any("row 710: a known error is not in this row" in text for text in texts)


def test_labels_point_at_the_images_of_their_numbers_where_frames_are_missing(casme3: Release) -> None:
    """12 and 13 are missing, then 18: the label 11, 18, 30 starts at 11 and has its apex at 17."""
    missing = {12, 13, 18}
    casme3.videos["data/spNO.1/a/color"] = [f"{n}.jpg" for n in range(1, 101) if n not in missing]
    catalog = casme3.read()
    assert spans(catalog) == [(10, 14, 26)]
    images = image_files(casme3.root / "data/spNO.1/a/color")  # what the frames are read from
    assert [images[i].name for i in spans(catalog)[0]] == ["11.jpg", "17.jpg", "30.jpg"]
    [text] = remarks(catalog)
    assert "spNO.1/a/color: frame numbers are missing" in text
    assert "3 missing, the first 12 .. 13" in text


def test_onset_and_offset_in_a_gap_shrink_to_the_images_there_are(casme3: Release) -> None:
    """The apex 12 is missing too; it stays within."""
    micro(casme3)[1][3] = 12
    casme3.videos["data/spNO.1/a/color"] = [f"{n}.jpg" for n in range(1, 101) if n not in (11, 12, 30)]
    catalog = casme3.read()
    first, apex, last = spans(catalog)[0]
    assert apex == first
    images = image_files(casme3.root / "data/spNO.1/a/color")
    assert (images[first].name, images[last].name) == ("13.jpg", "29.jpg")


def test_expression_within_a_gap_is_left_out(casme3: Release) -> None:
    casme3.videos["data/spNO.1/a/color"] = [f"{n}.jpg" for n in range(1, 101) if not 10 < n < 31]
    catalog = casme3.read()
    assert spans(catalog) == []
    assert any("no image within onset .. offset: left out" in text for text in remarks(catalog))


def test_a_frame_numbered_0_does_not_shift_labels(casme3: Release) -> None:
    casme3.videos["data/spNO.1/a/color"].insert(0, "0.jpg")
    catalog = casme3.read()
    assert spans(catalog) == [(11, 18, 30)]
    assert any("do not start at 1" in text for text in remarks(catalog))


def test_labels_after_the_last_image(casme3: Release) -> None:
    micro(casme3)[1][2:5] = [95, 99, 120]
    micro(casme3).append(casme3_row(1, "a", 101, 103, 110))
    catalog = casme3.read()
    assert spans(catalog) == [(94, 98, 99)]
    texts = remarks(catalog)
    assert any("row 2: micro-expression: ends after the last image" in text for text in texts)
    assert any("row 6: micro-expression: no image within" in text for text in texts)


def test_images_that_are_not_numbered_are_counted(casme3: Release) -> None:
    casme3.videos["data/spNO.1/a/color"] = [f"{n}x.jpg" for n in range(1, 101)]
    catalog = casme3.read()
    assert spans(catalog) == [(10, 17, 29)]
    assert any("labels count images by position" in text and "100 image names" in text for text in remarks(catalog))


def test_a_number_that_occurs_twice_is_reported(casme3: Release) -> None:
    casme3.videos["data/spNO.1/a/color"].append("007.jpg")
    catalog = casme3.read()
    assert any("1 frame numbers occur twice" in text for text in remarks(catalog))


def test_copy_of_a_video_is_refused(casme3: Release) -> None:
    casme3.videos["data/backup/spNO.1/a/color"] = frames("", 5)
    with pytest.raises(UserError, match=r"backup/spNO.1/a/color: video spNO.1/a is also in .*; move one of them"):
        casme3.read()


def test_labelled_videos_without_frames_are_reported_once_a_video(casme3: Release) -> None:
    del casme3.videos["data/spNO.1/a/color"]
    catalog = casme3.read()
    assert len(catalog.expressions) == 3
    [text] = remarks(catalog)
    assert "labelled video without frames" in text
    assert "spNO.1/a: 1 micro, 1 macro" in text


def test_empty_folder_is_no_video(casme3: Release) -> None:
    casme3.videos["data/spNO.2/a/color"] = []
    catalog = casme3.read()
    assert ("spNO.2", "a") not in {video.key for video in catalog.videos}
    assert any("spNO.2/a/color: no images" in text for text in remarks(catalog))


def test_versions_mixed_up_are_reported(casme3: Release) -> None:
    """Version 2 moved some micro-expressions to macro; with labels of version 1 they would be both."""
    casme3.books[ALL_SHEET]["AU+Emotion"].append(["spNO.1", "b", 21, 26, 40, "4", "Macro-expression", "I"])
    catalog = casme3.read()
    assert [e.kind for e in catalog.expressions_of(("spNO.1", "b"))] == ["micro"]
    [text] = remarks(catalog)
    assert f"{Path(ALL_SHEET).name}, sheet AU+Emotion, row 4: " in text
    assert "labelled micro and macro" in text


def test_without_the_sheet_of_all_expressions_there_are_no_macros(casme3: Release) -> None:
    del casme3.books[ALL_SHEET]
    catalog = casme3.read()
    assert {e.kind for e in catalog.expressions} == {"micro"}
    assert any("there are no macro-expressions" in text for text in remarks(catalog))


def missing_sheet(release: Release) -> None:
    del release.books[ALL_SHEET]["AU+Emotion"]


def renamed_column(release: Release) -> None:
    micro(release)[0] = ["Start" if cell == "Onset" else cell for cell in ME_HEADER]


def text_for_a_number(release: Release) -> None:
    micro(release)[2][3] = "?"


def broken_subject(release: Release) -> None:
    micro(release)[2][0] = "subject one"


def unknown_emotion(release: Release) -> None:
    micro(release)[3][7] = "bored"


def empty_emotion(release: Release) -> None:
    micro(release)[3][7] = None


def unknown_type(release: Release) -> None:
    release.books[ALL_SHEET]["AU+Emotion"][2][6] = "Blink"


def folders_of_another_data_set(release: Release) -> None:
    release.videos = {"data/spNO.77/a/color": frames("", 10)}


@pytest.mark.parametrize(
    ("mutilate", "message"),
    [
        (missing_sheet, r"CAS\(ME\)3_part_A_v2.xls, sheet eye blink, row 1: no column 'Apex' and 'Expression type'"),
        (renamed_column, r"JpgIndex_v2.xlsx, sheet label, row 1: no column 'Onset' \(found: .*Start"),
        (text_for_a_number, r"JpgIndex_v2.xlsx, sheet label, row 3: apex '\?' is not a frame number; correct"),
        (broken_subject, r"JpgIndex_v2.xlsx, sheet label, row 3: Subject 'subject one' is not spNO.<number>; correct"),
        (unknown_emotion, r"JpgIndex_v2.xlsx, sheet label, row 4: emotion 'bored' has no class; add `bored: others`"),
        (empty_emotion, r"JpgIndex_v2.xlsx, sheet label, row 4: the emotion is empty; fill in"),
        (unknown_type, r"part_A_v2.xls, sheet AU\+Emotion, row 3: Expression type 'Blink' is neither"),
        (folders_of_another_data_set, r"sheet label, row 2: none of the labelled videos has a folder.*spNO.1/a .*77/a"),
    ],
)
def test_spoilt_file_gives_one_clear_line(casme3: Release, mutilate: Callable[[Release], None], message: str) -> None:
    mutilate(casme3)
    with pytest.raises(UserError, match=message):
        casme3.read()


@pytest.mark.parametrize("name", [ME_SHEET, ALL_SHEET])
@pytest.mark.parametrize(("content", "message"), [(b"", "the file is empty; copy"), (b"oops", "not an Excel workbook")])
def test_file_that_is_no_workbook(casme3: Release, name: str, content: bytes, message: str) -> None:
    casme3.write()
    (casme3.root / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        casme3.description.read(casme3.root)
    assert name in str(caught.value)


def test_absent_folders_and_files_give_one_clear_line(casme3: Release) -> None:
    root = casme3.write()
    (root / ME_SHEET).unlink()
    with pytest.raises(
        UserError, match=r"CASME3: no label file .*JpgIndex_v2.*found instead: CAS\(ME\)3_part_A_v2.xls"
    ):
        casme3.description.read(root)
    shutil.rmtree(root / "data")
    with pytest.raises(UserError, match=r"no video folders called spNO.<number>/<letter>/color \(found: annotation\)"):
        casme3.description.read(root)


def test_duplicate_row_counts_once(casme3: Release) -> None:
    micro(casme3).append(list(micro(casme3)[1]))
    micro(casme3).append([*micro(casme3)[2][:7], "sad"])
    catalog = casme3.read()
    assert len(catalog.expressions) == 5
    same, other = remarks(catalog)
    assert "sheet label, row 6: " in same
    assert "the second row is left out; delete it" in same
    assert "sheet label, row 7: " in other
    assert "with different emotions: the first counts" in other


def test_known_error_with_a_wrong_column_is_refused(casme3: Release) -> None:
    known = [{"row": 3, "found": {"onsett": 1}, "put": {"offset": 2}, "why": "typing"}]
    with pytest.raises(UserError, match="row 3: onsett is not one of onset, apex, offset"):
        casme3.read(known_errors=known)
