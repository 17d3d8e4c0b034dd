import shutil

import numpy as np
import pytest
import torch

from memodule.data import LosoDataModule, stitch
from memodule.data.folds import scored_catalog
from memodule.data.loaders import VideoShard, WholeVideos
from memodule.data.windows import label_frames, slice_windows
from memodule.datasets import Catalog, read_catalog
from memodule.errors import UserError
from memodule.flow import FlowParameters, FlowStore


def module(planted, **options) -> LosoDataModule:
    options = {"catalog": str(planted.catalog), "flow": str(planted.flow), "fold": "002", "window": 10, **options}
    return LosoDataModule(**options)


def ready(planted, stage="fit", **options) -> LosoDataModule:
    data = module(planted, **options)
    data.setup(stage)
    return data


def test_training_sees_the_training_subjects_only(planted):
    data = ready(planted, negative_ratio=None)
    assert data.fold.training == ("001", "003")
    assert {e.subject for e in data.training_catalog.expressions} == {"001", "003"}
    store = FlowStore(planted.flow, FlowParameters(window=10))
    theirs = np.concatenate([store.get(s, v).windows for s in ("001", "003") for v in "ab"])
    batches = list(data.train_dataloader())
    seen = torch.cat([batch["flow"] for batch in batches]).numpy()
    assert sorted(seen.sum((1, 2)).tolist()) == pytest.approx(sorted(theirs.sum((1, 2)).tolist()))
    assert max(len(batch["flow"]) for batch in batches) == 32


def test_every_training_window_comes_with_its_own_labels(planted):
    data = ready(planted, negative_ratio=None)
    store, catalog = FlowStore(planted.flow, FlowParameters(window=10)), read_catalog(planted.catalog)
    labels_of = {}
    for subject in ("001", "003"):
        for video in "ab":
            windows = store.get(subject, video).windows
            score, emotion = label_frames(catalog.expressions_of((subject, video)), 180)
            for i, window in enumerate(windows):
                labels_of[window.tobytes()] = (score[5 * i : 5 * i + 10], emotion[5 * i : 5 * i + 10])
    for batch in data.train_dataloader():
        for flow, spot, emotion in zip(batch["flow"], batch["spot"], batch["emotion"], strict=True):
            expected = labels_of[flow.numpy().tobytes()]
            np.testing.assert_array_equal(spot, expected[0])
            np.testing.assert_array_equal(emotion, expected[1])


def test_down_sampling_keeps_the_published_share(planted):
    everything, kept = ready(planted, negative_ratio=None), ready(planted, negative_ratio=0.5)
    holds = [bool(b["spot"].any()) for b in everything.train_dataloader().dataset]
    holds_kept = [bool(b["spot"].any()) for b in kept.train_dataloader().dataset]
    assert sum(holds_kept) == sum(holds)
    assert len(holds_kept) - sum(holds_kept) == int(0.5 * sum(holds))


def test_class_weights_count_the_kept_frames(planted):
    data = ready(planted, negative_ratio=0.5)
    emotion = torch.cat([batch["emotion"] for batch in data.train_dataloader()]).flatten()
    counts = torch.bincount(emotion, minlength=5).double()
    expected = counts.sum() / (5 * counts)
    expected[4] *= 6
    torch.testing.assert_close(data.class_weights.double(), expected, rtol=1e-6, atol=0)


def test_evaluation_is_by_whole_videos_of_the_held_out_subject(planted):
    data = ready(planted, "test")
    batches = list(data.test_dataloader())
    assert [batch["key"] for batch in batches] == [("002", "a"), ("002", "b")]
    assert [batch["offset"] for batch in batches] == [0, 35]
    catalog = read_catalog(planted.catalog)
    for batch in batches:
        score, emotion = label_frames(catalog.expressions_of(batch["key"]), 180)
        np.testing.assert_array_equal(stitch(batch["spot"].numpy()), score)
        np.testing.assert_array_equal(stitch(batch["emotion"].numpy()), emotion)


@pytest.fixture(scope="module")
def phased(planting, tmp_path_factory):
    """The planted data again, with windows that begin at twice as many places."""
    return planting(tmp_path_factory.mktemp("phased"), phases=2)


def test_training_draws_from_all_phases(planted, phased):
    one, two = (ready(data, negative_ratio=None, **more) for data, more in ((planted, {}), (phased, {"phases": 2})))
    flow, more_flow = (torch.cat([batch["flow"] for batch in data.train_dataloader()]) for data in (one, two))
    assert (len(flow), len(more_flow)) == (4 * 35, 4 * 69)
    assert {window.numpy().tobytes() for window in flow} < {window.numpy().tobytes() for window in more_flow}
    spot = torch.cat([batch["spot"] for batch in two.train_dataloader()])
    assert (spot > 0).any(dim=1).sum() > (torch.cat([b["spot"] for b in one.train_dataloader()]) > 0).any(dim=1).sum()


