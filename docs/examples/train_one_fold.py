"""Train and score one leave-one-subject-out fold with Lightning's own Trainer.

memodule synth data/samm-like --like samm_lv --flow data/flow       # generated features, seconds
python docs/examples/train_one_fold.py data/samm-like data/flow --fold 012
"""

import argparse

import lightning

from memodule.callbacks import IntervalSelection, LeakageGuard
from memodule.data import LosoDataModule
from memodule.intervals import PriorGuided
from memodule.module import SpotRecognizeModule
from memodule.networks import SlowFastMamba

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("catalog")
parser.add_argument("flow")
parser.add_argument("--fold", required=True, help="subject to hold out")
parser.add_argument("--frame-step", type=int, default=7)
parser.add_argument("--epochs", type=int, default=15)
arguments = parser.parse_args()

lightning.seed_everything(0, verbose=False)
data = LosoDataModule(arguments.catalog, arguments.flow, arguments.fold, window=30, frame_step=arguments.frame_step)
network = SlowFastMamba(fast_width=16, slow_width=32, depth=1, groups=2, state=8)
module = SpotRecognizeModule(network, learning_rate=3e-3)
selection = IntervalSelection(PriorGuided())  # fitted on the training subjects only
trainer = lightning.Trainer(
    max_epochs=arguments.epochs,
    accelerator="cpu",
    default_root_dir="runs",  # curves and intervals are written below
    logger=False,
    enable_checkpointing=False,
    enable_model_summary=False,
    num_sanity_val_steps=0,
    callbacks=[selection, LeakageGuard()],
)
trainer.fit(module, data)
(scores,) = trainer.test(module, data, verbose=False)

print(f"held-out subject {arguments.fold}: spotting F1 {scores['test/spot_f1']:.3f}, STRS {scores['test/strs']:.3f}")
for found in selection.decoded["test"]:
    for onset, apex, offset in found.frames.tolist():
        print("/".join(found.key), "frames", onset, "to", offset, "apex", apex)
