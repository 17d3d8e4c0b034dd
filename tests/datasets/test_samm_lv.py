"""SAMM Long Videos: every quirk of its two sheets, and one clear line for each way in which they can be spoilt."""

import shutil
from collections.abc import Callable

import pytest
from fake_releases import FACS_HEADER, FACS_SHEET, LONG_SHEET, SAMM_LV_HEADER, Release, facs_row, frames, samm_row

from memodule.datasets import Catalog, Expression
from memodule.errors import UserError

LONG, FACS = "FACS_Movement_Only", "MICRO_ONLY"
FIRST_ROW = 11  # of the movements, as a spreadsheet program counts


def movements(release: Release) -> list[list[object]]:
    return release.books[LONG_SHEET][LONG]


def micro_facs(release: Release) -> list[list[object]]:
    return release.books[FACS_SHEET][FACS]


def remarks(catalog: Catalog) -> list[str]:
    return [str(remark) for remark in catalog.label_sources.remarks]


def test_reads_both_sheets(samm_lv: Release) -> None:
    catalog = samm_lv.read()
    assert catalog.expressions == (
        Expression("006", "006_1", "micro", 9, 12, 17, "negative"),
        Expression("006", "006_1", "macro", 18, 20, 27, ""),
        Expression("006", "006_2", "micro", 1, 4, 9, "positive"),
        Expression("037", "037_4", "micro", 4, 5, 12, "others"),
        Expression("037", "037_4", "macro", 13, 15, 21, ""),
    )
    assert [video.video for video in catalog.videos] == ["006_1", "006_2", "006_10", "037_4"]  # natural order
    assert [video.frames for video in catalog.videos] == [30, 12, 5, 25]
    assert {video.fps for video in catalog.videos} == {200}
    assert catalog.label_sources.rows == {"micro": 3, "macro": 2}
    assert catalog.label_sources.remarks == ()


def test_name_of_the_sheet_and_length_of_the_preamble_do_not_matter(samm_lv: Release) -> None:
    expected = samm_lv.read().expressions
    rows = samm_lv.books[LONG_SHEET].pop(LONG)
    samm_lv.books[LONG_SHEET]["Sheet1"] = rows[5:]
    assert samm_lv.read().expressions == expected


@pytest.mark.parametrize("version", ["SAMM_LongVideos_V1_Release.xlsx", "samm_longvideos_v2_release.XLSX"])
def test_other_versions_are_found_in_other_folders(samm_lv: Release, version: str) -> None:
    samm_lv.books[f"my labels/{version}"] = samm_lv.books.pop(LONG_SHEET)
    assert len(samm_lv.read().expressions) == 5


def test_newest_version_is_preferred(samm_lv: Release) -> None:
    old = [row if row[0] != 6 else samm_row("006_1_1", 20, 23, 28) for row in movements(samm_lv)]
    samm_lv.books["SAMM_LongVideos_V1_Release.xlsx"] = {LONG: old}
    assert samm_lv.read().label_sources.files[0].name == LONG_SHEET


@pytest.mark.parametrize("spelling", ["micro - 1/2", "Micro \N{EN DASH} 1/2", "Micro-1/2", " Micro -  1/2 ", "MICRO"])
def test_join_does_not_depend_on_spelling(samm_lv: Release, spelling: str) -> None:
    movements(samm_lv)[10][7] = spelling
    movements(samm_lv)[10][1] = "006_1 _1"
    micro_facs(samm_lv)[14][1] = " 006_1_1 "
    assert samm_lv.read().expressions[0].emotion == "negative"


def test_one_file_name_can_be_micro_and_macro(samm_lv: Release) -> None:
    kinds = {(e.kind, e.onset) for e in samm_lv.read().expressions_of(("037", "037_4"))}
    assert kinds == {("micro", 4), ("macro", 13)}


def test_unknown_apex_stays_unknown(samm_lv: Release) -> None:
    movements(samm_lv)[10][4] = -1
    catalog = samm_lv.read()
    assert catalog.expressions[0].apex is None
    assert any("apex unknown" in text and f"row {FIRST_ROW}" in text for text in remarks(catalog))


