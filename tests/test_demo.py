"""`memodule demo` on a few short videos."""

import json

import pytest

from memodule.cli import main

WORDS = (
    *("demo", "--subjects", "3", "--videos", "1", "--frames", "120", "--difficulty", "easy"),
    *("--workers", "1", "--set", "trainer.max_epochs=2"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory in which the demo has run."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(WORDS) == 0
    return folder


def results(folder) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in folder.glob("runs/*/results.json")}


@pytest.mark.slow
def test_the_demo_leaves_a_page_two_studies_and_a_checkpoint(folder):
    studies = [json.loads(text) for text in results(folder).values()]
    rules = {study["rule"]["class_path"].rpartition(".")[2] for study in studies}
    assert rules == {"PriorGuided", "FixedWindow"}
    assert all(study["complete"] and len(study["by_subject"]) == 3 for study in studies)
    page = (folder / "runs" / "demo.html").read_text(encoding="utf-8")
    assert all(name in page for name in results(folder))
    assert (folder / "data" / "models" / "demo.ckpt").is_file()
    assert list(folder.glob("runs/**/wandb/offline-run-*"))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_results_elsewhere(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*WORDS, "--quiet"]) == 0
    assert results(tmp_path) == results(folder)
    printed = capsys.readouterr()
    assert "nothing about real faces" in printed.out
    assert "runs/demo.html" in printed.out
    assert not printed.err


@pytest.mark.slow
def test_a_second_run_computes_nothing_again(folder, monkeypatch):
    monkeypatch.chdir(folder)
    kept = [*folder.glob("data/demo/*/*.avi"), *folder.glob("data/flow/*/*.npy"), *folder.glob("runs/*/folds/**/*.npz")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert main(WORDS) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == before


def test_a_wrong_difficulty_is_reported_in_one_line(capsys):
    assert main(["demo", "--difficulty", "none"]) == 2
    assert "invalid choice: 'none'" in capsys.readouterr().err
