"""What all ways of running folds share: where they run, how one of them runs, and the progress of all."""

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
        gpus_per_fold: Share of a GPU that a fold takes: with .25, four folds share one. With 0, Ray workers use none,
            and this process follows the trainer's settings.
        address: An existing Ray cluster ("auto" or HOST:PORT); None starts Ray on this machine.
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
            raise UserError(f"--gpus-per-fold {self.gpus_per_fold:g}: use a share from 0 to 1, or a whole number")
        if self.threads < 1:
            raise UserError(f"--threads {self.threads}: use a whole number of at least 1")

    @property
    def in_process(self) -> bool:
        """Whether folds run in this process, without Ray; only Ray can give each fold a GPU."""
        return self.count == 1 and self.address is None and not self.gpus_per_fold


class Meter:
    """Progress in epochs over all folds."""

    def __init__(self, bar: Progress, task: TaskID, epochs: int, done: int, folds: int) -> None:
        self._bar, self._task, self._epochs, self._done, self._folds = bar, task, epochs, done, folds
        self._running: dict[str, int] = {}
        self._show()

    def epoch(self, job: Job, finished: int) -> None:
        """Show how many epochs of a running fold are finished."""
        self._running[job.name] = finished
        self._show()

    def end(self, job: Job) -> None:
        """Count a fold that has ended, whether it failed or not."""
        self._running.pop(job.name, None)
        self._done += 1
        self._show()

    def _show(self) -> None:
        completed = self._done * self._epochs + sum(min(count, self._epochs) for count in self._running.values())
        text = f"fold {min(self._done + 1, self._folds)} of {self._folds}, epochs"
        self._bar.update(self._task, completed=completed, description=text)


def run_job(job: Job, workers: Workers, on_epoch: Callable[[int], object] | None = None) -> None:
    """Train a fold, or decode its saved curves again; `on_epoch` receives the number of finished epochs."""
    with tidied():
        if job.curves is not None:
            redecode_fold(job)
        else:
            run_fold(job, workers.threads, workers.save_checkpoints, on_epoch)
