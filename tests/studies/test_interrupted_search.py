"""A search that is interrupted at the worst moment and resumed, with trials that fail."""

import os
import signal

import pytest
from searches import results_of, space_file, words
from tiny import experiment

from memodule.cli import main
from memodule.studies.search.records import TrialRecords


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_held_out_score_and_failing_trials_do_not_stop_others(
    planted, tmp_path, monkeypatch, capsys, stop
):
    config = experiment(planted, tmp_path, inner=1, epochs=2, logger=False)
    sizes = space_file(tmp_path, {"trainer.accelerator": ["cpu", "tpu"]})
    command = words(config, sizes, tmp_path / "runs", "--trials", "4", "--sampler", "random", "--grace", "3")

    unlink = os.unlink

    def interrupted(path: str, **options: int) -> None:
        """Comes at the worst moment: while Optuna gives back the lock of its journal."""
        unlink(path, **options)
        if str(path).endswith(".rename") and results_of(tmp_path):
            monkeypatch.setattr(os, "unlink", unlink)
            os.kill(os.getpid(), stop)

    monkeypatch.setattr(os, "unlink", interrupted)
    assert main(command) == 130
    assert os.unlink is unlink
    assert "the same command resumes" in " ".join(capsys.readouterr().err.split())
    (search,) = (tmp_path / "runs").iterdir()
    assert "This search has not ended" in (search / "leaderboard.html").read_text()
    assert not list(search.rglob("results.json"))
    kept = results_of(search)
    assert main(command) == 0
    printed = capsys.readouterr().out
    after = results_of(search)
    assert {path: after[path] for path in kept} == kept
    states = {record.settings["trainer.accelerator"]: record.state for record in TrialRecords(search).all()}
    assert states == {"cpu": "finished", "tpu": "failed"}
    assert "failed: trial" in printed
    assert "1 finished, 0 stopped early, 1 failed, 2 repeated, of 4 trials" in printed
    assert "free of the held-out subjects" in printed
