import csv
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from memodule.datasets.catalog import Catalog, Video
from memodule.errors import UserError
from memodule.flow import ExtractionReport, FlowExtractor, FlowParameters, FlowStore, extract_catalog, extraction
from memodule.flow.parts import extract_part, split
from memodule.runtime.workers import WorkerDiedError

WINDOW = 10


def write_images(folder, frames):
    folder.mkdir(parents=True)
    for i, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{i + 1:04d}.png"), frame)
    return folder


def write_video(path, frames, colour=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 30.0, size, isColor=colour)
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) if colour else frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def frames(golden_frames):
    """40 frames of a face."""
    return golden_frames("plain_k30")[60:100]


@pytest.fixture
def store(tmp_path):
    return FlowStore(tmp_path / "store", FlowParameters(WINDOW))


@pytest.fixture
def catalog(tmp_path, frames):
    """A folder of images, and a video file."""
    folder = write_images(tmp_path / "videos" / "a", frames[:20])
    file = write_video(tmp_path / "videos" / "b.avi", frames[:25])
    return Catalog((Video("s01", "a", folder, 30, 20), Video("s02", "b", file, 25, 25)), name="test")


def outcome(report, video):
    return next(o for o in report.outcomes if o.key[1] == video)


def no_work(*_):
    raise AssertionError("features were computed again")


@pytest.fixture
def forbid_work(monkeypatch):
    return lambda: monkeypatch.setattr(extraction, "extract_part", no_work)


def test_features_are_those_of_the_extractor(catalog, store, frames):
    report = extract_catalog(catalog, store)
    assert [o.state for o in report.outcomes] == ["extracted"] * 2
    assert not report.problems
    for video, part in (("a", frames[:20]), ("b", frames[:25])):
        record = store.get(outcome(report, video).key[0], video)
        np.testing.assert_array_equal(record.windows, FlowExtractor(WINDOW).extract(part))
        assert (record.frames, record.source["kind"]) == (len(part), "frames")
    assert store.get("s02", "b").fps == 25


@pytest.mark.parametrize("workers", [1, 2])
def test_frames_that_are_left_over_are_in_a_window_that_the_last_frame_fills(tmp_path, frames, workers):
    folder = write_images(tmp_path / "videos" / "a", frames[:23])
    store = FlowStore(tmp_path / "store", FlowParameters(WINDOW))
    report = extract_catalog(Catalog((Video("s01", "a", folder, 30, 23),)), store, workers=workers)
    assert not report.problems
    filled = [*frames[:23], frames[22], frames[22]]
    np.testing.assert_array_equal(store.get("s01", "a").windows, FlowExtractor(WINDOW).extract(filled))
    whole = FlowExtractor(WINDOW).extract(frames[:23])
    np.testing.assert_array_equal(store.get("s01", "a").windows[: len(whole)], whole)
    assert store.get("s01", "a").frames == 23


def test_frames_are_sampled(catalog, tmp_path, frames):
    store = FlowStore(tmp_path / "store", FlowParameters(WINDOW, frame_step=2, motion_compensation="published"))
    extract_catalog(catalog, store)
    expected = FlowExtractor(WINDOW, "published").extract(frames[:25:2])
    np.testing.assert_array_equal(store.get("s02", "b").windows[: len(expected)], expected)


def test_colour_and_gray_files_give_nearly_the_same(tmp_path, store, frames):
    files = [write_video(tmp_path / f"{colour}.avi", frames[:20], colour) for colour in (False, True)]
    videos = tuple(Video("s", file.stem, file, 30, 20) for file in files)
    extract_catalog(Catalog(videos), store)
    gray, colour = (store.get("s", video.video).windows for video in videos)
    assert np.abs(gray - colour).max() < 0.2


def test_what_is_complete_is_not_computed_again(catalog, store, forbid_work):
    extract_catalog(catalog, store)
    forbid_work()
    report = extract_catalog(catalog, store)
    assert [o.state for o in report.outcomes] == ["complete"] * 2
    assert [o.state for o in extract_catalog(catalog, store, verify=True).outcomes] == ["complete"] * 2


