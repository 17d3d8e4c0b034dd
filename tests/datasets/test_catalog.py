"""The Catalog and its two CSV files: what goes out comes back, and every wrong row is named."""

import hashlib
import json
from pathlib import Path

import pytest
from fake_releases import Release
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memodule.datasets import Catalog, Expression, Video, read_catalog
from memodule.emotions import EMOTIONS
from memodule.errors import UserError

VIDEOS = "subject,video,path,fps,frames\n1,a,a.avi,30,100\n1,b,b.avi,29.97,50\n"
EXPRESSIONS = "subject,video,kind,onset,apex,offset,emotion\n1,a,micro,3,5,9,negative\n1,a,MACRO,20,,40,\n"


def write(folder: Path, videos: str = VIDEOS, expressions: str | None = EXPRESSIONS) -> Path:
    (folder / "videos.csv").write_text(videos, encoding="utf-8")
    if expressions is not None:
        (folder / "expressions.csv").write_text(expressions, encoding="utf-8")
    return folder


def test_reads_both_files(tmp_path: Path) -> None:
    catalog = read_catalog(write(tmp_path), "mine")
    assert catalog.videos == (
        Video("1", "a", tmp_path / "a.avi", 30, 100),
        Video("1", "b", tmp_path / "b.avi", 29.97, 50),
    )
    micro, macro = Expression("1", "a", "micro", 3, 5, 9, "negative"), Expression("1", "a", "macro", 20, None, 40, "")
    assert catalog.expressions == (micro, macro)
    assert catalog.expressions_of(("1", "a"), "macro") == (macro,)
    assert catalog.name == "mine"


def test_nothing_need_be_labelled(tmp_path: Path) -> None:
    assert read_catalog(write(tmp_path, expressions=None)).expressions == ()


