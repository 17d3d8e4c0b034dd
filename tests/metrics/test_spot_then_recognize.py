"""The torchmetrics shell agrees with the functional core, in one process and in several."""

import pickle

import numpy as np
import pytest
import torch

from memodule.decoding.protocol import Protocol
from memodule.metrics import SpotThenRecognizeScore
from memodule.metrics.functional import SCORES, Tally, spot_then_recognize_score, tally_video


def some_videos(count, seed=0):
    """Random videos: (predicted, predicted emotions, true, true emotions), some of them empty."""
    rng = np.random.default_rng(seed)

    def side(classes):
        onsets = rng.integers(0, 200, rng.integers(0, 6))
        apexes = onsets + rng.integers(0, 8, len(onsets))
        frames = np.stack([onsets, apexes, apexes + rng.integers(0, 30, len(onsets))], axis=1)
        return frames, rng.integers(0, classes, len(onsets))

    videos = [(*side(5), *side(4)) for _ in range(count)]
    return [(*video[2:], *video[2:]) if index % 3 == 0 else video for index, video in enumerate(videos)]


def scored(metric):
    return {name: float(value) for name, value in metric.compute().items()}


@pytest.mark.parametrize("name", ["megc", "published"])
@pytest.mark.parametrize("convert", [torch.as_tensor, np.asarray, np.ndarray.tolist])
def test_metric_equals_functional(name, convert):
    protocol = Protocol.preset(name)
    metric = SpotThenRecognizeScore(protocol)
    videos = some_videos(12)
    for video in videos:
        metric.update(*map(convert, video))
    expected = spot_then_recognize_score(*zip(*videos, strict=True), protocol)
    assert scored(metric) == pytest.approx(expected, abs=1e-6)
    assert 0 < expected["strs"] < 1
    assert metric.tally == sum((tally_video(*video, protocol) for video in videos), Tally())


def test_one_batch_at_a_time_scores_that_batch_and_keeps_the_rest():
    metric, (first, second) = SpotThenRecognizeScore(), some_videos(2)
    metric(*first)
    batch = {name: float(value) for name, value in metric(*second).items()}
    assert batch == pytest.approx(spot_then_recognize_score(*zip(second, strict=True)), abs=1e-6)
    assert metric.tally == tally_video(*first) + tally_video(*second)


def test_reset_forgets_and_a_copy_keeps():
    metric = SpotThenRecognizeScore(Protocol.preset("published"))
    metric.update(*some_videos(1)[0])
    copy = pickle.loads(pickle.dumps(metric))
    metric.reset()
    assert metric.tally == Tally()
    assert copy.tally == tally_video(*some_videos(1)[0], metric.protocol)
    assert copy.protocol.name == "published"


PRESETS = ("megc", "published")
FIRST_SHARES = {"uneven": 9, "empty second": 12, "empty first": 0}  # of 12 videos


def _rank(rank, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    results = {}
    for preset in PRESETS:
        metric = SpotThenRecognizeScore(Protocol.preset(preset))
        for name, first in FIRST_SHARES.items():
            metric.reset()
            for video in (some_videos(12)[:first], some_videos(12)[first:])[rank]:
                metric.update(*video)
            results[preset, name] = {"scores": scored(metric), "tally": metric.tally.to_dict()}
    torch.save(results, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_score_what_one_does(tmp_path):
    torch.multiprocessing.spawn(_rank, (str(tmp_path),), nprocs=2)
    videos = some_videos(12)
    for preset in PRESETS:
        metric = SpotThenRecognizeScore(Protocol.preset(preset))
        for video in videos:
            metric.update(*video)
        for rank in range(2):
            results = torch.load(tmp_path / f"{rank}.pt")
            for name, first in FIRST_SHARES.items():
                assert tuple(results[preset, name]["scores"]) == SCORES
                assert results[preset, name]["scores"] == scored(metric)  # to the last bit
                share = (videos[:first], videos[first:])[rank]
                own = sum((tally_video(*video, metric.protocol) for video in share), Tally())
                assert Tally.from_dict(results[preset, name]["tally"]) == own
