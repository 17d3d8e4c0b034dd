"""Unseen MEGC test sets: two layouts, no labels."""

import pytest
from fake_releases import Release

from memodule.errors import UserError


def test_samm_part(megc_samm: Release) -> None:
    catalog = megc_samm.read()
    assert [video.key for video in catalog.videos] == [("004", "004_3"), ("011", "011_2"), ("011", "011_10")]
    assert {(video.fps, video.frames) for video in catalog.videos} == {(200, 40)}
    assert catalog.expressions == ()


def test_cas_part(megc_casme3: Release) -> None:
    catalog = megc_casme3.read()
    keys = [("dzw", "d1"), ("dzw", "d2"), ("dzw", "d10"), ("li", "a1")]
    assert [video.key for video in catalog.videos] == keys
    assert {(video.fps, video.frames) for video in catalog.videos} == {(30, 25)}


def test_both_parts_can_share_a_root(megc_samm: Release, megc_casme3: Release) -> None:
    assert megc_samm.root == megc_casme3.root
    megc_samm.write()
    assert len(megc_casme3.read().videos) == 4
    assert len(megc_samm.read().videos) == 3


@pytest.mark.parametrize(
    ("folders", "message"),
    [("(", "is not a regular expression"), (r"(?P<subject>\d+)", r"needs the groups \(\?P<subject>...\) and")],
)
def test_pattern_that_cannot_work(megc_samm: Release, folders: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        megc_samm.read(folders=folders)


def test_absent_folders_give_one_clear_line(megc_samm: Release) -> None:
    with pytest.raises(UserError, match=r"MEGC: no such folder; pass the data set's folder"):
        megc_samm.description.read(megc_samm.root)
    megc_samm.videos = {"SAMM_data/holiday": ["1.jpg"]}
    with pytest.raises(UserError, match=r"SAMM_data: no video folders called .*\(found: holiday\); lay them out"):
        megc_samm.read()
