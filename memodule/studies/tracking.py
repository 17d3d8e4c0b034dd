"""What Weights & Biases receives from a study: one run per fold, one summary, all in one group."""

import contextlib
import hashlib
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from memodule import console
from memodule.errors import UserError
from memodule.intervals.description import rule_text
from memodule.runtime.environment import environment, unless_set
from memodule.studies.origin import code_version, host
from memodule.studies.plan import Job, protocol_of
from memodule.studies.study import Study

_SWEEP: Final = ("WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_RUN_ID")

_SENDS: Final = {"online": True, "run": True, "shared": True, "offline": False, "dryrun": False, "disabled": False}
"""Values of WANDB_MODE, and whether runs are sent under them."""

_LONGEST_TAG: Final = 64
"""W&B refuses longer ones."""


def choose_mode(online: bool) -> None:
    """Decide once whether runs are sent: WANDB_MODE wins, else `--online`, else they stay on this machine.

    W&B's own messages, some 40 lines per fold, and its copy of the terminal are switched off unless asked for.

    Raises:
        UserError: If WANDB_MODE is no mode; or if runs are to be sent and nobody is logged in, or no server answers:
            each fold would fail at its start.
    """
    asked = os.environ.get("WANDB_MODE")
    if asked is not None and asked not in _SENDS:
        raise UserError(f"WANDB_MODE={asked}: no mode of Weights & Biases; set online, offline or disabled")
    for name, value in (("MODE", "online" if online else "offline"), ("SILENT", "true"), ("CONSOLE", "off")):
        os.environ.setdefault(f"WANDB_{name}", value)
    if _SENDS[os.environ["WANDB_MODE"]]:
        _require_login("--online" if asked is None else f"WANDB_MODE={asked}")
    elif online:
        console.warn(f"--online is overruled by WANDB_MODE={asked}: nothing is sent")


def _require_login(asked: str) -> None:
    import wandb
    from wandb.errors import AuthenticationError

    try:
        if wandb.login(prompt=False):
            return
    except AuthenticationError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{asked}: {reason}; check the login and the network, or leave it off") from None
    raise UserError(f"{asked}: nobody is logged in to Weights & Biases; run `wandb login`, or leave it off")


def how_to_send(study: Study) -> str | None:
    """The command that sends a study's offline runs; None where it has none."""
    folder = study.folder / "wandb"
    if not any(folder.glob("offline-run-*")):
        return None
    return f"wandb sync {shlex.quote(str(folder))}/offline-run-*"


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
    """What dashboards filter runs by: job type, protocol, rule, network, data set, leak; then the config's own tags."""
    leak = ["leak"] if protocol_of(config).leaks else []
    about = _about(config)
    names = [protocol_of(config).name, rule_name(config), about["study/network"], about["study/data"]]
    own = (uses_wandb(config) and config["trainer"]["logger"]["init_args"].get("tags")) or []
    return list(dict.fromkeys(str(tag)[:_LONGEST_TAG] for tag in [job_type, *names, *leak, *own] if tag))


def _about(config: Mapping[str, Any]) -> dict[str, str]:
    """What tells studies apart in a table of runs, in a word or two each; the whole config is logged beside it."""
    return {
        "study/data": Path(config["data"]["catalog"]).name,
        "study/network": str(config["model"]["network"]["class_path"]).rpartition(".")[2],
        "study/rule": rule_text(config["intervals"]),
        "study/protocol": protocol_of(config).name,
    }


def describe_fold(job: Job, run: Any) -> None:
    """Tell a fold's run what it is, and let dashboards plot its metrics against epochs."""
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
def fold_run(job: Job, run: Callable[[], Any]) -> Iterator[None]:
    """Describe a fold's W&B run and end it, as failed where the fold fails, so that the next fold gets its own.

    Args:
        job: The fold.
        run: Gives the run, or None in a process that shares the fold with the one that tells.
    """
    if not uses_wandb(job.config):
        yield
        return
    import wandb

    failed = 1
    try:
        mine = run()
        if mine is not None:
            describe_fold(job, mine)
        yield
        failed = 0
    finally:
        wandb.finish(exit_code=failed)


def rule_name(config: Mapping[str, Any]) -> str:
    """Name of the selection rule of a config."""
    return str(config["intervals"]["class_path"]).rpartition(".")[2]


def run_id(*parts: str) -> str:
    """A W&B run id that is the same for the same parts."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]


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
    study: Study,
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
    described = ("digest", "seeds", "data_fingerprint", "code_version", "host")
    more = {
        "study/name": study.name,
        **{f"study/{key}": study.description[key] for key in described},
        **(config or {}),
    }
    with _inside(sweep or {}), group_run(study.folder, job_type, name, study.config, more, trial=bool(sweep)) as run:
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
    """A W&B run that is no fold, in the group of a study or a search; logged again, it continues itself.

    Args:
        folder: Of the study or search; its name is the group's.
        job_type: What dashboards filter by.
        name: What the run is called within the group.
        config: Of what is logged.
        more: Settings beyond the config.
        logger: Config whose logger says where to; `config` unless given.
        trial: Whether the run is a sweep's trial, which has its project and id from the sweep.

    Yields:
        The run, or None where nothing is logged to Weights & Biases.
    """
    logger = logger or config
    if not uses_wandb(logger):
        yield None
        return
    import wandb

    options = logger["trainer"]["logger"]["init_args"]
    identity = {
        "project": options["project"],
        "entity": options.get("entity"),
        "id": run_id(folder.name, name),
        "resume": "allow",
    }
    # Offline, W&B keeps tables in the home unless told otherwise, and a sync from another one misses them.
    beside = unless_set({"WANDB_DATA_DIR": str(folder / "wandb" / "data")})
    with (
        environment(beside),
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
