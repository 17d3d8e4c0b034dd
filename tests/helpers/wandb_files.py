"""Reading back what Weights & Biases wrote offline."""

import dataclasses
import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class OfflineRun:
    """One `offline-run-*` folder.

    Attributes:
        folder: Where it is.
        records: Its records in the order in which they were written.
    """

    folder: Path
    records: list[dict[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "OfflineRun":
        """Read the folder with W&B's own program; a run that was killed at its very start has no records."""
        files = list(folder.glob("*.wandb"))
        if not files:
            return cls(folder, [])
        (file,) = files
        command = [Path(sys.executable).with_name("wandb"), "leet", "inspect", "--json", file]
        printed = subprocess.run(command, capture_output=True, text=True, check=True)
        return cls(folder, [json.loads(line) for line in printed.stdout.splitlines()])

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind."""
        return [record[kind] for record in self.records if record["type"] == kind]

    @property
    def about(self) -> dict[str, Any]:
        """run_id, display_name, run_group, job_type, tags, sweep_id and so on."""
        return self.of("run")[0]

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The config after all updates."""
        updates = [self.about.get("config", {}), *self.of("config")]
        return {name: value for update in updates for name, value in update.get("update", {}).items()}

    @functools.cached_property
    def summary(self) -> dict[str, Any]:
        """The summary after all updates."""
        return {name: value for update in self.of("summary") for name, value in update["update"].items()}

    @functools.cached_property
    def history(self) -> list[dict[str, Any]]:
        """What was logged, step by step."""
        return [step["item"] for step in self.of("history")]

    def table(self, key: str) -> list[dict[str, Any]]:
        """The rows of a logged table."""
        table = json.loads((self.folder / "files" / self.summary[f"{key}.path"]).read_text())
        return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]

    def pictures(self, key: str) -> list[Path]:
        """The files of a logged picture, or of several."""
        names = self.summary.get(f"{key}.filenames") or [self.summary[f"{key}.path"]]
        return [self.folder / "files" / name for name in names]


def offline_runs(study: Path) -> list[OfflineRun]:
    """All runs of a study's folder, the oldest first."""
    runs = [OfflineRun.read(folder) for folder in (study / "wandb").glob("offline-run-*")]
    return sorted(runs, key=lambda run: run.about["start_time"])  # folders are named by whole seconds
