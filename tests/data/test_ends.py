"""The frames behind the last whole window of a video: scored where they were extracted, never trained on."""

import numpy as np
import pytest
import torch

from memodule.data import LosoDataModule
from memodule.datasets import read_catalog
from memodule.decoding.scoring import stitched_curve
from memodule.flow import FlowParameters, FlowStore


def scores(windows, length=30):
    return np.arange(windows * length, dtype=np.float32).reshape(windows, length)


def curve(windows, stitching, sampled, length=30):
    logits = np.repeat(scores(windows, length)[..., None], 5, axis=2)
    return stitched_curve(("s", "v"), scores(windows, length), logits, stitching, 30.0, 1, 8, 0, sampled).score


@pytest.mark.parametrize(("frames", "whole", "padded"), [(29, 0, 0), (30, 1, 1), (31, 1, 2), (45, 2, 2), (59, 2, 3)])
def test_frames_that_are_left_over_get_a_window_of_their_own(frames, whole, padded):
    parameters = FlowParameters(window=30)
    assert (parameters.windows(frames), parameters.padded_windows(frames)) == (whole, padded)


def test_a_curve_ends_with_its_video_and_begins_as_before():
    before, now = curve(2, "tail", None), curve(3, "tail", 50)
    assert (len(before), len(now)) == (45, 50)
    assert now[:45].tolist() == before.tolist()
    assert len(curve(3, "mean", 50)) == 50
    assert len(curve(2, "tail", 50)) == 45  # features of an earlier version have no such window


def test_published_curves_leave_the_further_window_out():
    assert curve(3, "published", 50).tolist() == curve(2, "published", None).tolist()


def batches(data, fold):
    module = LosoDataModule(str(data.catalog), str(data.flow), fold=fold, window=10, seed=3)
    module.setup("fit")
    module.setup("test")
    train = [batch for batch in module.train_dataloader()]  # noqa: C416 - a loader is not a sequence
    return train, list(module.test_dataloader()), module.class_weights


def test_training_does_not_see_the_further_window_and_scoring_does(planting, tmp_path):
    data = planting(tmp_path, frames=183)
    torch.manual_seed(0)
    before = batches(data, "001")
    store = FlowStore(data.flow, FlowParameters(window=10))
    for video in read_catalog(data.catalog).videos:
        windows = np.array(store.get(*video.key).windows)
        further = np.concatenate([windows, np.full_like(windows[:1], 9.0)])
        store.put(*video.key, further, fps=30, frames=183, source={"kind": "planted by a test"})
    torch.manual_seed(0)
    after = batches(data, "001")
    for one, other in zip(before[0], after[0], strict=True):
        assert all(torch.equal(one[name], other[name]) for name in ("flow", "spot", "emotion"))
    assert torch.equal(before[2], after[2])
    for one, other in zip(before[1], after[1], strict=True):
        assert len(other["flow"]) == len(one["flow"]) + 1
        assert other["offset"] == one["offset"]
        assert (other["flow"][-1] == 9.0).all()


def test_a_window_that_is_filled_up_because_the_file_ends_early_is_not_trained_on(planting, tmp_path):
    """25 frames are declared, 24 were found: three windows of ten are whole, the fourth is filled up."""
    data = planting(tmp_path, frames=25)
    store = FlowStore(data.flow, FlowParameters(window=10))
    catalog = read_catalog(data.catalog)
    for video in catalog.videos:
        windows = np.array(store.get(*video.key).windows)
        assert len(windows) == 4
        windows[3] = 9.0
        store.put(*video.key, windows, fps=30, frames=24, source={"kind": "planted by a test"})
    (data.catalog / "expressions.csv").write_text(
        "subject,video,kind,onset,apex,offset,emotion\n"
        + "".join(f"{video.subject},{video.video},micro,4,7,12,positive\n" for video in catalog.videos)
    )
    module = LosoDataModule(str(data.catalog), str(data.flow), fold="001", window=10, negative_ratio=None)
    module.setup("fit")
    module.setup("test")
    flow = torch.cat([batch["flow"] for batch in module.train_dataloader()])
    assert len(flow) == 3 * 4  # two subjects of two videos train
    assert not (flow == 9.0).all(dim=(1, 2)).any()
    first, second = module.test_dataloader()
    assert (len(first["flow"]), first["offset"], second["offset"]) == (4, 0, 3)
    assert module.sampled_frames(first["key"]) == 24
