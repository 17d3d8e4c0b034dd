"""A recording that weights were adapted on is recognised wherever it turns up."""

from pathlib import Path

import pytest

from memodule.data.exposure import exposures, other_weights
from memodule.data.seen_recordings import SeenRecording, adaptation, adapted_on
from memodule.datasets.catalog import Catalog, Video


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "interview.mp4"
    path.write_bytes(b"frames")
    return path


def catalog(*videos: Video) -> Catalog:
    return Catalog(videos, name="any")


def hows(seen: list, catalog: Catalog) -> dict[str, list[str]]:
    return {subject: [how for how, _ in exposures(seen, subject, catalog)] for subject in catalog.subjects}


def test_it_is_known_by_contents_or_by_name_and_length(clip: Path) -> None:
    seen = [adaptation([SeenRecording.of(clip, 300)])]
    copied = clip.with_name("renamed.mp4")
    copied.write_bytes(b"frames")
    other = clip.with_name("another.mp4")
    other.write_bytes(b"others")
    found = hows(
        seen,
        catalog(
            Video("copy", "v1", copied, 30.0, 300),
            Video("longer", "v1", copied, 30.0, 330),
            Video("another", "v1", other, 30.0, 300),
            Video("moved", "v1", Path("/elsewhere/interview.avi"), 30.0, 301),
            Video("named", "interview", Path("absent.mp4"), 30.0, 299),
        ),
    )
    adapted = ["were adapted on a recording of"]
    assert found == {"copy": adapted, "longer": [], "another": [], "moved": adapted, "named": adapted}
    assert other_weights("copy", seen[0]) == "the checkpoint as it was before it was adapted on copy"


def test_features_of_a_catalog_are_known_by_their_codes() -> None:
    seen = [adaptation([SeenRecording("s1_v1", 300, "")], [("s1", "v1", 300)])]
    same = Video("s1", "v1", Path("absent"), 30.0, 300)
    assert hows(seen, catalog(same)) == {"s1": ["were adapted on a recording of"]}
    assert hows(seen, catalog(Video("s2", "v1", Path("absent"), 30.0, 300))) == {"s2": []}
    assert list(adapted_on(seen)) == [SeenRecording("s1_v1", 300, "")]


def test_all_videos_of_a_subject_count(clip: Path) -> None:
    seen = [adaptation([SeenRecording.of(clip, 300)])]
    fresh = clip.with_name("fresh.mp4")
    fresh.write_bytes(b"fresh")
    videos = (Video("s1", "v1", fresh, 30.0, 200), Video("s1", "v2", clip, 30.0, 300))
    assert hows(seen, catalog(*videos)) == {"s1": ["were adapted on a recording of"]}