def test_macro_with_unknown_onset_is_left_out_with_a_note(samm_lv: Release) -> None:
    movements(samm_lv)[11][3] = 0
    catalog = samm_lv.read()
    assert [e.kind for e in catalog.expressions_of(("006", "006_1"))] == ["micro"]
    assert [text for text in remarks(catalog) if text.startswith("note") and "onset unknown" in text]


def test_micro_with_unknown_onset_is_left_out_with_a_warning(samm_lv: Release) -> None:
    movements(samm_lv)[10][3] = 0
    catalog = samm_lv.read()
    assert not catalog.expressions_of(("006", "006_1"), "micro")
    assert [text for text in remarks(catalog) if text.startswith("warning") and "onset unknown" in text]


def test_fractional_numbers_are_rounded_not_cut(samm_lv: Release) -> None:
    movements(samm_lv)[10][3:6] = [9.6, 13.4, 18.5]
    catalog = samm_lv.read()
    expression = catalog.expressions[0]
    assert (expression.onset, expression.apex, expression.offset) == (9, 12, 18)
    assert any("rounded" in text and "9.6" in text for text in remarks(catalog))


def test_numbers_written_as_text_are_read(samm_lv: Release) -> None:
    movements(samm_lv)[10][3] = " 10 "
    assert samm_lv.read().expressions[0].onset == 9


def test_leading_zeros_of_the_subject_may_be_lost(samm_lv: Release) -> None:
    movements(samm_lv)[10][1] = "6_1_1"
    assert samm_lv.read().expressions[0].key == ("006", "006_1")


def test_frames_come_from_the_long_video_sheet(samm_lv: Release) -> None:
    """The FACS sheet of the fixture numbers frames 2000 further on."""
    assert max(e.offset for e in samm_lv.read().expressions) < 30


def test_video_may_go_beyond_four_digits(samm_lv: Release) -> None:
    """By the alphabet 10000 would come before 9980."""
    samm_lv.videos["SAMM_longvideos/006_2"] = frames("006_2_", 41, 4, first=9_980)
    movements(samm_lv)[12][3:6] = [9_990, 10_000, 10_020]
    expression = samm_lv.read().expressions[2]
    assert (expression.onset, expression.offset) == (10, 40)


def test_other_folders_are_no_videos(samm_lv: Release) -> None:
    samm_lv.videos["SAMM_longvideos/new folder"] = ["holiday.jpg"]
    samm_lv.videos["SAMM_longvideos/006_1_old"] = ["006_1_0001.jpg"]
    assert len(samm_lv.read().videos) == 4


def test_emotion_can_be_dropped(samm_lv: Release) -> None:
    emotions = {"anger": "negative", "happiness": "drop", "other": "others"}
    assert [e.emotion for e in samm_lv.read(emotions=emotions).expressions if e.kind == "micro"] == [
        "negative",
        "others",
    ]


def missing_sheet(release: Release) -> None:
    release.books[LONG_SHEET] = {"Notes": [["hello"]]}


def renamed_column(release: Release) -> None:
    movements(release)[9] = ["Begin" if cell == "Onset" else cell for cell in SAMM_LV_HEADER]


def renamed_emotions(release: Release) -> None:
    micro_facs(release)[13] = ["Feeling" if cell == "Estimated Emotion" else cell for cell in FACS_HEADER]


def no_rows(release: Release) -> None:
    del movements(release)[10:]


def text_for_a_number(release: Release) -> None:
    movements(release)[12][5] = "seventy"


def broken_file_name(release: Release) -> None:
    movements(release)[12][1] = "006-2-1"


def empty_file_name(release: Release) -> None:
    movements(release)[12][1] = None


def unknown_type(release: Release) -> None:
    movements(release)[12][7] = "Blink"


def unknown_emotion(release: Release) -> None:
    micro_facs(release)[15][9] = "Bored"


def empty_join(release: Release) -> None:
    for row in micro_facs(release)[14:]:
        row[1] = f"9{row[1]}"