def test_other_parameters_are_extracted_as_well(catalog, store, tmp_path):
    extract_catalog(catalog, store)
    other = FlowStore(tmp_path / "store", FlowParameters(WINDOW + 4))
    assert outcome(extract_catalog(catalog, other), "a").state == "extracted"
    assert store.get("s01", "a").shape[2] == WINDOW
    assert other.get("s01", "a").shape[2] == WINDOW + 4


def test_changed_frames_are_extracted_again(catalog, store, frames):
    extract_catalog(catalog, store)
    before = store.get("s01", "a")
    cv2.imwrite(str(catalog.videos[0].path / "0017.png"), frames[35])
    report = extract_catalog(catalog, store)
    assert [o.state for o in report.outcomes] == ["extracted", "complete"]
    assert store.get("s01", "a").sha256 != before.sha256
    assert not before.path.exists()


def test_another_number_of_frames_is_extracted_again(catalog, store):
    extract_catalog(catalog, store)
    shorter = Video("s01", "a", catalog.videos[0].path, 30, 15)
    assert outcome(extract_catalog(Catalog((shorter,)), store), "a").state == "extracted"
    assert store.get("s01", "a").shape[0] == 2


def test_frames_that_were_only_copied_or_touched_are_not(catalog, store, forbid_work, tmp_path):
    extract_catalog(catalog, store)
    forbid_work()
    os.utime(catalog.videos[0].path / "0003.png", (1, 1))
    moved = shutil.copytree(tmp_path / "videos", tmp_path / "moved", copy_function=shutil.copyfile)
    videos = tuple(Video(v.subject, v.video, moved / v.path.name, v.fps, v.frames) for v in catalog.videos)
    for videos_now in (catalog.videos, videos):
        assert {o.state for o in extract_catalog(Catalog(videos_now), store).outcomes} == {"complete"}
    assert store.get("s01", "a").source["path"] == str(moved / "a")
    shutil.rmtree(moved)
    assert {o.state for o in extract_catalog(Catalog(videos), store).outcomes} == {"complete"}


def test_a_corrected_frame_rate_costs_nothing(catalog, store, forbid_work):
    extract_catalog(catalog, store)
    forbid_work()
    video = catalog.videos[0]
    extract_catalog(Catalog((Video(video.subject, video.video, video.path, 200, video.frames),)), store)
    assert store.get("s01", "a").fps == 200


def test_imported_features_are_left_alone(catalog, store, forbid_work):
    forbid_work()
    for video in catalog.videos:
        store.put(video.subject, video.video, np.ones((3, 36, WINDOW)), fps=1, frames=20, source={"kind": "somewhere"})
    report = extract_catalog(catalog, store, verify=True)
    (remark,) = outcome(report, "a").remarks
    assert "somewhere" in remark
    assert (store.get("s01", "a").windows == 1).all()


@pytest.mark.parametrize(
    "damage",
    [
        lambda record, description: record.path.unlink(),
        lambda record, description: record.path.write_bytes(record.path.read_bytes()[:-5]),
        lambda record, description: record.path.write_bytes(b"something else"),
        lambda record, description: description.write_text("{"),
        lambda record, description: description.write_text('{"format": "of another program"}'),
    ],
    ids=["missing", "truncated", "foreign", "cut description", "foreign description"],
)
def test_damaged_files_are_named_and_extracted_again(catalog, store, damage, capsys):
    extract_catalog(catalog, store)
    record = store.get("s01", "a")
    damage(record, store.description_path("s01", "a"))
    report = extract_catalog(catalog, store)
    assert [o.state for o in report.outcomes] == ["extracted", "complete"]
    assert "s01_a" in capsys.readouterr().err
    assert store.get("s01", "a").sha256 == record.sha256


