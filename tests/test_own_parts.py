"""Own networks, rules and metrics work in every command; docs/extending.md is run line by line."""

import importlib
import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import experiment

from memodule.cli import COMMANDS, main
from memodule.commands import command_parser
from memodule.datasets import synthesize
from memodule.errors import UserError
from memodule.intervals import SelectionRule
from memodule.runtime import own_parts
from memodule.runtime.class_paths import imported_class
from memodule.runtime.own_parts import import_part, imported_parts, remember
from memodule.training.checkpoints import load_fold_model

from .spotting.conftest import write_checkpoint

DOCUMENT = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"Save this as `([\w.]+)`.*?```\w+\n(.*?)```", DOCUMENT, flags=re.DOTALL))
LINES = re.findall(r"^memodule (.*)$", DOCUMENT, flags=re.MULTILINE)


@pytest.fixture
def fresh(monkeypatch):
    """As in a new process that has imported none of the user's parts; gives a function that makes it so again."""
    modules, path = set(sys.modules), list(sys.path)

    def forget():
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if "pytest-" in file:
                del sys.modules[name]
        importlib.invalidate_caches()

    monkeypatch.setattr(own_parts, "_imported", {})
    monkeypatch.setattr(own_parts, "_remembered", {})
    monkeypatch.setenv(own_parts.VARIABLE, "")

    def again():
        forget()
        own_parts._imported.clear()
        own_parts._remembered.clear()
        os.environ[own_parts.VARIABLE] = ""

    yield again
    forget()


@pytest.fixture(scope="module")
def world(planted, tmp_path_factory):
    """The files of the document, an experiment on planted data, and a study of it with own parts."""
    world = tmp_path_factory.mktemp("world")
    for name, text in FILES.items():
        (world / name).write_text(text)
    experiment(planted, world, epochs=2, logger=False)
    run = safely(world, adapted(LINES[0]))
    assert run.returncode == 0, run.stderr
    (study,) = world.glob("runs/tiny+my_experiment-*")
    return world, study


def adapted(line, study=None):
    """A line of the document for the tiny experiment, and for the study and the subject that are there."""
    line = line.replace("--config demo", "--config tiny.yaml").replace("/s01/", "/001/")
    return line.replace("demo+my_experiment-1f2e3d4c", study.name) if study else line


def safely(folder, line):
    """Run a command as the console script does: without the working folder on Python's search path."""
    words = [sys.executable, "-P", "-m", "memodule", *shlex.split(line), "-q"]
    environment = {**os.environ, own_parts.VARIABLE: ""}  # other tests may have left parts of their own
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def in_process(folder, line, monkeypatch):
    monkeypatch.chdir(folder)
    return main([*shlex.split(line), "-q"])


def test_the_document_has_the_files_and_commands_that_are_tested_here():
    assert set(FILES) == {"my_parts.py", "my_experiment.yaml", "my_grid.yaml"}
    assert [line.split()[0] for line in LINES] == ["loso", "loso", "ablate", "report", "submit", "spot", "spot"]
    assert all("--import my_parts.py" in line for line in LINES)


def test_own_parts_are_trained_logged_and_remembered(world):
    folder, study = world
    description = json.loads((study / "study.json").read_text())
    (part,) = description["parts"]
    assert (part["module"], part["file"]) == ("my_parts", str(folder / "my_parts.py"))
    result = json.loads((study / "folds" / "seed0" / "001" / "result.json").read_text())
    assert result["rule"]["class_path"] == "my_parts.HalfHeight"
    assert "val/contrast" in result["history"][-1]
    saved = torch.load(study / "folds" / "seed0" / "001" / "model.ckpt", weights_only=True)
    assert saved["hyper_parameters"]["network"] == {
        "class_path": "my_parts.SmallConvNet",
        "init_args": {"width": 32, "kernel": 5},
    }
    assert saved["parts"] == [part]


