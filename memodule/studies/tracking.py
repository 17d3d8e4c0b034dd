"""What Weights & Biases receives from a study: one run per fold, one summary, all in one group.

Other Lightning loggers (configs/logger/) get the metrics of the folds, each fold under its own name.
"""

import contextlib
import hashlib
import importlib.util
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memodule.errors import UserError
from memodule.intervals.description import rule_text
from memodule.runtime.environment import environment, unless_set
from memodule.runtime.private_interfaces import forget_anonymous
from memodule.runtime.wandb_environment import rejoined
from memodule.studies.origin import code_version, host
from memodule.studies.plan import Job, protocol_of
from memodule.studies.study import Study

if TYPE_CHECKING:
    from lightning.pytorch import Trainer
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
"""A table: each row by column, all with the same columns."""

_LONGEST_TAG: Final = 64
"""W&B refuses longer ones."""

_PACKAGES: Final = {
    "WandbLogger": ("wandb",),
    "TensorBoardLogger": ("tensorboard", "tensorboardX"),
    "MLFlowLogger": ("mlflow",),
}
"""What Lightning's loggers import: any one of these."""


def how_to_send(study: Study) -> str | None:
    """The command that sends a study's offline runs; None where it has none."""
    folder = study.folder / "wandb"
    if not any(folder.glob("offline-run-*")):
        return None
    return f"wandb sync {shlex.quote(str(folder))}/offline-run-*"


def uses_wandb(config: Mapping[str, Any]) -> bool:
    """Whether the config logs to Weights & Biases."""
    logger = config["trainer"]["logger"]
    return isinstance(logger, dict) and logger["class_path"].endswith("WandbLogger")


def require_logger(config: Mapping[str, Any]) -> None:
    """Refuse a logger whose package is missing, which would end every fold at its start.

    Raises:
        UserError: With the command that installs it.
    """
    logger = config["trainer"]["logger"]
    kind = logger["class_path"].rpartition(".")[2] if isinstance(logger, dict) else ""
    packages = _PACKAGES.get(kind, ())
    if packages and not any(map(importlib.util.find_spec, packages)):
        raise UserError(f"trainer.logger: {kind} needs another package; run `pip install {packages[0]}`")


def fold_logger(job: Job) -> Any:
    """The trainer's `logger` setting for one fold: the config's own, with the fold's name and place.

    A fold that is run again continues or replaces what it logged before; in MLflow it adds another run of its name.
    """
    logger = job.config["trainer"]["logger"]
    if not isinstance(logger, dict):
        return logger
    study, name = job.folder.parents[2], f"{job.subject}/seed{job.seed}"
    in_files = {"save_dir": str(study / "logs"), "name": job.folder.name, "version": f"seed{job.seed}"}
    kind = "WandbLogger" if uses_wandb(job.config) else logger["class_path"].rpartition(".")[2]
    own: dict[str, dict[str, Any]] = {
        "CSVLogger": in_files,
        "TensorBoardLogger": in_files,
        "MLFlowLogger": {"experiment_name": job.study, "run_name": name},
        "WandbLogger": {
            "group": job.study,
            "job_type": "fold",
            "name": f"{job.study}/{name}",
            "id": run_id(job.study, job.subject, str(job.seed)),
            "tags": tags("fold", job.config),
            "save_dir": str(study),
            "offline": False,  # WANDB_MODE decides; this argument would overrule it
        },
    }
    return {"class_path": logger["class_path"], "init_args": {**logger.get("init_args", {}), **own.get(kind, {})}}


@contextlib.contextmanager
def fold_run(job: Job, trainer: "Trainer") -> Iterator[Any]:
    """Describe a fold's W&B run and end it, as failed where the fold fails, so that the next fold gets its own.

    Yields:
        The run; None without Weights & Biases, and in all but one of the processes that share a fold.
    """
    if not uses_wandb(job.config):
        yield None
        return
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    failed = 1
    try:
        run = None
        if trainer.is_global_zero and isinstance(trainer.logger, WandbLogger):
            forget_anonymous(trainer.logger)
            run = trainer.logger.experiment
            _describe_fold(job, run)
        yield run
        failed = 0
    finally:
        wandb.finish(exit_code=failed)


def _describe_fold(job: Job, run: Any) -> None:
    """Say what the fold is, and let dashboards plot its metrics against epochs."""
    for metrics in ("train/*", "val/*"):
        run.define_metric(metrics, step_metric="epoch")
    described = {
        "subject": job.subject,
        "seed": job.seed,
        **_about(job.config),
        "study/name": job.study,
        "study/data_fingerprint": job.fingerprint,
        "study/code_version": code_version(),
        "study/host": host(),
    }
    run.config.update(described, allow_val_change=True)


@contextlib.contextmanager
def single_scores(trainer: "Trainer") -> Iterator[None]:
    """Keep scores that a fold has only once away from W&B's charts, each of which would show a single point."""
    from lightning.pytorch.loggers import WandbLogger

    loggers = trainer.loggers
    trainer.loggers = [logger for logger in loggers if not isinstance(logger, WandbLogger)]
    try:
        yield
    finally:
        trainer.loggers = loggers