def test_verify_finds_a_flipped_bit(catalog, store, capsys):
    extract_catalog(catalog, store)
    record = store.get("s02", "b")
    contents = bytearray(record.path.read_bytes())
    contents[-1] ^= 4
    record.path.write_bytes(contents)
    assert outcome(extract_catalog(catalog, store), "b").state == "complete"
    assert outcome(extract_catalog(catalog, store, verify=True), "b").state == "extracted"
    assert store.get("s02", "b").path.name in capsys.readouterr().err
    store.verify(store.get("s02", "b"))


def test_verify_finds_frames_changed_behind_the_same_times(catalog, store, frames):
    extract_catalog(catalog, store)
    image = catalog.videos[0].path / "0010.png"
    status = image.stat()
    contents = bytearray(image.read_bytes())
    contents[-30] ^= 1
    image.write_bytes(contents)
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert outcome(extract_catalog(catalog, store), "a").state == "complete"
    assert outcome(extract_catalog(catalog, store, verify=True), "a").state == "extracted"


@dataclasses.dataclass(frozen=True)
class Run:
    """What was extracted, where to, and what was said."""

    folder: Path
    catalog: Catalog
    store: FlowStore
    report: ExtractionReport


@pytest.fixture(scope="module")
def troubled(tmp_path_factory, frames, golden_frames):
    """A Catalog of videos of which most are troubled, extracted."""
    tmp_path = tmp_path_factory.mktemp("troubled")
    late = golden_frames("late_face_k30")
    blank = np.zeros_like(frames[:20])
    spoilt = write_images(tmp_path / "spoilt", frames[:20])
    for number in (4, 5, 12):
        (spoilt / f"{number:04d}.png").write_bytes(b"no image")
    holed = write_images(tmp_path / "holed", frames[:22])
    for number in (7, 8):
        (holed / f"{number:04d}.png").unlink()
    (tmp_path / "text.avi").write_text("no video")
    sources = {
        "good": (write_images(tmp_path / "good", frames[:20]), 20),
        "absent": (tmp_path / "absent", 20),
        "text": (tmp_path / "text.avi", 20),
        "cut": (write_video(tmp_path / "cut.avi", frames[:20]), 40),
        "halved": (write_video(tmp_path / "halved.avi", frames[:10]), 21),
        "nearly": (write_video(tmp_path / "nearly.avi", frames[:20]), 22),
        "short": (write_images(tmp_path / "short", frames[:9]), 9),
        "faceless": (write_images(tmp_path / "faceless", blank), 20),
        "late": (write_video(tmp_path / "late.avi", late[30:60]), 30),
        "lost": (write_images(tmp_path / "lost", [*frames[:16], *blank[:14]]), 30),
        "spoilt": (spoilt, 20),
        "holed": (holed, 20),
    }
    catalog = Catalog(tuple(Video("s", name, path, 30, count) for name, (path, count) in sources.items()))
    store = FlowStore(tmp_path / "store", FlowParameters(WINDOW))
    return Run(tmp_path, catalog, store, extract_catalog(catalog, store))


REMARKS = {
    "nearly": ("20 .* 22 frames",),
    "late": ("no face in 1 of 5 windows.* frame 0 ", "late in 1 windows.* frame 5 "),
    "lost": ("no face in 1 of 5 windows.* frame 20 ", "lost, in 13 frames"),
    "spoilt": ("frame 3: 0004.png .* 0003.png", "frame 4: 0005.png .* 0003.png", "frame 11: 0012.png .* 0011.png"),
    "holed": ("2 image numbers .* 7",),
}
"""What remarks must name, in order."""


