"""The experiment that tests share: a tiny network on planted data."""

from pathlib import Path

import yaml

WANDB = {"class_path": "lightning.pytorch.loggers.WandbLogger", "init_args": {"project": "memodule-tests"}}
NETWORK = {
    "class_path": "memodule.networks.SlowFastMamba",
    "init_args": {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4},
}


def experiment(planted, folder: Path, *, epochs: int = 8, inner: int = 0, logger: bool = True, **changes) -> Path:
    """Write an experiment file; `changes` replace whole sections."""
    data = {"catalog": str(planted.catalog), "flow": str(planted.flow), "window": 10}
    config = {
        "model": {"network": NETWORK, "learning_rate": 0.01},
        "data": data | ({"inner_validation_subjects": inner} if inner else {}),
        "trainer": {"max_epochs": epochs, "enable_checkpointing": False, "logger": WANDB if logger else False},
        "intervals": {"class_path": "memodule.intervals.PriorGuided"},
        **changes,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
