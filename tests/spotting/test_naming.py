"""What result files are called, and where they may go: no video's results are written over another's."""

import itertools
import json
import re

import pytest

from memodule.cli import main
from memodule.spotting.naming import result_names
from memodule.synthetic.frame_files import write_video

from .conftest import shade


def videos(folder, *names):
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def hold(out, video, name):
    """Results of a video that are there already."""
    out.mkdir(exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps({"file": str(video.resolve())}))


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/v1.avi", "a/v2.avi"], ["v1", "v2"]),
        (["a/v1.avi", "b/v1.avi"], ["a-v1", "b-v1"]),
        (["a/v1.avi", "b/V1.avi"], ["a-v1", "b-V1"]),  # file systems that do not tell them apart
        (["a/v1.avi", "a/v1.mp4"], ["v1-avi", "v1-mp4"]),
        (["a/v1.avi", "b/v1.avi", "c/a-v1.mp4"], ["v1-avi", "b-v1", "a-v1"]),
    ],
)
def test_names_depend_on_no_order(tmp_path, paths, names):
    given = dict(zip(videos(tmp_path, *paths), names, strict=True))
    for order in itertools.permutations(given):
        assert result_names(order, tmp_path / "out") == [given[path] for path in order]


def test_folders_of_the_same_name_are_distinguished_by_their_whole_path(tmp_path):
    paths = videos(tmp_path, "x/a/v1.avi", "y/a/v1.avi")
    names = result_names(paths, None)
    assert len(set(names)) == 2
    assert all(name.startswith("v1-") and len(name) == len("v1-") + 8 for name in names)
    assert result_names(paths[::-1], None) == names[::-1]


def test_a_video_finds_its_own_files_again_and_leaves_those_of_another(tmp_path):
    a, b = videos(tmp_path, "a/v1.avi", "b/v1.avi")
    out = tmp_path / "out"
    hold(out, a, "v1")
    assert result_names([a], out) == ["v1"]
    assert result_names([b], out) == ["b-v1"]
    assert result_names([b, a], out) == ["b-v1", "v1"]
    hold(out, b, "b-v1")
    (out / "v1.json").unlink()
    assert result_names([b], out) == ["b-v1"]


@pytest.mark.parametrize("contents", ["{", "[]", "{}", '{"file": 3}'])
def test_files_of_unknown_origin_are_left_alone(tmp_path, contents):
    (video,) = videos(tmp_path, "a/v1.avi")
    out = tmp_path / "out"
    out.mkdir()
    (out / "v1.json").write_text(contents)
    assert result_names([video], out) == ["a-v1"]
    (out / "v1.json").unlink()
    assert result_names([video], out) == ["v1"]
    (out / "v1.html").touch()
    assert result_names([video], out) == ["a-v1"]


def test_the_command_leaves_the_files_of_an_earlier_video_alone(face_frames, checkpoint, tmp_path, capsys):
    for folder, count in (("a", 60), ("b", 40)):
        (tmp_path / folder).mkdir()
        write_video(tmp_path / folder / "v1.avi", face_frames[:count], 30)
    arguments = ["--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")]
    assert main(["spot", str(tmp_path / "a" / "v1.avi"), *arguments, "-q"]) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    capsys.readouterr()
    assert main(["spot", str(tmp_path / "b" / "v1.avi"), *arguments]) == 0
    assert re.search(r"b/v1\.avi: .* b-v1\b", capsys.readouterr().err.replace("\n", " "))
    assert {name: (tmp_path / "out" / name).read_bytes() for name in first} == first
    assert json.loads((tmp_path / "out" / "b-v1.json").read_text())["frames"] == 40
    assert main(["spot", str(tmp_path / "a" / "v1.avi"), *arguments, "-q"]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 6


def test_a_folder_that_cannot_be_written_is_reported_before_the_first_video(checkpoint, tmp_path, capsys):
    write_video(tmp_path / "v.avi", [shade(1)] * 40, 30)
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        arguments = ["spot", str(tmp_path / "v.avi"), "--checkpoint", "absent.ckpt", "--out", str(out)]
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        (line,) = printed.err.splitlines()
        assert line.startswith(f"memodule: error: --out {out}: cannot be written (")
        assert line.endswith("); choose another folder")


def test_no_empty_folder_is_left(checkpoint, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    out = tmp_path / "new" / "out"
    assert main(["spot", str(tmp_path / "text.mp4"), "--checkpoint", str(checkpoint), "--out", str(out), "-q"]) == 1
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    arguments = ["--checkpoint", str(checkpoint), "--out", str(tmp_path / "mine"), "-q"]
    assert main(["spot", str(tmp_path / "text.mp4"), *arguments]) == 1
    assert (tmp_path / "mine").is_dir()