def test_troubled_videos_are_reported_and_stop_no_other(troubled):
    folder, store, report = troubled.folder, troubled.store, troubled.report
    problems = {o.key[1]: (o.state, o.problem) for o in report.problems}
    expected = {
        "absent": ("failed", f"{folder}/absent: .* `path` in videos.csv"),
        "text": ("failed", f"{folder}/text.avi: .* convert it"),
        "cut": ("failed", f"{folder}/cut.avi: .* 20 .* 40 .* `frames` in videos.csv to 20"),
        "halved": ("failed", f"{folder}/halved.avi: .* 10 .* 21 .* `frames` in videos.csv to 10"),
        "short": ("extracted", "too short: 9 .* 10"),
        "faceless": ("extracted", "no face .* 20 "),
    }
    assert {name: state for name, (state, _) in problems.items()} == {n: state for n, (state, _) in expected.items()}
    for name, (_, pattern) in expected.items():
        assert re.match(pattern, problems[name][1]), problems[name][1]
    remarks = {o.key[1]: o.remarks for o in report.outcomes if o.remarks}
    assert remarks.keys() == REMARKS.keys()
    for name, patterns in REMARKS.items():
        for pattern, remark in zip(patterns, remarks[name], strict=True):
            assert re.search(pattern, remark), remark
    assert store.get("s", "short").shape == (0, 36, 10)
    assert not store.get("s", "faceless").windows.any()
    assert not store.description_path("s", "cut").exists()


def test_troubles_are_reported_again_without_work(troubled):
    first, second = troubled.report, extract_catalog(troubled.catalog, troubled.store)
    failed = ("absent", "text", "cut", "halved")
    assert [o.state for o in second.outcomes] == [
        "failed" if o.key[1] in failed else "complete" for o in first.outcomes
    ]
    assert [(o.problem, o.remarks) for o in second.outcomes] == [(o.problem, o.remarks) for o in first.outcomes]


def test_quality_table_separates_good_from_bad(troubled):
    with (troubled.store.folder / "quality.csv").open() as file:
        rows = {row["video"]: row for row in csv.DictReader(file)}
    assert set(rows) == {video.video for video in troubled.catalog.videos} - {"absent", "text", "cut", "halved"}
    shares = {name: float(row["face_share"]) for name, row in rows.items()}
    assert shares["good"] == 1
    assert shares["faceless"] == 0
    assert 0 < shares["late"] < 1
    assert rows["good"]["box_side"] == "170.0"
    assert rows["spoilt"]["replaced_frames"] == "3"
    assert rows["short"]["problem"].startswith("too short")


def test_a_report_as_text(troubled):
    text = str(troubled.report)
    assert re.match(r"8 videos extracted in \d+ s, 0 were complete before, 4 failed\n", text)
    assert "problem: s/faceless: no face" in text
    assert "remark: s/spoilt: frame 3: 0004.png" in text


def test_an_unforeseen_error_names_video_and_frame(catalog, store, monkeypatch):
    def fail(*_):
        raise RuntimeError("by chance")

    monkeypatch.setattr("memodule.flow.window._Reference.motion", fail)
    problem = outcome(extract_catalog(catalog, store), "a").problem
    assert problem.endswith("a, frame 1: RuntimeError: by chance")


def test_a_killed_worker_is_a_problem_of_its_video(catalog, store, monkeypatch):
    monkeypatch.setattr(
        extraction, "extract_part", lambda part, report: (_ for _ in ()).throw(WorkerDiedError("killed"))
    )
    assert {o.problem for o in extract_catalog(catalog, store).outcomes} == {"killed"}


def test_failed_videos_count_as_done_in_the_progress(catalog, monkeypatch):
    part = split([catalog.videos[0]], FlowParameters(WINDOW), "auto", 1)[0]
    reported = []
    monkeypatch.setattr("memodule.flow.window._Reference.motion", lambda *_: 1 / 0)
    with pytest.raises(UserError, match="ZeroDivisionError"):
        extract_part(part, reported.append)
    assert reported[-1] == 3


