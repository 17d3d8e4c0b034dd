"""Two real processes validate and train as one does, with uneven shards and with an empty one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from memodule.callbacks import IntervalSelection
from memodule.datasets import Catalog, read_catalog
from memodule.intervals import PriorGuided

sys.path.insert(0, str(Path(__file__).parent))

import ddp_script

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

VIDEOS = {"uneven": 3, "empty": 1}
"""Videos of the subject that is watched, for two processes."""


@pytest.fixture(scope="module")
def plan(planting, tmp_path_factory):
    """Folds whose watched subject has three videos, or one; weights that find something."""
    folder = tmp_path_factory.mktemp("ddp")
    planted = planting(folder / "data", videos=3, free_videos=1)
    catalog = read_catalog(planted.catalog)
    folds = {}
    for name, count in VIDEOS.items():
        kept = [v for v in catalog.videos if v.subject != "002" or v.video in "cba"[:count]]
        keys = {video.key for video in kept}
        Catalog(tuple(kept), tuple(e for e in catalog.expressions if e.key in keys)).write(folder / name)
        for preset in ("megc", "published"):
            folds[f"{name}_{preset}"] = [str(folder / name), str(planted.flow), preset]
    torch.manual_seed(0)
    module = ddp_script.network()
    run = ddp_script.trainer(IntervalSelection(PriorGuided(), out=str(folder)), 1, folder, max_epochs=16)
    run.fit(module, ddp_script.fold(*folds["uneven_megc"][:2]))
    torch.save(module.state_dict(), folder / "weights.pt")
    return {"folds": folds, "weights": str(folder / "weights.pt"), "train": "uneven_megc"}


@pytest.fixture(scope="module")
def one(plan, tmp_path_factory):
    """What one process finds, and the folder that it wrote."""
    out = tmp_path_factory.mktemp("one")
    ddp_script.main({**plan, "out": str(out), "devices": 1, "train": None})
    return json.loads((out / "rank0.json").read_text()), out


@pytest.fixture(scope="module")
def two(plan, tmp_path_factory):
    """What each of two processes finds, and the folder that they wrote."""
    out = tmp_path_factory.mktemp("two")
    words = [sys.executable, ddp_script.__file__, json.dumps({**plan, "out": str(out), "devices": 2})]
    run = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    return [json.loads((out / f"rank{rank}.json").read_text()) for rank in range(2)], out


@pytest.mark.parametrize("preset", ["megc", "published"])
@pytest.mark.parametrize("name", list(VIDEOS))
def test_validation_scores_and_curves_are_those_of_one_process(one, two, name, preset):
    (ranks, out), (found, alone_out) = two, one
    alone = found[f"{name}_{preset}"]
    assert [rank[f"{name}_{preset}"]["mine"] for rank in ranks] == {"uneven": [2, 1], "empty": [1, 0]}[name]
    assert 0 < alone["scores"]["val/spot_f1"] <= 1
    for rank in ranks:
        together = rank[f"{name}_{preset}"]
        assert together["scores"] == alone["scores"]  # to the last bit
        assert together["curves"] == alone["curves"]
    written = Path(f"{name}_{preset}", "val", "intervals.csv")
    assert (out / written).read_text() == (alone_out / written).read_text()


def test_scores_of_the_folds_differ_so_that_equality_means_something(one):
    scores = {name: tuple(values["scores"].values()) for name, values in one[0].items()}
    assert len(set(scores.values())) >= 3
    assert any(all(0 < value <= 1 for value in values) for values in scores.values())


def test_all_processes_hold_the_same_weights_after_training(two):
    first, second = two[0]
    assert first["moved"]
    assert second["moved"]
    assert first["weights"] == second["weights"]