@pytest.mark.parametrize("line", [line for line in LINES if line.split()[0] in ("ablate", "report", "submit")])
def test_later_commands_need_the_import_and_say_so(line, world, fresh, monkeypatch, capsys):
    folder, study = world
    line = adapted(line, study)
    assert in_process(folder, line.replace(" --import my_parts.py", ""), monkeypatch) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert "my_parts.HalfHeight" in message
    assert message.endswith(f"--import {folder / 'my_parts.py'}")
    assert "my_parts" not in sys.modules  # a file that names a class imports nothing
    fresh()
    assert in_process(folder, line, monkeypatch) == 0


def test_a_checkpoint_is_spotted_with(world, fresh, monkeypatch, capsys):
    folder, study = world
    if not (folder / "interview.mp4").is_file():
        catalog = synthesize(folder / "faces", subjects=1, videos=1, frames=90, fps=30, difficulty="easy", seed=3)
        (folder / "interview.mp4").write_bytes(catalog.videos[0].path.read_bytes())
        capsys.readouterr()
    line = adapted(next(line for line in LINES if "--checkpoint" in line), study)
    assert in_process(folder, line.replace(" --import my_parts.py", ""), monkeypatch) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert "model.ckpt: my_parts." in message
    assert f"--import {folder / 'my_parts.py'}" in message
    fresh()
    assert in_process(folder, line, monkeypatch) == 0
    assert json.loads((folder / "spotted" / "interview.json").read_text())
    fresh()
    line = f"{LINES[-1]} --checkpoint {write_checkpoint(folder / 'other.ckpt')}"
    assert in_process(folder, line, monkeypatch) == 0


@pytest.mark.parametrize("command", ["test", "predict"])
def test_commands_of_lightning_take_own_parts(command, world, fresh, monkeypatch, capsys):
    folder, study = world
    checkpoint = study / "folds" / "seed0" / "001" / "model.ckpt"
    line = f"{command} --config tiny.yaml --config my_experiment.yaml --data.fold=001 --ckpt_path={checkpoint}"
    assert in_process(folder, line, monkeypatch) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert f"--import {folder / 'my_parts.py'}" in message
    fresh()
    assert (
        in_process(folder, f"{line} --import=my_parts.py --trainer.default_root_dir={folder / 'out'}", monkeypatch) == 0
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_folds_in_other_processes_import_the_same(world):
    folder, study = world
    run = safely(folder, adapted(LINES[1]))
    assert run.returncode == 0, run.stderr
    (parallel,) = folder.glob("runs/parallel-*")
    results = [json.loads((each / "results.json").read_text()) for each in (study, parallel)]
    assert results[0]["spotting"] == results[1]["spotting"]


def test_the_variable_works_as_the_option_does(world, fresh, monkeypatch):
    folder, study = world
    monkeypatch.setenv("MEMODULE_IMPORT", f"{folder / 'my_parts.py'},json")
    assert in_process(folder, f"report {study}", monkeypatch) == 0
    assert {part["module"] for part in imported_parts()} == {"my_parts", "json"}


def test_entry_points_of_installed_packages_are_imported_when_a_class_is_looked_for(world, fresh, monkeypatch):
    folder, _ = world
    monkeypatch.syspath_prepend(folder)
    found = (importlib.metadata.EntryPoint("mine", "my_parts", "memodule.parts"),)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: found if group == "memodule.parts" else ())
    own_parts._entry_points.cache_clear()
    assert imported_class("my_parts.HalfHeight", SelectionRule, "x.json").__name__ == "HalfHeight"
    own_parts._entry_points.cache_clear()


def test_a_changed_part_is_reported_when_its_study_continues(world, fresh, monkeypatch, tmp_path, capsys):
    folder, study = world
    copy = tmp_path / "my_parts.py"
    copy.write_text((folder / "my_parts.py").read_text() + "\n# changed\n")
    line = adapted(LINES[0]).replace("--import my_parts.py", f"--import {copy}")
    monkeypatch.chdir(folder)
    assert main([*shlex.split(line)]) == 0
    printed = capsys.readouterr()
    assert any("my_parts has changed" in line for line in printed.err.splitlines())
    assert f"memodule report {study.resolve()} --import {copy}" in printed.out


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("fit", "validate", "test", "predict")])
def test_every_command_takes_own_parts(command, fresh, tmp_path, capsys):
    assert main([command, "--import", str(tmp_path / "absent.py"), *_REQUIRED.get(command, ())]) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert f"--import {tmp_path / 'absent.py'}: no such file" in message