def end_fold(run: Any, provenance: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    """Complete what `fold_run` yielded with the subjects that influenced the fold, and its scores and other numbers."""
    if run is not None:
        run.config.update({"provenance": dict(provenance)}, allow_val_change=True)
        run.summary.update(dict(summary))


@contextlib.contextmanager
def tracked_run(
    study: Study,
    job_type: str,
    name: str,
    config: Mapping[str, Any] | None = None,
    sweep: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """A W&B run in the study's group: its summary, or an ablation of its curves. See `group_run`.

    Args:
        config: Settings beyond those of the study.
        sweep: What `leave_sweep` returned; the run becomes the sweep's trial.
    """
    described = ("digest", "seeds", "data_fingerprint", "code_version", "host")
    about = {f"study/{key}": study.description[key] for key in described}
    more = {"study/name": study.name, **about, **(config or {})}
    with rejoined(sweep or {}), group_run(study.folder, job_type, name, study.config, more, trial=bool(sweep)) as run:
        yield run


@contextlib.contextmanager
def group_run(
    folder: Path,
    job_type: str,
    name: str,
    config: Mapping[str, Any],
    more: Mapping[str, Any],
    logger: Mapping[str, Any] | None = None,
    trial: bool = False,
) -> Iterator[Any]:
    """A W&B run that is not a fold, in the group of a study or a search; logged again, it continues itself.

    Args:
        folder: Of the study or search; its name is the group's.
        more: Settings beyond the config.
        logger: Config whose logger says where to log; `config` by default.
        trial: Whether the run is a sweep's trial, which has its project and id from the sweep.

    Yields:
        The run, or None where nothing is logged to Weights & Biases.
    """
    logger = logger or config
    if not uses_wandb(logger):
        yield None
        return
    import wandb

    place = {key: logger["trainer"]["logger"]["init_args"].get(key) for key in ("project", "entity")}
    identity = {**place, "id": run_id(folder.name, name), "resume": "allow"}
    # By default, offline runs keep their tables in the home folder, and a sync from another one misses them.
    near = unless_set({"WANDB_DATA_DIR": str(folder / "wandb" / "data")})
    with (
        environment(near),
        wandb.init(
            **({} if trial else identity),
            dir=folder,
            group=folder.name,
            job_type=job_type,
            name=f"{folder.name}/{name}",
            tags=tags(job_type, config),
            config={"config": config, **_about(config), **more},
        ) as run,
    ):
        yield run


def log_media(
    run: Any,
    tables: Mapping[str, Rows],
    pictures: "Mapping[str, Figure | Mapping[str, Figure]] | None" = None,
    values: Mapping[str, float] | None = None,
    mixed_types: bool = False,
) -> None:
    """Log tables as `tables/NAME` and figures as `pictures/NAME`, in one step.

    Args:
        tables: Rows by name; an empty table has no columns.
        pictures: Figures by name; several under one name by their captions.
        mixed_types: Whether a column of a table may hold values of several types.
    """
    import matplotlib.pyplot  # noqa: F401  # W&B looks at it without importing it
    import wandb

    logged: dict[str, Any] = dict(values or {})
    for name, rows in tables.items():
        columns: list[str | int] = list(rows[0]) if rows else []
        data: list[Iterable[Any]] = [list(row.values()) for row in rows]
        logged[f"tables/{name}"] = wandb.Table(columns=columns, data=data, allow_mixed_types=mixed_types)
    for name, drawn in (pictures or {}).items():
        if isinstance(drawn, Mapping):
            logged[f"pictures/{name}"] = [wandb.Image(figure, caption=caption) for caption, figure in drawn.items()]
        else:
            logged[f"pictures/{name}"] = wandb.Image(drawn)
    run.log(logged)


def tags(job_type: str, config: Mapping[str, Any]) -> list[str]:
    """What dashboards filter runs by: job type, protocol, rule, network, data set, leak; then the config's own tags."""
    protocol, about = protocol_of(config), _about(config)
    rule = str(config["intervals"]["class_path"]).rpartition(".")[2]
    names = [job_type, protocol.name, rule, about["study/network"], about["study/data"]]
    own = (uses_wandb(config) and config["trainer"]["logger"]["init_args"].get("tags")) or []
    every = [*names, *(["leak"] if protocol.leaks else []), *own]
    return list(dict.fromkeys(str(tag)[:_LONGEST_TAG] for tag in every if tag))


def _about(config: Mapping[str, Any]) -> dict[str, str]:
    """How studies differ in a table of runs; the whole config is logged too."""
    return {
        "study/data": Path(config["data"]["catalog"]).name,
        "study/network": _network(config),
        "study/rule": rule_text(config["intervals"]),
        "study/protocol": protocol_of(config).name,
    }


def _network(config: Mapping[str, Any]) -> str:
    if "model" not in config:
        return "imported curves"
    return str(config["model"]["network"]["class_path"]).rpartition(".")[2]


def run_id(*parts: str) -> str:
    """A W&B run id that is the same for the same parts."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]