def short_join(release: Release) -> None:
    del micro_facs(release)[15]


@pytest.mark.parametrize(
    ("mutilate", "message"),
    [
        (missing_sheet, rf"{LONG_SHEET}: no sheet {LONG}.*Onset.*\(sheets: Notes\); use the owners' file"),
        (renamed_column, rf"{LONG_SHEET}, sheet {LONG}, row 10: no column 'Onset' \(found: .*Begin.*\); restore"),
        (renamed_emotions, rf"{FACS_SHEET}, sheet {FACS}, row 14: no column 'Estimated Emotion' .*; restore"),
        (no_rows, rf"{LONG_SHEET}, sheet {LONG}, row 10: no rows below the header; use the"),
        (text_for_a_number, rf"{LONG_SHEET}, sheet {LONG}, row 13: offset 'seventy' is not a frame number; correct"),
        (broken_file_name, rf"{LONG_SHEET}, sheet {LONG}, row 13: Filename '006-2-1' is not .*; correct"),
        (empty_file_name, rf"{LONG_SHEET}, sheet {LONG}, row 13: filename is empty; fill in"),
        (unknown_type, rf"{LONG_SHEET}, sheet {LONG}, row 13: type 'Blink' is neither micro nor macro; correct"),
        (unknown_emotion, rf"{LONG_SHEET}, sheet {LONG}, row 13: emotion 'Bored' has no class; add `Bored: others`"),
        (empty_join, rf"{LONG_SHEET}, sheet {LONG}, row 11: 3 of 3 micro-expressions.*{FACS_SHEET}; use the FACS"),
        (short_join, rf"{LONG_SHEET}, sheet {LONG}, row 13: 1 of 3 micro-expressions.*{FACS_SHEET}; use the FACS"),
    ],
)
def test_spoilt_sheet_gives_one_clear_line(samm_lv: Release, mutilate: Callable[[Release], None], message: str) -> None:
    mutilate(samm_lv)
    with pytest.raises(UserError, match=message) as caught:
        samm_lv.read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [LONG_SHEET, FACS_SHEET])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; copy it again"),
        (b"subject,onset\n1,2\n", "not an Excel workbook.*; save it as one"),
        (b"PK\x03\x04 cut short", "the workbook is damaged.*; copy it again"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "the workbook is damaged.*; copy it again"),
    ],
)
def test_spoilt_file_gives_one_clear_line(samm_lv: Release, name: str, content: bytes, message: str) -> None:
    samm_lv.write()
    (samm_lv.root / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: {message}"):
        samm_lv.description.read(samm_lv.root)


def test_absent_folders_and_files_give_one_clear_line(samm_lv: Release) -> None:
    root = samm_lv.write()
    (root / FACS_SHEET).unlink()
    with pytest.raises(UserError, match=rf"SAMM: no label file .*FACS.*found instead: {LONG_SHEET}\); copy it there"):
        samm_lv.description.read(root)
    shutil.rmtree(root / "SAMM_longvideos")
    with pytest.raises(UserError, match=r"SAMM: no video folders called .*006_1.*; lay them out as data/README.md"):
        samm_lv.description.read(root)
    with pytest.raises(UserError, match="nowhere: no such folder; pass the data set's folder"):
        samm_lv.description.read(root / "nowhere")


def test_duplicate_rows_count_once(samm_lv: Release) -> None:
    movements(samm_lv).append(list(movements(samm_lv)[10]))
    catalog = samm_lv.read()
    assert len(catalog.expressions) == 5
    [text] = remarks(catalog)
    assert text.startswith("warning")
    assert f"{LONG_SHEET}, sheet {LONG}, row 16: " in text
    assert "labelled twice: the second row is left out; delete it" in text


def test_two_emotions_for_one_file_name_are_remarked_on(samm_lv: Release) -> None:
    micro_facs(samm_lv).append(facs_row("006_1_1", "Fear"))
    [text] = remarks(samm_lv.read())
    assert f"{FACS_SHEET}, sheet {FACS}, row 18: " in text
    assert "the first counts; delete the wrong row" in text
