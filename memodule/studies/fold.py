"""One fold: train without the held-out subject, score it, save what was found."""

import contextlib
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from memodule.intervals.description import describe_rule
from memodule.runtime.atomic import remove_leftovers, replacing, write_json
from memodule.runtime.environment import environment
from memodule.runtime.private_interfaces import speak_for_everyone
from memodule.studies.influences import influences
from memodule.studies.inner import inner_tallies
from memodule.studies.origin import maker
from memodule.studies.plan import Job
from memodule.studies.tracking import end_fold, fold_logger, fold_run, single_scores
from memodule.training.fold_cli import FoldCLI, quiet_lightning
from memodule.training.settings import build_fold


def run_fold(
    job: Job, threads: int = 1, save_checkpoint: bool = True, on_epoch: Callable[[int], object] | None = None
) -> None:
    """Run one fold and write its folder: `test/` and `val/` (curves.npz, intervals.csv), `model.ckpt`, `result.json`.

    `result.json` comes last, and makes the fold finished. The same job gives the same result on the same kind of
    processor, whatever else is running.

    Args:
        threads: CPU threads for PyTorch; another number may change the last bits of a result.
        on_epoch: Called with the number of finished epochs.

    Raises:
        UserError: If config, Catalog or features cannot be used.
    """
    laps = _Laps()
    remove_leftovers(job.folder)
    with quiet_lightning(), _threads(threads), _interruptible():
        cli = build_fold(
            job.config,
            job.subject,
            job.seed,
            out=str(job.folder),
            logger=fold_logger(job),
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=str(job.folder),
            **_place(job),
        )
        cli.history.on_epoch = on_epoch
        laps.end("setup")
        with fold_run(job, cli.trainer) as run:
            laps.end("tracking")
            inner, scores = _train_and_score(cli, laps)
            timing = cli.interval_selection.rule.timing
            scores["fold/training_seconds"] = laps.seconds["training"]
            if timing is not None:
                scores["prior/half_window"] = timing.half_window  # in sampled frames
            if cli.interval_selection.rule.uncalibrated:  # so far: other folds' curves may calibrate it later
                scores["uncalibrated"] = True
            end_fold(run, _influences(cli), scores)
        laps.end("tracking")
        if save_checkpoint:
            _save_weights(cli, job.folder / "model.ckpt")
        laps.end("weights")
        if cli.trainer.is_global_zero:
            write_json(job.folder / "result.json", _result(cli, job, laps, inner))


def _train_and_score(cli: FoldCLI, laps: "_Laps") -> tuple[dict[str, Any], dict[str, float]]:
    """Train, calibrate and score; returns the counts of the inner subjects and the held-out scores by log key."""
    data, selection = cli.datamodule, cli.interval_selection
    cli.trainer.fit(cli.model, data)
    laps.end("training")
    chosen = _chosen(cli)
    # The rule is calibrated on curves of the weights that are scored, and so is the objective measured. The last curves
    # of training may be of an earlier epoch, or of weights that an average has replaced since.
    if chosen or data.fold.validation or "val" not in selection.decoded:
        cli.trainer.validate(cli.model, data, ckpt_path=chosen, verbose=False)
    has_inner = bool(data.fold.validation)
    inner = inner_tallies(selection.decoder, selection.curves["val"], data.catalog) if has_inner else {}
    laps.end("validation")
    with single_scores(cli.trainer):
        tested = cli.trainer.test(cli.model, data, ckpt_path=chosen, verbose=False)
    laps.end("test")
    return inner, {name: value for scores in tested for name, value in scores.items()}


def one_device(job: Job) -> bool:
    """Whether the fold runs in one process: the default, since folds run in parallel."""
    trainer = job.config["trainer"]
    return trainer.get("devices", 1) in ("auto", 1, "1") and trainer.get("num_nodes", 1) == 1


def _place(job: Job) -> dict[str, Any]:
    """Trainer options for where the fold runs.

    For a fold in one process they override what Lightning reads from SLURM's variables, which are set wherever `srun`
    started the Ray workers: it would take the fold for one rank of many, and ranks other than 0 write and log nothing.
    """
    if not one_device(job):
        return {}
    speak_for_everyone()
    alone = {"class_path": "lightning.pytorch.plugins.environments.LightningEnvironment"}
    return {"devices": 1, "plugins": job.config["trainer"]["plugins"] or [alone]}


def _chosen(cli: FoldCLI) -> str | None:
    """The checkpoint to score: the last epoch (None), unless a callback chooses by inner validation subjects."""
    checkpoint = cli.trainer.checkpoint_callback
    return "best" if checkpoint is not None and getattr(checkpoint, "monitor", None) else None


def _save_weights(cli: FoldCLI, path: Path) -> None:
    """Keep the weights; every process of the fold takes part, since Lightning makes them wait for each other."""
    if cli.trainer.is_global_zero:
        with replacing(path) as aside:
            cli.trainer.save_checkpoint(aside, weights_only=True)
    else:
        cli.trainer.save_checkpoint(path, weights_only=True)  # waits and writes nothing


def _result(cli: FoldCLI, job: Job, laps: "_Laps", inner: Mapping[str, Any]) -> dict[str, Any]:
    network: Mapping[str, Any] = getattr(cli.model.network, "hparams", {})  # your own may have no setting `scan`
    return {
        "subject": job.subject,
        "seed": job.seed,
        "provenance": _influences(cli),
        "class_weights": cli.datamodule.class_weights.tolist(),
        "training_windows": len(cli.datamodule.train_dataloader().dataset),
        "rule": describe_rule(cli.interval_selection.rule),
        "inner": inner,
        "history": cli.history.epochs,
        "seconds": round(sum(laps.seconds.values()), 3),
        "training_seconds": round(laps.seconds["training"], 3),
        "phases": {name: round(value, 3) for name, value in laps.seconds.items()},
        "started": round(laps.started, 3),
        "made_with": maker(job.config, torch.get_num_threads(), str(network.get("scan", "auto"))),
        "host": platform.node(),
        "process": os.getpid(),
        "peak_memory_mb": _peak_memory_mb(),
    }


class _Laps:
    """How long each phase of a fold takes."""

    def __init__(self) -> None:
        self.started = time.time()
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, phase: str) -> None:
        """Add the time since the last phase ended to this one."""
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now


def _peak_memory_mb() -> int | None:
    """Largest memory of this process so far; None where the system does not report it."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 2**20 if sys.platform == "darwin" else peak / 2**10)


def _influences(cli: FoldCLI) -> dict[str, list[str]]:
    return influences(cli.datamodule, cli.interval_selection.protocol, cli.interval_selection.rule)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Use that many threads; the variable keeps Lightning's DDP from using another number, which changes last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with environment({"OMP_NUM_THREADS": str(count)}):
            yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Restore Ctrl-C, which Lightning turns into SystemExit, ignoring any further one."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as leaving:
        if isinstance(leaving.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt from None
        raise
