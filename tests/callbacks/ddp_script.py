"""Run by test_two_processes.py in one process or, started again by Lightning, in two: validates folds and trains one.

    python ddp_script.py JSON

The JSON holds: out, weights, devices, folds {name: [catalog, flow, protocol preset]}, train (a name, or null).
"""

import dataclasses
import json
import sys
from pathlib import Path

import torch
from lightning.pytorch import Trainer, seed_everything

from memodule.callbacks import IntervalSelection
from memodule.data import LosoDataModule
from memodule.decoding.protocol import Protocol
from memodule.intervals import PriorGuided
from memodule.module import SpotRecognizeModule
from memodule.networks import SlowFastMamba


def network():
    return SpotRecognizeModule(
        SlowFastMamba(fast_width=8, slow_width=16, depth=1, groups=1, state=4), learning_rate=0.01, recog_weight=0.5
    )


def fold(catalog, flow):
    return LosoDataModule(catalog, flow, fold="002", window=10)


def trainer(callback, devices, out, **options):
    options |= {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    strategy = {"devices": devices, "strategy": "ddp" if devices > 1 else "auto"}
    return Trainer(
        default_root_dir=out, callbacks=[callback], enable_checkpointing=False, num_sanity_val_steps=0, **strategy,
        **options,
    )  # fmt: skip


def main(plan):
    out, found = Path(plan["out"]), {}
    for name, (catalog, flow, preset) in plan["folds"].items():
        protocol = dataclasses.replace(Protocol.preset(preset), neutral="drop")  # so little a network is never sure
        callback = IntervalSelection(PriorGuided(threshold=0.2), protocol, out=str(out / name))
        run, module = trainer(callback, plan["devices"], out), network()
        module.load_state_dict(torch.load(plan["weights"]))
        run.validate(module, fold(catalog, flow), verbose=False)
        seen = [(list(curve.key), curve.score.tolist()) for curve in callback.curves["val"]]
        found[name] = {
            "scores": {key: float(value) for key, value in run.callback_metrics.items() if key != "val/loss"},
            "loss": float(run.callback_metrics["val/loss"]),
            "curves": seen,
            "mine": len(callback._seen),
        }
    if plan["train"]:
        catalog, flow, preset = plan["folds"][plan["train"]]
        callback = IntervalSelection(PriorGuided(), Protocol.preset(preset), out=str(out / "train"))
        run = trainer(callback, plan["devices"], out, max_epochs=1)
        seed_everything(run.global_rank)  # ranks must agree although they begin with other weights
        module = network()
        before = module.network.spot_head.weight.detach().clone()
        run.fit(module, fold(catalog, flow))
        found["weights"] = {name: value.tolist() for name, value in module.state_dict().items()}
        found["moved"] = not torch.equal(before, module.network.spot_head.weight)
    (out / f"rank{run.global_rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
