import json
import subprocess

import pytest
from bench import assert_equal_studies
from made_studies import make_study, small_catalog

from memodule import __version__
from memodule.studies import origin
from memodule.studies.loso import pool_and_write
from memodule.studies.study import Study


def test_only_a_checkout_of_its_own_gives_the_version_a_commit(tmp_path, monkeypatch):
    assert origin.code_version().startswith(f"{__version__}+")
    installed = tmp_path / "lib" / "memodule" / "origin.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-mx"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    origin.code_version.cache_clear()
    monkeypatch.setattr(origin, "__file__", str(installed))
    assert origin.code_version() == __version__
    origin.code_version.cache_clear()


def test_a_commit_while_a_study_runs_is_named_and_changes_nothing_else(tmp_path):
    undisturbed, disturbed = (made(tmp_path / name) for name in ("one", "two"))
    remake(disturbed, {"code": "1.0+abc"})
    assert json.loads((disturbed.folder / "results.json").read_text())["mixed"]["code"] == ["1.0+abc", "unknown"]
    assert_equal_studies(disturbed, undisturbed)
    remake(disturbed, {"code": "1.0+abc", "torch": "1.0"})
    with pytest.raises(AssertionError):
        assert_equal_studies(disturbed, undisturbed)


def made(folder) -> Study:
    return Study.open(make_study(folder, small_catalog()))


def remake(study, made_with) -> None:
    """Let the first fold be made with something, and pool again."""
    path = study.fold("s1", 0).folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"made_with": made_with}))
    pool_and_write(Study.open(study.folder))
