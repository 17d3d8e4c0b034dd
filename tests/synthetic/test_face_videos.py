"""The data set on disk: same seed same bytes, whole or absent, and never over someone else's files."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from bench import wait_until

from memodule.data.windows import label_frames
from memodule.datasets.catalog import read_catalog
from memodule.errors import UserError
from memodule.runtime.workers import WorkerDiedError
from memodule.synthetic import face_videos, synthesize
from memodule.synthetic.frame_files import write_h264

SMALL = {"subjects": 2, "videos": 1, "frames": 90}
THREE = {"subjects": 1, "videos": 3, "frames": 90, "seed": 5}


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def decode(video: Path) -> np.ndarray:
    capture, frames = cv2.VideoCapture(str(video)), []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY))
    return np.array(frames)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "a folder with späces"
    synthesize(out, **SMALL, seed=3)
    return out


def test_catalog_on_disk_is_the_one_returned_and_complete(made):
    again = synthesize(made, **SMALL, seed=3)
    catalog = read_catalog(made)
    assert catalog.expressions == again.expressions
    assert [(v.key, v.fps, v.frames) for v in catalog.videos] == [(("s01", "v1"), 30, 90), (("s02", "v1"), 30, 90)]
    assert any(e.kind == "micro" for e in catalog.expressions)
    assert all(e.apex is not None for e in catalog.expressions)
    for video in catalog.videos:
        frames, height, width = decode(video.path).shape
        assert frames == 90
        assert height == width
        assert 194 <= height <= 390


def test_same_seed_same_bytes_and_subjects_do_not_depend_on_their_number(made, tmp_path):
    synthesize(tmp_path / "same", **SMALL, seed=3)
    assert contents(tmp_path / "same") == contents(made)
    synthesize(tmp_path / "alone", **{**SMALL, "subjects": 1}, seed=3)
    assert contents(tmp_path / "alone")["s01/v1.avi"] == contents(made)["s01/v1.avi"]
    synthesize(tmp_path / "other", **{**SMALL, "subjects": 1}, seed=4)
    faces = [
        cv2.resize(decode(folder / "s01" / "v1.avi")[0], (304, 304)).astype(float)
        for folder in (made, tmp_path / "other")
    ]
    assert np.abs(faces[0] - faces[1]).mean() > 20  # less for two videos of one person, see below


def test_videos_of_a_subject_show_one_face_under_noise_of_their_own(tmp_path):
    synthesize(tmp_path / "out", subjects=1, videos=2, frames=90, difficulty="easy")
    first, second = (decode(tmp_path / "out" / "s01" / f"v{n}.avi")[:2].astype(float) for n in (1, 2))
    assert np.abs(first[0] - second[0]).mean() < 10
    noises = [(video[1] - video[0])[:, :8].ravel() for video in (first, second)]  # the border does not move
    assert abs(np.corrcoef(noises)[0, 1]) < 0.2


def test_images_hold_the_same_frames_as_video(made, tmp_path):
    catalog = synthesize(tmp_path / "images", **{**SMALL, "subjects": 1}, seed=3, storage="images")
    files = sorted(catalog.videos[0].path.iterdir())
    assert len(files) == 90
    images = np.array([cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in files])
    np.testing.assert_array_equal(images, decode(made / "s01" / "v1.avi"))


def test_photographs_take_turns(made):
    first, second = (cv2.resize(decode(made / s / "v1.avi")[0], (304, 304)).astype(float) for s in ("s01", "s02"))
    top = np.s_[:60, 100:200]  # a forehead, a navy cap
    assert np.abs(first[top] - second[top]).mean() > 40


def test_h264_is_small_close_to_the_truth_and_the_same_each_time(made, tmp_path):
    one = {**SMALL, "subjects": 1, "storage": "h264"}
    catalog = synthesize(tmp_path / "a", **one, seed=3)
    synthesize(tmp_path / "b", **one, seed=3)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    (video,) = catalog.videos
    assert video.path.name == "v1.mp4"
    assert video.path.stat().st_size < (made / "s01" / "v1.avi").stat().st_size / 10
    seen, exact = decode(video.path).astype(float), decode(made / "s01" / "v1.avi").astype(float)
    assert seen.shape == exact.shape
    assert 0.5 < np.abs(seen - exact).mean() < 6
    capture = cv2.VideoCapture(str(video.path))
    assert capture.get(cv2.CAP_PROP_FPS) == 30
    assert read_catalog(tmp_path / "a").videos[0].frames == capture.get(cv2.CAP_PROP_FRAME_COUNT) == 90


def test_compression_is_as_strong_as_stated(tmp_path):
    frames = np.random.default_rng(0).integers(100, 140, (6, 64, 64), dtype=np.uint8)
    sizes = []
    for crf in (10, 25, 40):
        write_h264(tmp_path / f"{crf}.mp4", iter(frames), 29.97, crf)
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 1.5 * sizes[1] > 1.5**2 * sizes[2]
    assert cv2.VideoCapture(str(tmp_path / "10.mp4")).get(cv2.CAP_PROP_FPS) == pytest.approx(29.97, abs=1e-3)


def test_a_second_run_makes_only_what_is_missing(made, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(made, out)
    kept = (out / "s02" / "v1.avi").stat().st_mtime_ns
    (out / "s01" / "v1.avi").unlink()
    (out / "videos.csv").unlink()
    synthesize(out, **SMALL, seed=3)
    assert (out / "s02" / "v1.avi").stat().st_mtime_ns == kept
    assert contents(out) == contents(made)


@pytest.fixture
def unrendered(monkeypatch):
    """Catalogs without videos."""
    monkeypatch.setattr(face_videos, "_write_all", lambda jobs, workers: None)


def test_an_annotator_errs_in_the_labels_only(unrendered, tmp_path):
    size = {"subjects": 8, "videos": 4, "frames": 300}
    exact = synthesize(tmp_path / "exact", **size)
    rough = synthesize(tmp_path / "rough", **size, annotator_error=2)
    assert len(exact.expressions) == len(rough.expressions) > 60
    errors = np.array(
        [
            (b.onset - a.onset, b.apex - a.apex, b.offset - a.offset)
            for a, b in zip(exact.expressions, rough.expressions, strict=True)
        ]
    )
    assert {*errors[:, 0]} == {*errors[:, 2]} == {-2, -1, 0, 1, 2}
    assert np.abs(errors).max() <= 3  # an apex keeps inside
    assert abs(np.corrcoef(errors[:, [0, 2]].T)[0, 1]) < 0.3
    assert [e.emotion for e in rough.expressions] == [e.emotion for e in exact.expressions]
    with pytest.raises(UserError, match=r"annotator_error: 3; use 0 to 2 frames at 30 fps"):
        synthesize(tmp_path / "out", **size, annotator_error=3)


def test_masked_expressions_survive_the_catalog_and_the_labels_of_frames(unrendered, tmp_path):
    synthesize(tmp_path / "out", subjects=8, videos=4, frames=600, difficulty="hard", annotator_error=2)
    catalog = read_catalog(tmp_path / "out")
    masked = 0
    for video in catalog.videos:
        micros, macros = (catalog.expressions_of(video.key, kind) for kind in ("micro", "macro"))
        score, _ = label_frames(micros, video.frames)
        assert all(score[e.onset + 1 : e.offset].all() for e in micros)
        masked += sum(a.onset <= b.offset and b.onset <= a.offset for a in micros for b in macros)
    assert masked > 5


def test_the_rate_of_micro_expressions_can_be_set(unrendered, tmp_path):
    size = {"subjects": 10, "videos": 2, "frames": 3600}
    sparse = synthesize(tmp_path / "sparse", **size, micros_per_minute=1.5)
    none = synthesize(tmp_path / "none", **size, micros_per_minute=0)
    counts = [sum(e.kind == "micro" for e in made.expressions_of(v.key)) for made in (sparse,) for v in made.videos]
    assert 1 < np.mean(counts) / 2 < 2
    assert {e.kind for e in none.expressions} == {"macro"}
    with pytest.raises(UserError, match=r"micros_per_minute: -1; use 0 to 40"):
        synthesize(tmp_path / "out", **size, micros_per_minute=-1)


@pytest.mark.parametrize("storage", ["video", "images", "h264"])
def test_a_failure_leaves_nothing_that_looks_complete(tmp_path, monkeypatch, storage):
    render = face_videos.render

    def breaking(*arguments):
        for number, frame in enumerate(render(*arguments)):
            if number == 20:
                raise OSError("disk full")
            yield frame

    monkeypatch.setattr(face_videos, "render", breaking)
    with pytest.raises(OSError, match="disk full"):
        synthesize(tmp_path / "out", **SMALL, storage=storage)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["s01", "synthetic.json"]
    with pytest.raises(UserError, match=r"videos\.csv: no such file"):
        read_catalog(tmp_path / "out")


def test_other_folders_and_other_arguments_are_refused(made, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="holds something else; use another folder"):
        synthesize(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(UserError, match=r"thesis\.txt: not a folder"):
        synthesize(tmp_path / "thesis.txt", **SMALL)
    before = contents(made)
    with pytest.raises(UserError, match=r"synthetic\.json: the folder holds data made with other arguments"):
        synthesize(made, **SMALL, seed=4)
    assert contents(made) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subjects": 0}, "subjects: 0 .*; use 1 or more"),
        ({"seed": -1}, "seed: -1 .*; use 0 or more"),
        ({"frames": 60}, "frames: 60 is too short at 30 fps; use 90 or more"),
        ({"fps": 0.0}, "fps: 0; use 10 to 1000"),
    ],
)
def test_impossible_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        synthesize(tmp_path / "out", **{**SMALL, **arguments})
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_more_workers_give_the_same_bytes(made, tmp_path):
    synthesize(tmp_path / "out", **SMALL, seed=3, workers=2)
    assert contents(tmp_path / "out") == contents(made)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, str]:
    """Contents of THREE if nothing is killed."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    synthesize(out, **THREE)
    return contents(out)