_REQUIRED = {
    "synth": ["out"],
    "check": ["x"],
    "catalog": ["x", "--out", "y"],
    "extract": ["x", "--out", "y"],
    "loso": ["--config", "x"],
    "search": ["--config", "x", "--space", "y"],
    "import-published": ["x", "y", "--config", "z"],
    "import-curves": ["x", "--catalog", "y"],
    "evaluate": ["x", "y"],
    "ablate": ["x", "--grid", "y"],
    "report": ["x"],
    "spot": ["x"],
    "adapt": ["x", "y", "--out", "z"],
    "init": ["x"],
}


@pytest.mark.parametrize(
    ("name", "code", "named"),
    [
        ("json.py", "", "another module is called json"),
        ("my-parts.py", "", "rename the file"),
        ("broken_one.py", "x = 1\nprint(y)\n", "broken_one.py, line 2: NameError: name 'y'"),
        ("broken_two.py", "def f(:\n", "broken_two.py, line 1: SyntaxError"),
        ("broken_three.py", "import no_such_library\n", "broken_three.py, line 1: ModuleNotFoundError"),
        ("absent", "", "absent: no such module"),
        ("json.nothing", "", "json.nothing: no such module"),
        ("", "", "neither a Python file nor the name of a module"),
        (".relative", "", "neither a Python file nor the name of a module"),
        ("leaving.py", "import sys\nsys.exit(3)\n", "leaving.py, line 2: SystemExit"),
    ],
)
def test_what_cannot_be_imported_is_named_in_one_line(name, code, named, fresh, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name.endswith(".py"):
        Path(name).write_text(code)
    with pytest.raises(UserError, match=re.escape(named)) as refused:
        import_part(name)
    assert "\n" not in str(refused.value)


def test_a_module_of_the_working_folder_is_found_as_python_does(fresh, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("single.py").write_text("import neighbour\n")
    Path("neighbour.py").write_text("")
    Path("lab").mkdir()
    Path("lab", "__init__.py").write_text("")
    Path("lab", "rules.py").write_text("")
    import_part("single")
    import_part("lab.rules")
    assert [part["module"] for part in imported_parts()] == ["single", "lab.rules"]
    variable = os.environ["MEMODULE_IMPORT"].split(os.pathsep)
    assert variable == [str(tmp_path / "single.py"), str(tmp_path / "lab"), "lab.rules"]


def in_another_process(folder, statement):
    """As a worker, which inherits MEMODULE_IMPORT and runs in another folder."""
    code = f"from memodule.runtime.own_parts import import_requested; import_requested(); {statement}"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("given", ["lab", "lab.rules"])
def test_a_package_reaches_other_processes_under_its_own_name(given, fresh, tmp_path, monkeypatch):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "lab").mkdir(parents=True)
    elsewhere.mkdir()
    (home / "lab" / "__init__.py").write_text("from .rules import MyRule\n")
    (home / "lab" / "rules.py").write_text("class MyRule: pass\n")
    monkeypatch.chdir(home)
    import_part(given)
    ended = in_another_process(elsewhere, "import lab, sys; print(lab.MyRule.__module__, '__init__' in sys.modules)")
    assert (ended.returncode, ended.stdout.split()) == (0, ["lab.rules", "False"]), ended.stderr
    assert "__init__" not in " ".join(own_parts.import_options())


def test_a_path_that_other_processes_would_read_as_two_is_refused(fresh, tmp_path):
    folder = tmp_path / "a,b"
    folder.mkdir()
    (folder / "mine.py").write_text("")
    with pytest.raises(UserError, match="rename the folder"):
        import_part(str(folder / "mine.py"))
    assert imported_parts() == []


def test_a_broken_entry_point_is_reported_and_stops_nothing(fresh, tmp_path, monkeypatch, capsys):
    (tmp_path / "broken_lab.py").write_text("raise ValueError('not today')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(own_parts, "_entry_points", lambda: ("broken_lab",))
    monkeypatch.setattr(own_parts, "_broken", {})
    own_parts.import_requested()
    own_parts.import_requested()
    assert " ".join(capsys.readouterr().err.split()).count("ValueError: not today") == 1
    assert "not today" in own_parts.how_to_import("some_lab.rules")


def test_checkpoints_for_others_name_no_folder_of_this_machine(fresh, tmp_path):
    (tmp_path / "mine.py").write_text("")
    import_part(str(tmp_path / "mine.py"))
    (part,) = own_parts.without_folders(imported_parts())
    assert (part["module"], part["file"]) == ("mine", "mine.py")
    assert part["sha256"] == imported_parts()[0]["sha256"]


@pytest.mark.parametrize("where", ["grid", "config"])
def test_an_error_inside_a_module_that_a_file_names_is_shown(where, planted, fresh, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("broken_rules.py").write_text("x = 1\nprint(undefined_name)\n")
    if where == "grid":
        from memodule.studies.ablation.rule_files import read_rule

        with pytest.raises(UserError) as refused:
            read_rule("broken_rules.MyRule", tmp_path, "grid.yaml: variants.mine.rule")
        message = str(refused.value)
    else:
        Path("mine.yaml").write_text("intervals:\n  class_path: broken_rules.MyRule\n")
        assert main(["loso", "--config", str(experiment(planted, tmp_path)), "--config", "mine.yaml"]) == 2
        (message,) = capsys.readouterr().err.splitlines()
    assert "broken_rules.py, line 2: NameError: name 'undefined_name'" in message


def test_the_remedy_names_what_a_file_remembers_and_nothing_that_is_imported(fresh):
    with pytest.raises(UserError, match=r"r.json: mine.Rule is not a known SelectionRule; add --import mine.py"):
        imported_class("mine.Rule", SelectionRule, "r.json")
    remember([{"module": "mine", "file": "/home/me/mine.py"}, {"module": "lab.rules", "file": "/x/lab/rules.py"}])
    with pytest.raises(UserError, match=r"add --import /home/me/mine.py$"):
        imported_class("mine.Rule", SelectionRule, "r.json")
    with pytest.raises(UserError, match=r"add --import lab.rules$"):
        imported_class("lab.rules.Rule", SelectionRule, "r.json")


def test_help_mentions_the_option():
    assert "--import FILE|MODULE" in command_parser("x", "x").format_help()


@pytest.mark.parametrize(
    "old", ["memodule.intervals.prior_guided.PriorGuided", "memodule.intervals.moved_since.PriorGuided"]
)
def test_class_paths_of_older_files_are_found(old, world, fresh, tmp_path):
    """The network's and the rule's modules were named by checkpoints; classes may have moved within their package."""
    saved = torch.load(write_checkpoint(tmp_path / "new.ckpt"), weights_only=True)
    saved["memodule"]["rule"]["class_path"] = old
    saved["hyper_parameters"]["network"]["class_path"] = "memodule.networks.slowfast_of_old.SlowFastMamba"
    torch.save(saved, tmp_path / "old.ckpt")
    flow = torch.randn(2, 36, 10, generator=torch.Generator().manual_seed(0))
    before, after = (load_fold_model(tmp_path / name) for name in ("new.ckpt", "old.ckpt"))
    for ours, theirs in zip(before.network(flow), after.network(flow), strict=True):
        assert torch.equal(ours, theirs)
    assert before.rule == after.rule


@pytest.mark.parametrize("damaged", [3, "my_parts", [3], [{"module": 3}], [{}], ["my_parts"]])
def test_damaged_records_of_parts_are_passed_over(damaged, fresh):
    remember(damaged)
    own_parts.warn_of_changes(damaged, "runs/x")
    assert own_parts._remembered == {}
