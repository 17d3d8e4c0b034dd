"""`memodule check`: what it finds, what it prints, and its exit status."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from fake_releases import FACS_SHEET, LONG_SHEET, PIXEL, Release, facs_row, frames, samm_row

from memodule.cli import main
from memodule.datasets import Catalog, Expression, Video, read_catalog
from memodule.datasets.check.describe import check_text
from memodule.datasets.check.examine import DatasetCheck, check_dataset
from memodule.datasets.check.statistics import catalog_statistics
from memodule.datasets.description import Training, describe_catalog
from memodule.datasets.folders import Listing


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def check(release: Release) -> DatasetCheck:
    return check_dataset(release.description, release.write(), Listing())


def warnings(report: DatasetCheck) -> list[str]:
    return [str(remark) for remark in report.remarks if remark.severity == "warning"]


def full_size(release: Release) -> Release:
    """All 147 folders, 159 micro- and 343 macro-expressions, with the quirks of the real sheets.

    The folders are links to the same images, which is quicker than 30,000 files.
    """
    release.videos, movements, facs = {"pictures": frames("", 211, 4)}, [], []
    (release.root / "SAMM_longvideos").mkdir(parents=True)
    for i in range(147):
        code = f"{6 + i // 5:03d}_{1 + i % 5}"
        (release.root / "SAMM_longvideos" / code).symlink_to(release.root / "pictures", target_is_directory=True)
        micro = [(20, 60, 95), (120, 150, 199)][: 2 if i < 12 else 1]
        macro = [(0, 100, 140), (2, 100, 170), (50, 140.6, 210)][: 3 if i < 49 else 2]
        for number, span in enumerate(micro):
            movements.append(samm_row(f"{code}_{number}", *span))
            facs.append(facs_row(f"{code}_{number}", ["Anger", "Happiness", "Surprise", "Other"][i % 4]))
        movements += [samm_row(f"{code}_{number}", *span, "Macro") for number, span in enumerate(macro)]
    release.books[LONG_SHEET]["FACS_Movement_Only"][10:] = movements
    release.books[FACS_SHEET]["MICRO_ONLY"][14:] = facs
    return release


def own(folder: Path, *expressions: tuple[int, int], frame_count: int = 100, kind: str = "micro") -> Catalog:
    (folder / "a").mkdir(parents=True)
    for name in frames("", frame_count):
        (folder / "a" / name).touch()
    (folder / "a" / "1.jpg").write_bytes(PIXEL)
    labels = tuple(Expression("1", "a", kind, on, None, off, "others") for on, off in expressions)  # type: ignore[arg-type]
    catalog = Catalog((Video("1", "a", folder / "a", 30, frame_count),), labels, folder.name)
    catalog.write(folder)
    return catalog


def test_full_size_release_is_clean(samm_lv: Release, capsys: pytest.CaptureFixture[str]) -> None:
    root = full_size(samm_lv).write()
    assert main(["check", "samm_lv", "--root", str(root)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"SAMM-LV in {root}: all is well\n")
    assert "147 videos of 30 subjects" in out
    assert "label rows: 159 micro, 343 macro, as in release V1 to V3" in out
    assert "macro-expression: onset unknown (0): left out (147 times)" in out
    assert "... and 141 more (--json lists all)" in out
    assert "Warnings" not in out
    assert out.endswith(f"Next: memodule catalog samm_lv --root {root} --out data/samm_lv\n")
    assert main(["check", str(root), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "clean"
    assert report["label_rows"] == {"micro": 159, "macro": 343}
    assert report["statistics"]["micro"]["count"] == 159
    assert len([r for r in report["remarks"] if "onset unknown" in r["text"]]) == 147


def test_expected_tree_is_shown_next_to_the_found_one(samm_lv: Release) -> None:
    samm_lv.videos["SAMM_longvideos/extra"] = []
    text = check_text(check(samm_lv))
    assert "  SAMM/                                  SAMM/\n" in text
    assert "    SAMM_longvideos/                       SAMM_longvideos/\n" in text
    assert "30 images, 1 .. 30\n" in text
    assert "... 1 more folders ... extra/\n" in text


def test_missing_videos_and_rows_are_warnings(samm_lv: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(samm_lv.write())]) == 1
    out = capsys.readouterr().out
    assert "usable, with 4 warnings" in out
    assert "4 videos of 2 subjects; the data set has 147 videos" in " ".join(out.split())
    assert "3 micro, 2 macro; known are V1 to V3: 159 micro, 343 macro" in out


def test_unusable_data_set(samm_lv: Release, capsys: pytest.CaptureFixture[str]) -> None:
    samm_lv.books[LONG_SHEET]["FACS_Movement_Only"][10][3] = "soon"
    assert main(["check", str(samm_lv.write())]) == 2
    out = capsys.readouterr().out
    assert "cannot be used" in out
    assert "sheet FACS_Movement_Only, row 11: onset 'soon' is not a frame number; correct the cell" in " ".join(
        out.split()
    )
    assert "SAMM_Micro_FACS_Codes_v2.xlsx" in out.partition("Expected")[2]  # both trees are shown all the same
    assert main(["check", "samm_lv", "--root", "/nowhere"]) == 2
    assert "no such folder" in capsys.readouterr().out


def test_versions_of_casme3_are_recognised_by_their_counts(casme3: Release) -> None:
    known = dataclasses.replace(casme3.description.releases[0], micro=4, macro=1)
    casme3.description = dataclasses.replace(casme3.description, releases=(known,), videos=4, training=None)
    report = check(casme3)
    read = "read: cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx, CAS(ME)3_part_A_v2.xls"
    rows = "label rows: 4 micro, 1 macro, as in release v2"
    assert report.facts == ("4 videos of 3 subjects", read, rows, "frames can be read: 4 x 3 pixels")
    assert report.status == "clean"


@pytest.mark.parametrize(("micro", "macro", "known"), [(4, None, True), (4, 2, False), (5, 1, False), (5, None, False)])
def test_a_release_may_be_known_by_its_micro_expressions_alone(
    casme3: Release, micro: int, macro: int | None, known: bool
) -> None:
    release = dataclasses.replace(casme3.description.releases[0], micro=micro, macro=macro)
    casme3.description = dataclasses.replace(casme3.description, releases=(release,))
    assert any("no known release" in text for text in warnings(check(casme3))) != known


def test_histogram_as_text_counts_every_expression(tmp_path: Path) -> None:
    own(tmp_path / "c", *((i, i + 10 + i % 7) for i in range(40)), (50, 99))
    text = check_text(check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing()))
    bars = text.partition("Durations of micro-expressions in ms\n")[2].splitlines()
    assert bars[-1].split()[1:3] == ["and", "longer"]
    assert sum(int(bar.split()[-1]) for bar in bars if "█" in bar) == 41


def test_overlaps(tmp_path: Path) -> None:
    own(tmp_path / "c", (10, 20), (20, 30), (31, 40))
    report = check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing())
    [text] = warnings(report)
    assert "two micro-expressions overlap" in text
    assert "10 .. 20 and 20 .. 30" in text


def test_micro_within_macro_is_a_note(tmp_path: Path) -> None:
    catalog = own(tmp_path / "c", (10, 20))
    Catalog(catalog.videos, (*catalog.expressions, Expression("1", "a", "macro", 5, None, 60, ""))).write(
        tmp_path / "c"
    )
    report = check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing())
    assert report.status == "clean"
    assert [remark.text for remark in report.remarks] == ["a micro-expression overlaps a macro-expression"]


def test_durations_outside_the_usual(tmp_path: Path) -> None:
    """At 30 fps 40 ms are 1.2 frames, 1 s is 30 frames."""
    own(tmp_path / "c", (10, 10), (20, 21), (30, 59), (60, 90))
    report = check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing())
    assert [remark.detail for remark in report.remarks] == ["10 .. 10, 33 ms", "60 .. 90, 1033 ms"]
    assert report.exit_status == 1


def test_what_sampling_loses(tmp_path: Path) -> None:
    """Every 7th of 200 frames are 29: less than a window; 7 .. 20 are sampled frames 1 and 2, 7 .. 21 are 1 to 3."""
    own(tmp_path / "c", (7, 20), (28, 42), frame_count=200)
    training = Training(7, 30, 1, 1)
    description = dataclasses.replace(describe_catalog(tmp_path / "c"), training=training)
    report = check_dataset(description, tmp_path / "c", Listing())
    assert [remark.detail for remark in report.remarks] == ["29 sampled frames", "7 .. 20"]


def test_frames_that_are_not_there(tmp_path: Path) -> None:
    own(tmp_path / "c", (10, 20))
    (tmp_path / "c" / "a" / "100.jpg").unlink()
    [text] = warnings(check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing()))
    assert "99 images, Catalog: 100 frames" in text
    (tmp_path / "c" / "a").rename(tmp_path / "c" / "b")
    [text] = warnings(check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing()))
    assert "flow cannot be extracted" in text


def test_frames_that_cannot_be_read(tmp_path: Path) -> None:
    catalog = own(tmp_path / "c", (10, 20))
    (tmp_path / "c" / "a" / "1.jpg").write_bytes(b"no picture")
    (tmp_path / "c" / "b.avi").write_bytes(b"no video")
    video = dataclasses.replace(catalog.videos[0], video="b", path=tmp_path / "c" / "b.avi")
    Catalog((*catalog.videos, video), catalog.expressions).write(tmp_path / "c")
    images, film = warnings(check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing()))
    assert "none of the 100 images can be read" in images
    assert "b.avi: frames cannot be read (OpenCV cannot read this as a video" in film


def test_subjects_of_two_data_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own(tmp_path / "c", (10, 20))
    own(tmp_path / "d", (10, 20))
    assert main(["check", str(tmp_path / "c"), "--against", str(tmp_path / "d")]) == 1
    assert "subjects are also in d: if they are the same people" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "c")]) == 0


def test_several_frame_rates(tmp_path: Path) -> None:
    catalog = own(tmp_path / "c", (10, 20))
    video = dataclasses.replace(catalog.videos[0], video="b", fps=200)
    Catalog((*catalog.videos, video), catalog.expressions).write(tmp_path / "c")
    [text] = warnings(check_dataset(describe_catalog(tmp_path / "c"), tmp_path / "c", Listing()))
    assert "30 and 200" in text or "200, 30" in text or "30, 200" in text


def test_statistics() -> None:
    videos = (
        Video("1", "a", Path("x"), 30, 300),
        Video("1", "b", Path("x"), 30, 300),
        Video("2", "a", Path("x"), 30, 300),
    )
    labels = [("1", "a", 0, 3, 14), ("1", "a", 50, None, 79), ("2", "a", 10, 13, 30)]
    micro = [Expression(s, v, "micro", on, apex, off, "surprise") for s, v, on, apex, off in labels]
    summary = catalog_statistics(Catalog(videos, (*micro, Expression("1", "b", "macro", 0, None, 29, ""))))
    assert (summary.subjects, summary.videos, summary.frames, summary.minutes) == (2, 3, 900, 0.5)
    assert summary.micro.emotions == {"surprise": 3}
    assert summary.micro.per_subject == {"1": 2, "2": 1}
    assert summary.micro.per_video == {"1/a": 2, "2/a": 1}
    assert summary.micro.durations_ms == pytest.approx((500, 700, 1000))
    assert summary.micro.duration_ms["median"] == pytest.approx(700)
    assert summary.micro.rise_ms["max"] == pytest.approx(100)  # an unknown apex does not count
    assert summary.micro.fall_ms == pytest.approx(summary.micro.fall_ms | {"min": 1100 / 3, "max": 1700 / 3})
    assert summary.macro.emotions == {"unknown": 1}


def test_histograms_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own(tmp_path / "c", (10, 20), (30, 45))
    own(tmp_path / "none")
    picture = tmp_path / "pictures" / "c.png"
    assert main(["check", str(tmp_path / "c"), "--histogram", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["check", str(tmp_path / "c"), "--histogram", str(tmp_path / "c.xyz")]) == 2
    assert "c.xyz: the picture cannot be written" in capsys.readouterr().err
    assert not list(tmp_path.glob(".memodule*"))
    assert main(["check", str(tmp_path / "none"), "--histogram", str(picture)]) == 2
    assert "none has no micro-expressions to draw" in capsys.readouterr().err


def test_text_without_expressions(megc_samm: Release) -> None:
    megc_samm.videos = {"SAMM_data/004_3": frames("004_3_", 210, 4)}
    text = check_text(check(megc_samm))
    assert "MEGC-SAMM in" in text
    assert text.endswith("Statistics: 210 frames at 200 fps, 0.0 minutes")


def test_catalog_command_writes_what_check_saw(
    casme3: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = casme3.write()
    assert main(["catalog", str(root), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert f"{tmp_path / 'out'}: 4 videos of 3 subjects, 4 micro- and 1 macro-expressions; 6 known quirks" in said.out
    assert "Published settings: frame_step 1, window 50, negative_ratio 4, batch_size 256" in said.out
    assert f"Next: memodule extract {tmp_path / 'out'} --out data/flow --window 50 --frame-step 1" in said.out
    assert "videos are missing" in said.err
    assert read_catalog(tmp_path / "out", "CAS(ME)^3") == casme3.description.read(root)
    assert main(["check", str(tmp_path / "out")]) == 0


def test_catalog_command_writes_nothing_of_an_unusable_data_set(
    casme3: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    casme3.books.clear()
    assert main(["catalog", str(casme3.write()), "--out", str(tmp_path / "out")]) == 2
    assert "does not look like" not in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_help_needs_no_heavy_module(capsys: pytest.CaptureFixture[str]) -> None:
    heavy = {"pandas", "matplotlib", "jsonargparse"} - set(sys.modules)
    assert main(["check", "--help"]) == 0
    assert main(["catalog", "--help"]) == 0
    assert "exit status: 0" in capsys.readouterr().out
    assert not heavy & set(sys.modules)