@pytest.mark.slow
def test_a_killed_run_leaves_whole_videos_only_and_no_workers(undisturbed, tmp_path):
    out = tmp_path / "out"
    run = _start(out)
    wait_until(lambda: list(out.glob("*/v*.avi")), run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert not (out / "videos.csv").exists()
    assert {len(decode(video)) for video in out.glob("*/v*.avi")} == {90}
    wait_until(lambda: not _alive(run.pid))
    synthesize(out, **THREE)
    finished = {name: digest for name, digest in contents(out).items() if ".memodule-tmp-" not in name}
    assert finished == undisturbed


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(undisturbed, tmp_path):
    out = tmp_path / "out"
    run = _start(out)
    wait_until(lambda: list(out.glob("*/.memodule-tmp-*")), run)
    os.kill(_workers(run.pid)[0], signal.SIGKILL)
    _, err = run.communicate()
    assert (run.returncode, b"Traceback" in err) == (0, False), err
    finished = {name: digest for name, digest in contents(out).items() if ".memodule-tmp-" not in name}
    assert finished == undisturbed


def test_a_worker_that_dies_again_and_again_is_reported_in_one_line(tmp_path, monkeypatch):
    died = WorkerDiedError("its process was killed, perhaps because memory ran out")
    monkeypatch.setattr(face_videos, "run", lambda do, jobs, *rest: iter([(jobs[0], died)]))
    with pytest.raises(UserError, match=r"v1\.avi: its process was killed, .*; use fewer workers"):
        synthesize(tmp_path / "out", **SMALL)


def _start(out: Path) -> subprocess.Popen[bytes]:
    """The command that makes THREE with two workers."""
    options = [f"--{name}={value}" for name, value in THREE.items()]
    command = [sys.executable, "-m", "memodule", "synth", str(out), "--workers=2", *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)


def _workers(parent: int) -> list[int]:
    """Processes that were spawned to work for another one."""
    children = map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _alive(session: int) -> bool:
    """Whether any process of a session lives."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True