@pytest.mark.parametrize(("step", "phases"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("video", [0, 1])
def test_parts_of_a_video_are_slices_of_the_whole(catalog, video, step, phases, monkeypatch, frames):
    monkeypatch.setattr("memodule.flow.parts._SHORTEST", 1)
    parameters = FlowParameters(4, frame_step=step, phases=phases)
    chosen = catalog.videos[video]
    parts = sorted(split([chosen], parameters, "auto", 2), key=lambda part: part.first)
    assert len(parts) > 2
    results = [extract_part(part, lambda _: None) for part in parts]
    sampled = [*frames[: chosen.frames][::step]]
    padding = len(sampled) % 2 if phases == 1 else parameters.padding(chosen.frames)
    whole = FlowExtractor(4, phases=phases).extract([*sampled, *sampled[-1:] * padding])
    np.testing.assert_array_equal(np.concatenate([result.flow for result in results]), whole)
    assert all(result.ends_at is None for result in results)


def test_long_videos_are_split_and_short_ones_are_not(tmp_path):
    videos = [Video("s", str(i), tmp_path, 30, 300) for i in range(30)] + [Video("s", "long", tmp_path, 30, 20_000)]
    parts = split(videos, FlowParameters(30), "auto", 4)
    assert all(len([part for part in parts if part.video is video]) == 1 for video in videos[:-1])
    long = sorted((part for part in parts if part.video is videos[-1]), key=lambda part: part.first)
    assert len(long) > 8
    assert [part.first for part in long[1:]] == [part.stop for part in long[:-1]]
    assert (long[0].first, long[-1].stop) == (0, FlowParameters(30).windows(20_000))
    assert [part.is_last for part in long] == [False] * (len(long) - 1) + [True]
    lengths = [part.stop - part.first for part in parts]
    assert lengths == sorted(lengths, reverse=True)
    assert len(split(videos, FlowParameters(30), "auto", 1)) == len(videos)


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers(catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "_WINDOWS_PER_WORKER", 1)
    monkeypatch.setattr("memodule.flow.parts._SHORTEST", 1)
    hashes = []
    for workers in (1, 3):
        store = FlowStore(tmp_path / str(workers), FlowParameters(WINDOW))
        assert not extract_catalog(catalog, store, workers=workers).problems
        hashes.append([store.get(video.subject, video.video).sha256 for video in catalog.videos])
    assert hashes[0] == hashes[1]


def start(catalog_folder, store):
    arguments = ["extract", str(catalog_folder), "--out", str(store.root), "--window", str(WINDOW), "--workers", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "memodule", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


@pytest.fixture
def many(tmp_path, frames):
    """A Catalog on disk: six short videos."""
    videos = []
    for i in range(6):
        path = write_video(tmp_path / "many" / f"{i}.avi", frames[3 * i : 3 * i + 25])
        videos.append(Video(f"s{i % 3}", str(i), path, 30, 25))
    catalog = Catalog(tuple(videos))
    catalog.write(tmp_path / "many")
    return catalog


def whole_videos(store):
    """Videos that are described, each checked to be whole."""
    videos = [json.loads(path.read_text()) for path in store.folder.glob("[!.]*.json")]
    for video in videos:
        store.verify(store.get(video["subject"], video["video"]))
    return videos


@pytest.mark.slow
def test_after_a_kill_the_next_run_does_what_is_left(many, store, tmp_path):
    with start(tmp_path / "many", store) as process:
        until = time.monotonic() + 120
        while not list(store.folder.glob("[!.]*.json")):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    done = whole_videos(store)
    assert 0 < len(done) < 6
    times = {path: path.stat().st_mtime_ns for path in store.folder.glob("[!.]*.json")}
    report = extract_catalog(many, store)
    assert sum(o.state == "complete" for o in report.outcomes) == len(done)
    assert len(whole_videos(store)) == 6
    assert all(path.stat().st_mtime_ns == written for path, written in times.items())


@pytest.mark.slow
def test_two_processes_fill_one_store_without_harm(many, store, tmp_path):
    with start(tmp_path / "many", store) as one, start(tmp_path / "many", store) as other:
        assert (one.wait(), other.wait()) == (0, 0)
    assert len(whole_videos(store)) == 6
    assert len(list(store.folder.glob("*.npy"))) == 6
    alone = FlowStore(tmp_path / "alone", store.parameters)
    extract_catalog(many, alone)
    for video in many.videos:
        assert store.get(*video.key).sha256 == alone.get(*video.key).sha256
