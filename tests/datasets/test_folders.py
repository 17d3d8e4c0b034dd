"""Looking into folders: order, gaps, links, odd names, and the index for slow disks."""

import json
import os
from pathlib import Path

import pytest
from fake_releases import Release
from hypothesis import given
from hypothesis import strategies as st

from memodule.datasets.folders import Images, Listing, default_index, natural_key
from memodule.datasets.places import find_files, find_folder
from memodule.errors import UserError


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def age(root: Path, seconds: int = 60) -> None:
    """Make folders look as if nothing had changed for a while."""
    for folder in (root, *root.rglob("*/")):
        moment = folder.stat().st_mtime_ns - seconds * 10**9
        os.utime(folder, ns=(moment, moment))


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(-2, 45))
def test_positions_are_those_of_a_sorted_list(numbers: set[int], wanted: int) -> None:
    ordered = sorted(numbers)
    runs = []
    for number in ordered:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    images = Images(len(ordered), tuple(runs))
    assert images.at_or_after(wanted) == sum(number < wanted for number in ordered)
    assert images.at_or_before(wanted) == sum(number <= wanted for number in ordered) - 1


def test_numbers_of_images_are_summed_up(tmp_path: Path) -> None:
    fill(tmp_path, "img1.jpg", "img2.JPG", "img10.jpeg", "img4.jpg", "Thumbs.db", ".img3.jpg", "._img5.jpg")
    content = Listing().look(tmp_path)
    assert content.images == Images(4, ((1, 2), (4, 4), (10, 10)))
    assert content.images.gaps == ((3, 3), (5, 9))
    assert content.files == ("Thumbs.db",)


@pytest.mark.parametrize(
    ("names", "oddity"),
    [
        (["img1.jpg", "img1.png"], "1 frame numbers occur twice"),
        (["img1.jpg", "img 1 (copy).jpg"], "1 image names do not end in a number"),
        (["a1.jpg", "b2.jpg"], "image names have different beginnings: a, b"),
    ],
)
def test_names_that_do_not_number_the_frames(tmp_path: Path, names: list[str], oddity: str) -> None:
    assert Listing().look(fill(tmp_path, *names)).images.oddity == oddity


def test_natural_order() -> None:
    names = ["img10", "img9", "IMG2", "a", "10", "9", "006_10", "006_2"]
    assert sorted(names, key=natural_key) == ["006_2", "006_10", "9", "10", "a", "IMG2", "img9", "img10"]


def test_index_saves_listing_again(tmp_path: Path) -> None:
    root, index = fill(tmp_path / "root" / "a", "1.jpg", "2.jpg").parent, tmp_path / "cache" / "index.json"
    age(root)
    for scanned in (2, 0):
        with Listing(index) as listing:
            assert listing.look(root).folders == ("a",)
            assert listing.look(root / "a").images == Images(2, ((1, 2),))
        assert listing.scanned == scanned


def test_index_notices_a_change(tmp_path: Path) -> None:
    root, index = fill(tmp_path / "root", "1.jpg"), tmp_path / "index.json"
    age(root)
    with Listing(index) as listing:
        listing.look(root)
    fill(root, "2.jpg")
    with Listing(index) as listing:
        assert listing.look(root).images.count == 2


def test_a_folder_that_is_being_filled_is_not_remembered(tmp_path: Path) -> None:
    """Two changes within one tick of the clock would look like one."""
    root, index = fill(tmp_path / "root", "1.jpg"), tmp_path / "index.json"
    with Listing(index) as listing:
        listing.look(root)
    assert json.loads(index.read_text())["folders"] == {}


@pytest.mark.parametrize("content", ["", "[]", '{"format": 0, "folders": {}}', '{"format": 1}', "\udcff"])
def test_foreign_index_is_written_anew(tmp_path: Path, content: str) -> None:
    root, index = fill(tmp_path / "root", "1.jpg"), tmp_path / "index.json"
    age(root)
    index.write_bytes(content.encode("utf-8", "surrogateescape"))
    with Listing(index) as listing:
        assert listing.look(root).images.count == 1
    assert str(root) in json.loads(index.read_text())["folders"]


def test_index_that_cannot_be_written_does_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    with Listing(tmp_path / "file" / "index.json") as listing:
        assert listing.look(tmp_path).files == ("file",)
    assert "the listing cannot be kept" in " ".join(capsys.readouterr().err.split())


def test_default_index_is_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_index(Path("/data/SAMM")).parent == tmp_path / "memodule"
    assert default_index(Path("/data/SAMM")) != default_index(Path("/data/CASME3"))


def test_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone: cannot be listed .*; check its permissions"):
        Listing().look(tmp_path / "gone")


def test_shallow_files_and_first_patterns_come_first(tmp_path: Path) -> None:
    fill(tmp_path / "deep" / "er", "b v1.xls", "~$b v2.xls")
    fill(tmp_path / "old", "B v1.XLS")
    found = find_files(Listing(), tmp_path, ["*b v2*", "b v1*"])
    assert found == [tmp_path / "old" / "B v1.XLS", tmp_path / "deep" / "er" / "b v1.xls"]
    fill(tmp_path / "deep" / "er" / "too deep", "b v2.xls")
    assert find_files(Listing(), tmp_path, ["b v2*"]) == []
    absolute = tmp_path / "deep" / "er" / "too deep" / "b v2.xls"
    assert find_files(Listing(), tmp_path, [str(absolute)]) == [absolute]


def test_base_folder_is_found_without_case(tmp_path: Path) -> None:
    (tmp_path / "unpacked" / "RawPic").mkdir(parents=True)
    assert find_folder(Listing(), tmp_path, "rawpic") == tmp_path / "unpacked" / "RawPic"
    assert find_folder(Listing(), tmp_path, "data") == tmp_path


def test_spaces_and_unicode(samm_lv: Release) -> None:
    samm_lv.root = samm_lv.root.parent / "Ünïcode data 微表情" / "SAMM LV"
    assert len(samm_lv.read().expressions) == 5


def test_links_to_videos_and_to_the_root(samm_lv: Release) -> None:
    root = samm_lv.write()
    elsewhere = root.parent / "other disk" / "006_1"
    elsewhere.parent.mkdir()
    (root / "SAMM_longvideos" / "006_1").rename(elsewhere)
    (root / "SAMM_longvideos" / "006_1").symlink_to(elsewhere, target_is_directory=True)
    (root.parent / "link").symlink_to(root, target_is_directory=True)
    assert len(samm_lv.description.read(root.parent / "link").expressions) == 5


def test_a_link_that_leads_back_up_ends(samm_lv: Release) -> None:
    root = samm_lv.write()
    (root / "SAMM_longvideos" / "again").symlink_to(root, target_is_directory=True)
    assert len(samm_lv.description.read(root).videos) == 4


def test_read_only_root(samm_lv: Release, tmp_path: Path) -> None:
    root = samm_lv.write()
    before = sorted(root.rglob("*"))
    for folder in (*root.rglob("*/"), root):
        folder.chmod(0o555)
    try:
        with Listing(tmp_path / "index.json") as listing:
            assert len(samm_lv.description.read(root, listing).videos) == 4
        assert sorted(root.rglob("*")) == before
    finally:
        for folder in (root, *root.rglob("*/")):
            folder.chmod(0o755)
