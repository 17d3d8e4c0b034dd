"""Descriptions of data sets: the shipped ones are sound, and a wrong key is named."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fake_releases import CONFIGS, Release

from memodule.datasets import Catalog, Expression, Video, read_description
from memodule.datasets.description import locate, recognise
from memodule.datasets.folders import Listing
from memodule.emotions import EMOTIONS
from memodule.errors import UserError

SHIPPED = sorted(CONFIGS.glob("*.yaml"))


def write(path: Path, **changes: object) -> Path:
    content = yaml.safe_load((CONFIGS / "samm_lv.yaml").read_text()) | changes
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_descriptions_are_sound(path: Path) -> None:
    description = read_description(path)
    assert description.tree.startswith("ROOT/\n")
    assert description.training
    emotions = description.reader["init_args"].get("emotions", {})
    assert set(emotions.values()) <= set(EMOTIONS)
    assert description.reader["init_args"]["fps"] in (30, 200)


def test_published_hyper_parameters() -> None:
    samm_lv, casme3 = read_description(CONFIGS / "samm_lv.yaml"), read_description(CONFIGS / "casme3.yaml")
    found = [(t.frame_step, t.window, t.negative_ratio, t.batch_size) for t in (samm_lv.training, casme3.training) if t]
    assert found == [(7, 30, 0.5, 32), (1, 50, 4, 256)]


def test_known_releases() -> None:
    samm_lv, casme3 = read_description(CONFIGS / "samm_lv.yaml"), read_description(CONFIGS / "casme3.yaml")
    assert [(r.micro, r.macro) for r in (*samm_lv.releases, *casme3.releases)] == [(159, 343), (860, 3346), (921, None)]
    assert (samm_lv.videos, casme3.videos) == (147, 1300)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": None}, "name"),
        ({"videos": "many"}, "videos"),
        ({"releases": [{"name": "v9", "mikro": 1}]}, "mikro"),
        ({"reader": {"class_path": "memodule.datasets.read_nothing"}}, "there is no memodule.datasets.read_nothing"),
        ({"reader": {"class_path": "nothing"}}, "there is no nothing"),
        ({"reader": {"init_args": {}}}, "no class_path; its keys are class_path and init_args"),
        ({"reader": {"class_path": "memodule.datasets.read_samm_lv", "init_args": {"fps": 200}}}, "required.*labels"),
        ({"reader": {"class_path": "memodule.datasets.read_samm_lv", "init_args": {"fpss": 200}}}, "fpss"),
    ],
)
def test_wrong_keys_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=f"mine.yaml: .*{message}") as caught:
        read_description(write(tmp_path / "mine.yaml", **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "message"), [("a: [", "cannot be read as YAML"), ("", ".*configs/datasets/")])
def test_files_that_describe_nothing(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(UserError, match=f"mine.yaml: {message}"):
        read_description(tmp_path / "mine.yaml")
    with pytest.raises(UserError, match=r"other.yaml: no such file"):
        read_description(tmp_path / "other.yaml")


def test_emotion_map_with_a_wrong_class(samm_lv: Release) -> None:
    emotions = {**samm_lv.description.reader["init_args"]["emotions"], "anger": "bad"}
    with pytest.raises(UserError, match=r"emotions: anger: bad is not one of negative, .*, drop"):
        samm_lv.read(emotions=emotions)


@pytest.mark.parametrize("name", ["samm_lv", "casme3", "casme2", "megc_samm"])
def test_folders_are_recognised(name: str, request: pytest.FixtureRequest) -> None:
    release: Release = request.getfixturevalue(name)
    assert recognise(release.write(), Listing()).name == release.description.name


def test_catalogs_are_recognised(tmp_path: Path) -> None:
    video = Video("1", "a", tmp_path / "a.avi", 30, 50)
    catalog = Catalog((video,), (Expression("1", "a", "micro", 1, 2, 9, "others"),), tmp_path.name)
    catalog.write(tmp_path)
    assert recognise(tmp_path, Listing()).read(tmp_path) == catalog


def test_own_reader_by_dotted_path(tmp_path: Path) -> None:
    """Somebody else's data set needs a function and a description, no change of ours."""
    reader = {"class_path": "memodule.datasets.description.open_catalog", "init_args": {"name": "theirs"}}
    Catalog((Video("1", "a", tmp_path / "a.avi", 30, 50),)).write(tmp_path)
    assert read_description(write(tmp_path / "mine.yaml", reader=reader)).read(tmp_path).name == "theirs"


def test_arguments_of_the_command_line(tmp_path: Path, samm_lv: Release) -> None:
    root, listing = samm_lv.write(), Listing()
    assert locate(str(root), None, listing)[0].name == "SAMM-LV"
    assert locate("samm_lv", str(root), listing) == (samm_lv.description, root)
    assert locate(str(CONFIGS / "samm_lv.yaml"), str(root), listing) == (samm_lv.description, root)
    with pytest.raises(UserError, match=r"samm_lv: where is the data set\? Add `--root FOLDER`"):
        locate("samm_lv", None, listing)
    with pytest.raises(UserError, match=r"sam: no such .*casme2, .*samm_lv"):
        locate("sam", str(root), listing)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"does not look like any known data set \(CAS.*SAMM-LV\); name its desc"):
        locate(str(tmp_path / "empty"), None, listing)


def test_reading_does_not_load_what_rendering_needs() -> None:
    code = (
        "import sys, memodule.datasets as d; assert 'cv2' not in sys.modules; assert callable(d.synthesize); d.nothing"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "AttributeError: module 'memodule.datasets' has no attribute 'nothing'" in done.stderr
