"""What every way of running folds shares: where they run, the work on one of them, and the meter of all."""

import dataclasses
from collections.abc import Callable

from rich.progress import Progress, TaskID

from memodule.errors import UserError
from memodule.runtime.tidying import tidied
from memodule.studies.fold import run_fold
from memodule.studies.plan import Job
from memodule.studies.redecoding import redecode_fold


@dataclasses.dataclass(frozen=True)
class Workers:
    """Where folds run.

    Attributes:
        count: Folds at a time; 1 runs them in this process. None takes all processors of this machine, or lets the
            cluster decide.
        gpus_per_fold: Share of a GPU that a fold takes: .25 lets four folds share one; 0 uses none, except in this
            process, where the trainer's own settings count.
        address: An existing Ray cluster ("auto" or host:port); None starts Ray on this machine.
        threads: CPU threads per fold. Another number may change the last bits of a result.
        save_checkpoints: Whether to keep the trained weights.
    """

    count: int | None = 1
    gpus_per_fold: float = 0.0
    address: str | None = None
    threads: int = 1
    save_checkpoints: bool = True

    def __post_init__(self) -> None:
        if self.gpus_per_fold < 0 or (self.gpus_per_fold > 1 and self.gpus_per_fold % 1):
            raise UserError(f"--gpus-per-fold {self.gpus_per_fold:g}: give a share from 0 to 1, or a whole number")
        if self.threads < 1:
            raise UserError(f"--threads {self.threads}: give a whole number of at least 1")

    @property
    def in_process(self) -> bool:
        """Whether folds run here, without Ray; Ray alone gives a fold its own GPU."""
        return self.count == 1 and self.address is None and not self.gpus_per_fold


class Meter:
    """Progress in epochs over all folds."""

    def __init__(self, bar: Progress, task: TaskID, epochs: int, done: int, folds: int) -> None:
        self._bar, self._task, self._epochs, self._done, self._folds = bar, task, epochs, done, folds
        self._running: dict[str, int] = {}
        self._show()

    def epoch(self, job: Job, finished: int) -> None:
        """Show how far a running fold is."""
        self._running[job.name] = finished
        self._show()

    def end(self, job: Job) -> None:
        """Count a fold that ended, well or not."""
        self._running.pop(job.name, None)
        self._done += 1
        self._show()

    def _show(self) -> None:
        completed = self._done * self._epochs + sum(min(count, self._epochs) for count in self._running.values())
        text = f"fold {min(self._done + 1, self._folds)} of {self._folds}, epochs"
        self._bar.update(self._task, completed=completed, description=text)


def run_job(job: Job, workers: Workers, on_epoch: Callable[[int], object] | None = None) -> None:
    """Train the fold, or decode its curves again.

    Args:
        job: Which fold.
        workers: Threads, and whether to keep the weights.
        on_epoch: Called with the number of finished epochs.

    Raises:
        UserError: Of `run_fold` or `redecode_fold`.
    """
    with tidied():
        if job.curves is not None:
            redecode_fold(job)
        else:
            run_fold(job, workers.threads, workers.save_checkpoints, on_epoch)