def test_evaluation_has_the_windows_of_all_phases_with_their_labels(planted, phased):
    (first, second), single = ready(phased, "test", phases=2).test_dataloader(), ready(planted, "test")
    assert (first["offset"], second["offset"]) == (0, 35)  # what published stitching counts
    for batch, other in zip((first, second), single.test_dataloader(), strict=True):
        assert torch.equal(batch["flow"][::2], other["flow"])
        score, emotion = label_frames(read_catalog(phased.catalog).expressions_of(batch["key"]), 180)
        np.testing.assert_array_equal(stitch(batch["spot"].numpy(), "mean", phases=2), score)
        assert (slice_windows(emotion, 10, 2) == batch["emotion"].numpy()).all()


def test_validation_watches_inner_subjects_or_else_the_held_out_one(planted):
    inner = ready(planted, inner_validation_subjects=["003"])
    assert {batch["key"][0] for batch in inner.val_dataloader()} == {"003"}
    assert inner.fold.training == ("001",)
    assert {batch["key"][0] for batch in ready(planted).val_dataloader()} == {"002"}


def test_videos_without_an_expression_are_scored_unless_the_protocol_says_otherwise(planted):
    catalog = read_catalog(planted.catalog)
    first = catalog.expressions_of(("001", "a"))
    without = Catalog(catalog.videos, tuple(e for e in catalog.expressions if e not in first))
    assert scored_catalog(without, "all") is without
    kept = scored_catalog(without, "with_micro")
    assert [v.key for v in kept.videos] == [v.key for v in catalog.videos if v.key != ("001", "a")]


@pytest.mark.parametrize("videos", range(6))
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_shards_hold_every_video_once_and_are_never_empty(videos, ranks):
    batches = [{"key": ("s", str(i))} for i in range(videos)]
    dataset = WholeVideos(batches, {"key": None})
    shards = [[dataset[i]["key"] for i in VideoShard(dataset, rank, ranks)] for rank in range(ranks)]
    assert all(shards)
    real = [key for shard in shards for key in shard if key is not None]
    assert sorted(real) == [("s", str(i)) for i in range(videos)]


def test_the_same_seed_keeps_the_same_windows(planted):
    def kept(seed):
        return ready(planted, seed=seed).train_dataloader().dataset.windows["flow"]

    torch.testing.assert_close(kept(1), kept(1))
    assert not torch.equal(kept(1), kept(2))


def test_missing_features_name_the_video_and_the_command(planted):
    with pytest.raises(UserError, match=r"no flow features of 001/a.*memodule extract"):
        ready(planted, window=12)


def test_features_of_another_length_than_the_catalog_says_are_refused(planted, tmp_path):
    shutil.copytree(planted.catalog, tmp_path / "catalog")
    table = tmp_path / "catalog" / "videos.csv"
    table.write_text(table.read_text().replace(",180", ",400"))
    with pytest.raises(UserError, match=r"001/a has 35 flow windows, but its 400 frames in videos.csv give 79"):
        ready(planted, catalog=str(tmp_path / "catalog"))


def test_a_fold_without_any_training_expression_says_so(planted, tmp_path):
    shutil.copytree(planted.catalog, tmp_path / "catalog")
    table = tmp_path / "catalog" / "expressions.csv"
    rows = table.read_text().splitlines(keepends=True)
    table.write_text("".join(row for row in rows if row.startswith(("subject", "002"))))
    with pytest.raises(UserError, match="no training window of fold 002 holds a micro-expression"):
        ready(planted, catalog=str(tmp_path / "catalog"))


def test_two_frame_rates_in_one_catalog_are_refused(planted, tmp_path):
    shutil.copytree(planted.catalog, tmp_path / "catalog")
    table = tmp_path / "catalog" / "videos.csv"
    table.write_text(table.read_text().replace("30,180", "200,180", 1))
    with pytest.raises(UserError, match="001/a has 200 frames per second and 001/b 30"):
        ready(planted, catalog=str(tmp_path / "catalog"))


@pytest.mark.parametrize("jitter", [-0.1, 1.5])
def test_a_jitter_that_could_turn_the_flow_round_is_refused(planted, jitter):
    with pytest.raises(UserError, match=rf"data.jitter: {jitter} is outside 0 .. 1"):
        module(planted, jitter=jitter)
