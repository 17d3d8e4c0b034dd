"""What all ways of running folds share: where they run, how one of them runs, and the progress of all."""

import dataclasses
from collections.abc import Callable

from rich.progress import Progress

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
    """Progress over tasks of several steps each, such as folds and their epochs, or trials and their folds.

    Args:
        task: What a task is called.
        steps: What its steps are called.
        length: Steps of a whole task.
        done: Tasks that have ended already.
    """

    def __init__(self, bar: Progress, task: str, steps: str, tasks: int, length: int, done: int = 0) -> None:
        self._bar, self._names, self._tasks, self._length = bar, (task, steps), tasks, length
        self._shown = bar.add_task(task, total=tasks * length)
        self.restart(done)

    def restart(self, done: int) -> None:
        """Forget running tasks, and set the number of those that have ended."""
        self._running: dict[str, int] = {}
        self._done = done
        self._show()

    def step(self, task: str, finished: int) -> None:
        """Show how many steps of a running task are finished."""
        self._running[task] = finished
        self._show()

    def end(self, task: str) -> None:
        """Count a task that has ended, whether with all its steps or not."""
        self._running.pop(task, None)
        self._done += 1
        self._show()

    def _show(self) -> None:
        completed = self._done * self._length + sum(min(count, self._length) for count in self._running.values())
        task, steps = self._names
        text = f"{task} {min(self._done + 1, self._tasks)} of {self._tasks}, {steps}"
        self._bar.update(self._shown, completed=completed, description=text)


def run_job(job: Job, workers: Workers, on_epoch: Callable[[int], object] | None = None) -> None:
    """Train a fold, or decode its saved curves again; `on_epoch` receives the number of finished epochs."""
    with tidied():
        if job.curves is not None:
            redecode_fold(job)
        else:
            run_fold(job, workers.threads, workers.save_checkpoints, on_epoch)
