"""What Weights & Biases receives from a study: one run per fold, one summary, all in one group."""

import contextlib
import hashlib
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memodule import __version__
from memodule.errors import UserError
from memodule.studies.plan import Job, protocol_of

if TYPE_CHECKING:
    from memodule.studies.study import Study

_SWEEP = ("WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_RUN_ID")

WANDB_LOGGER = "lightning.pytorch.loggers.WandbLogger"


def choose_mode(online: bool) -> None:
    """Decide once whether runs are sent: WANDB_MODE wins, else `--online`, else they stay on this machine.

    W&B's own messages, some 40 lines per fold, and its copy of the terminal are switched off unless asked for.

    Raises:
        UserError: If runs are to be sent and nobody is logged in; each fold would fail at its start.
    """
    for name, value in (("MODE", "online" if online else "offline"), ("SILENT", "true"), ("CONSOLE", "off")):
        os.environ.setdefault(f"WANDB_{name}", value)
    if os.environ["WANDB_MODE"] == "online":
        import wandb

        if not wandb.login(prompt=False):
            asked = "--online" if online else "WANDB_MODE=online"
            raise UserError(f"{asked}: nobody is logged in to Weights & Biases; run `wandb login`, or leave it off")


def leave_sweep() -> dict[str, str]:
    """Take the variables by which a `wandb agent` makes the next run its trial out of the environment.

    Otherwise every fold would take the trial's id, and overwrite what the fold before it logged.

    Returns:
        The variables, for the one run that is the trial: the summary. Empty outside of a sweep.
    """
    if "WANDB_SWEEP_ID" not in os.environ:
        return {}
    return {name: os.environ.pop(name) for name in _SWEEP if name in os.environ}


def uses_wandb(config: Mapping[str, Any]) -> bool:
    """Whether the config logs to Weights & Biases."""
    logger = config["trainer"]["logger"]
    return isinstance(logger, dict) and logger["class_path"].endswith("WandbLogger")


def fold_logger(job: Job) -> Any:
    """The trainer's `logger` setting for one fold: the config's own, with group, name and id of the fold.

    The id follows from study, subject and seed, so a fold that is run again continues its run.
    """
    logger = job.config["trainer"]["logger"]
    if not uses_wandb(job.config):
        return logger
    identity = {
        "group": job.study,
        "job_type": "fold",
        "name": f"{job.study}/{job.subject}/seed{job.seed}",
        "id": run_id(job.study, job.subject, str(job.seed)),
        "tags": tags("fold", job.config),
        "save_dir": str(job.folder.parents[2]),
        "offline": False,  # WANDB_MODE decides; this argument would overrule it
    }
    return {"class_path": logger["class_path"], "init_args": {**logger["init_args"], **identity}}


def tags(job_type: str, config: Mapping[str, Any]) -> list[str]:
    """What dashboards filter runs by: job type, protocol, rule, and whether the protocol leaks."""
    leak = ["leak"] if protocol_of(config).leaks else []
    return [job_type, config["protocol"]["name"], rule_name(config), *leak]


def fold_description(job: Job) -> dict[str, Any]:
    """What a fold's run says of itself beside the config."""
    return {
        "subject": job.subject,
        "seed": job.seed,
        "study/data_fingerprint": job.fingerprint,
        "study/code_version": code_version(),
        "study/host": host(),
    }


def rule_name(config: Mapping[str, Any]) -> str:
    """Name of the selection rule of a config."""
    return str(config["intervals"]["class_path"]).rpartition(".")[2]


def run_id(*parts: str) -> str:
    """A W&B run id that is the same for the same parts."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]


def code_version() -> str:
    """Version of the package, with the commit where it runs from a checkout."""
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+{commit}"


def host() -> dict[str, Any]:
    """The machine, for comparing runs of different ones."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {"name": platform.node(), "system": platform.platform(), "cpus": os.cpu_count(), "gpus": gpus}


@contextlib.contextmanager
def _inside(sweep: Mapping[str, str]) -> Iterator[None]:
    """Give a sweep's variables back for as long as its trial runs; W&B reads them once, when it is set up."""
    if not sweep:
        yield
        return
    import wandb

    wandb.teardown()
    os.environ.update(sweep)
    try:
        yield
    finally:
        leave_sweep()
        wandb.teardown()


@contextlib.contextmanager
def tracked_run(
    study: "Study",
    job_type: str,
    name: str,
    config: Mapping[str, Any] | None = None,
    sweep: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """A W&B run of the study's group that is no fold: its summary, or an ablation of its curves.

    Args:
        study: The study.
        job_type: "summary" or "ablation".
        name: What the run is called within the study.
        config: Settings beyond those of the study.
        sweep: What `leave_sweep` gave; the run becomes the sweep's trial.

    Yields:
        The run, or None where the study does not log to Weights & Biases.
    """
    if not uses_wandb(study.config):
        yield None
        return
    import wandb

    logger = study.config["trainer"]["logger"]["init_args"]
    described = ("name", "digest", "data_fingerprint", "code_version", "host")
    identity = {
        "project": logger["project"],
        "entity": logger.get("entity"),
        "id": run_id(study.name, name),
        "resume": "allow",
    }
    with (
        _inside(sweep or {}),
        wandb.init(
            **({} if sweep else identity),  # a trial has its sweep's
            dir=study.folder,
            group=study.name,
            job_type=job_type,
            name=f"{study.name}/{name}",
            tags=tags(job_type, study.config),
            config={
                "config": study.config,
                **{f"study/{key}": study.description[key] for key in described},
                **(config or {}),
            },
        ) as run,
    ):
        yield run
