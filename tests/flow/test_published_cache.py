import pickle
import re

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowStore
from memodule.flow.published_cache import import_published_cache, published_order, read_published_cache

K = 6


def windows(count, seed=0, channels=36, length=K):
    return list(np.random.default_rng(seed).normal(size=(count, channels, length)))


@pytest.fixture
def save(tmp_path):
    def write(contents, name="CASME_3_dataset.pkl"):
        path = tmp_path / "cache" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pickle.dumps(contents))
        return path

    return write


@pytest.fixture
def store(tmp_path):
    return FlowStore(tmp_path / "store", FlowParameters(K, motion_compensation="published"))


@pytest.fixture
def catalog(tmp_path):
    """Four videos of which three hold a micro-expression; not in the order of the published code."""
    lengths = {("spNO.10", "a"): 12, ("spNO.2", "b"): 15, ("spNO.2", "c"): 20, ("spNO.2", "a"): 9}
    videos = tuple(Video(*key, tmp_path, 30, frames) for key, frames in lengths.items())
    keys = [("spNO.10", "a"), ("spNO.2", "a"), ("spNO.2", "b")]
    expressions = [Expression(*key, "micro", 2, 4, 6, "negative") for key in keys]
    macro = Expression("spNO.2", "c", "macro", 2, 4, 6, "")
    return Catalog(videos, (*expressions, macro))


CACHE = [windows(2, 1), windows(4, 2), windows(3, 3)]
"""For spNO.2/a, spNO.2/b, spNO.10/a."""


def test_windows_are_read_as_float32(save):
    read = read_published_cache(save(CACHE), K)
    assert [len(video) for video in read] == [2, 4, 3]
    assert {window.dtype for video in read for window in video} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(read[1][3], CACHE[1][3].astype(np.float32))


def test_videos_may_be_arrays_and_may_be_empty(save):
    read = read_published_cache(save([np.stack(CACHE[0]), [], (CACHE[1][0],)]))
    assert [len(video) for video in read] == [2, 0, 1]
    np.testing.assert_array_equal(read[0][1], CACHE[0][1].astype(np.float32))


def test_parts_are_read_in_natural_order(save):
    for number in (10, 2, 1):
        folder = save([windows(number)], f"CASME_3_dataset_{number}.pkl").parent
    assert [len(video) for video in read_published_cache(folder, K)] == [1, 2, 10]


def test_order_is_that_of_the_published_folders(catalog):
    assert [video.key for video in published_order(catalog)] == [("spNO.2", "a"), ("spNO.2", "b"), ("spNO.10", "a")]


def test_features_go_to_their_videos(save, catalog, store):
    assert import_published_cache(save(CACHE), catalog, store) == 3
    for key, expected in zip([("spNO.2", "a"), ("spNO.2", "b"), ("spNO.10", "a")], CACHE, strict=True):
        record = store.get(*key)
        np.testing.assert_array_equal(record.windows, np.stack(expected).astype(np.float32))
        assert (record.frames, record.fps) == (catalog.video(key).frames, 30)
        assert record.source["kind"] == "published cache"
        store.verify(record)
    assert not store.description_path("spNO.2", "c").exists()


def test_importing_again_changes_nothing(save, catalog, store):
    import_published_cache(save(CACHE), catalog, store)
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    import_published_cache(save(CACHE), catalog, store)
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before


def test_a_window_more_over_gaps_is_accepted_and_reported(save, catalog, store, capsys):
    import_published_cache(save([CACHE[0], windows(5), CACHE[2]]), catalog, store)
    assert store.get("spNO.2", "b").shape[0] == 5
    assert re.search(r"spNO\.2/b: 5 windows .* 4 ", " ".join(capsys.readouterr().err.split()))


@pytest.mark.parametrize(
    ("cache", "complaint"),
    [
        (CACHE[:2], r"2 videos, but 3 videos of the Catalog .*all parts of the cache"),
        (
            [windows(2), windows(9), *CACHE[1:]],
            r"4 videos, but 3 .* video 1 of the cache \(9 windows, its 15 frames .* 4\), .* spNO.2/b",
        ),
        (
            [CACHE[0], CACHE[1], windows(8)],
            r"video 2 of the cache \(8 windows, its 12 frames .* 3\), .* spNO.10/a.* `frames` in videos.csv",
        ),
        ([windows(5), windows(9), windows(9)], r"spNO.2/a, and 2 more videos"),
    ],
    ids=["too few", "too many", "other length", "all other"],
)
def test_a_cache_of_other_videos_is_refused_as_a_whole(save, catalog, store, cache, complaint):
    with pytest.raises(UserError, match=complaint):
        import_published_cache(save(cache), catalog, store)
    assert not store.folder.exists()


@pytest.mark.parametrize(
    ("cache", "complaint"),
    [
        ({"a": 1}, r"dataset.pkl: .* dict .*list of videos"),
        ([CACHE[0], "text"], r"video 1: .* str .*list of windows"),
        ([CACHE[0], [None]], r"video 1, window 0: .* NoneType .*\(36, 6\)"),
        ([[CACHE[0][0].astype(int)]], r"window 0: .*\(36, 6\) of int64"),
        ([windows(1, channels=10)], r"window 0: .* 10 channels"),
        ([windows(1, channels=18)], r"window 0: .*\(18, 6\) .*\(36, 6\).*--window"),
        ([CACHE[0], windows(1, length=8)], r"video 1, window 0: .*\(36, 8\) .*\(36, 6\)"),
        ([[CACHE[0][0], CACHE[0][1] * np.inf]], r"video 0, window 1: .* infinite"),
    ],
)
def test_what_is_no_cache_is_named(save, cache, complaint):
    with pytest.raises(UserError, match=complaint):
        read_published_cache(save(cache), K)


def test_windows_have_one_length(save):
    with pytest.raises(UserError, match=r"video 1, window 0: .*\(36, 8\) .*\(36, 6\)"):
        read_published_cache(save([CACHE[0], windows(1, length=8)]))


def test_corrected_features_are_not_to_be_mixed_with_published_ones(save, catalog, tmp_path):
    with pytest.raises(UserError, match="--motion-compensation published"):
        import_published_cache(save(CACHE), catalog, FlowStore(tmp_path / "store", FlowParameters(K)))


def test_a_folder_without_a_cache_is_named(tmp_path):
    with pytest.raises(UserError, match=r"\*\.pkl"):
        read_published_cache(tmp_path)


class Evil:
    def __reduce__(self):
        return eval, ("print('hello')",)


def test_a_malicious_cache_is_refused(save, catalog, store, capsys):
    with pytest.raises(UserError, match=r"CASME_3_dataset\.pkl: .*builtins\.eval"):
        import_published_cache(save([[*CACHE[0], Evil()]]), catalog, store)
    assert capsys.readouterr().out == ""