def test_files_of_spreadsheet_programs_are_read(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, other columns, blanks around cells."""
    videos = "\ufeffsubject,video,path,fps,frames,notes\r\n 1 , a ,a.avi,30, 100 ,x\r\n"
    assert read_catalog(write(tmp_path, videos, None)).videos[0].key == ("1", "a")


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=8)


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    keys = draw(st.lists(st.tuples(names, names), min_size=1, max_size=4, unique=True))
    videos = tuple(
        Video(
            *key, Path("frames") / str(i), draw(st.sampled_from([25.0, 29.97, 30.0, 200.0])), draw(st.integers(1, 500))
        )
        for i, key in enumerate(keys)
    )
    expressions = []
    for video in videos:
        numbers = st.integers(0, video.frames - 1)
        onset, apex, offset = sorted(draw(st.tuples(numbers, numbers, numbers)))
        kind = draw(st.sampled_from(["micro", "macro"]))
        emotion = draw(st.sampled_from(EMOTIONS if kind == "micro" else [*EMOTIONS, ""]))
        expressions.append(Expression(*video.key, kind, onset, draw(st.sampled_from([apex, None])), offset, emotion))
    return Catalog(videos, tuple(expressions))


@given(catalogs())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path.resolve()
    there = Catalog(
        tuple(Video(v.subject, v.video, folder / v.path, v.fps, v.frames) for v in catalog.videos), catalog.expressions
    )
    there.write(folder)
    assert read_catalog(folder) == Catalog(there.videos, there.expressions, folder.name)
    assert str(folder) not in (folder / "videos.csv").read_text()  # the folder can be moved


def test_paths_elsewhere_stay_absolute(tmp_path: Path) -> None:
    video = Video("1", "a", tmp_path / "data" / "a.avi", 30, 9)
    Catalog((video,)).write(tmp_path / "catalog")
    assert read_catalog(tmp_path / "catalog").videos == (video,)


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ("subject,video,path,fps\n", r"videos.csv, row 1: no column frames; the header must name subject"),
        (VIDEOS + "2,c,c.avi\n", r"videos.csv, row 4: the row ends before column fps; add"),
        (VIDEOS + "2,c,c.avi,30,many\n", r"videos.csv, row 4: frames 'many' is not a whole number"),
        (VIDEOS + "2,c,c.avi,fast,9\n", r"videos.csv, row 4: fps 'fast' is not a number"),
        (VIDEOS + "2,c,c.avi,0,9\n", r"videos.csv, row 4: fps 0 is not a frame rate; use"),
        (VIDEOS + "2,c,c.avi,nan,9\n", r"videos.csv, row 4: fps nan is not a frame rate; use"),
        (VIDEOS + "2,c,c.avi,30,0\n", r"videos.csv, row 4: frames 0; a video has at least one"),
        (VIDEOS + ",c,c.avi,30,9\n", r"videos.csv, row 4: subject and video must not be empty"),
        (VIDEOS + "1,a,c.avi,30,9\n", r"videos.csv, row 4: video 1/a occurs twice; give"),
    ],
)
def test_wrong_video_rows_are_named(tmp_path: Path, videos: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_catalog(write(tmp_path, videos, None))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,a,blink,3,5,9,negative", r"kind 'blink' is neither"),
        ("1,a,micro,-1,5,9,negative", r"onset -1 is negative; frames count from 0"),
        ("1,a,micro,9,,3,negative", r"offset 3 is before onset 9"),
        ("1,a,micro,3,10,9,negative", r"apex 10 is outside onset 3 .. offset 9; leave it empty"),
        ("1,a,micro,3,5,100,negative", r"offset 100 is after the last frame 99 of 1/a"),
        ("1,c,micro,3,5,9,negative", r"there is no video 1/c; add it to videos.csv or delete the row"),
        ("1,a,micro,3,5,9,angry", r"emotion 'angry' is not one of negative"),
        ("1,a,micro,3,5,9,", r"emotion '' is not one of negative"),
        ("1,a,micro,x,5,9,negative", r"onset 'x' is not a whole number"),
        ("1,a,micro,3,6,9,surprise", r"frames 3 .. 9 of 1/a are already labelled micro; delete one row"),
    ],
)
def test_wrong_expression_rows_are_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"expressions.csv, row 4: {message}"):
        read_catalog(write(tmp_path, expressions=EXPRESSIONS + row + "\n"))


def test_frames_may_be_labelled_once_for_each_kind(tmp_path: Path) -> None:
    catalog = read_catalog(write(tmp_path, expressions=EXPRESSIONS + "1,a,macro,3,5,9,negative\n"))
    assert [e.kind for e in catalog.expressions] == ["micro", "macro", "macro"]
    with pytest.raises(UserError, match=r"expression of 1/a: frames 3 .. 9 of 1/a are already labelled micro"):
        Catalog(catalog.videos, (*catalog.expressions, catalog.expressions[0]))


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"videos.csv: .*`memodule catalog`.*subject, video"):
        read_catalog(tmp_path)
    (tmp_path / "videos.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"videos.csv: cannot be read as UTF-8 text"):
        read_catalog(tmp_path)


def test_part_of_some_subjects() -> None:
    videos = tuple(Video(subject, "a", Path("x"), 30, 50) for subject in "123")
    expressions = tuple(Expression(subject, "a", "micro", 1, 2, 3, "others") for subject in "123")
    part = Catalog(videos, expressions).of({"3", "1"})
    assert part.subjects == ("1", "3")
    assert [e.subject for e in part.expressions] == ["1", "3"]


def test_label_sources_are_written_next_to_the_catalog(samm_lv: Release, tmp_path: Path) -> None:
    samm_lv.books["SAMM_LongVideos_V3_Release.xlsx"]["FACS_Movement_Only"][11][3] = 0
    catalog = samm_lv.read()
    catalog.write(tmp_path / "out")
    written = json.loads((tmp_path / "out" / "provenance.json").read_text())
    files = [samm_lv.root / "SAMM_LongVideos_V3_Release.xlsx", samm_lv.root / "SAMM_Micro_FACS_Codes_v2.xlsx"]
    assert written["label_files"] == {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert written["label_rows"] == {"micro": 3, "macro": 2}
    [remark] = written["remarks"]
    assert remark["severity"] == "note"
    assert remark["place"].endswith("SAMM_LongVideos_V3_Release.xlsx, sheet FACS_Movement_Only, row 12")
    assert read_catalog(tmp_path / "out", "SAMM-LV") == catalog


def test_a_missing_catalog_names_the_commands_that_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"videos\.csv: no such file") as caught:
        read_catalog(tmp_path)
    assert all(f"`memodule {command}`" in str(caught.value) for command in ("catalog", "demo", "synth"))
