"""A Lightning callback that does to a fold what a test requests, in whichever process the fold runs.

The folder TROUBLE holds one file per troubled fold, such as `003-1` (subject and seed), with what is to happen after
the first epoch: `hold` waits until the file is gone, `raise` raises, `fill FILE` fills the disk that FILE is on. Beside
it the callback notes in `003-1.pids` who ran the fold, and in `003-1.node` on which node of a Ray cluster.
"""

import os
import time
from pathlib import Path

from lightning.pytorch import Callback


class Trouble(Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch:
            return
        hparams = trainer.datamodule.hparams
        order = Path(os.environ["TROUBLE"]) / f"{hparams['fold']}-{hparams['seed']}"
        order.with_suffix(".node").write_text(_node())
        # Last, since tests wait for it and then press Ctrl-C, which an import of Ray may swallow.
        with order.with_suffix(".pids").open("a") as pids:
            pids.write(f"{os.getpid()}\n")
        word, _, file = _read(order).partition(" ")
        if word == "raise":
            raise ArithmeticError("the loss is not finite\nand so on")
        if word == "fill":
            _fill(Path(file))
        while word == "hold" and order.exists():
            time.sleep(0.02)


def _read(order: Path) -> str:
    try:
        return order.read_text()
    except FileNotFoundError:  # there was none, or the test has just taken it back
        return ""


def _node() -> str:
    import ray

    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""


def _fill(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
