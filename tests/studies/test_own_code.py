"""Which changes of code outside the package make a stored count stale, and a study's folds different."""

import importlib
import os
import sys

import pytest

from memodule.runtime import own_parts
from memodule.studies import own_code as own_code_module
from memodule.studies.origin import maker
from memodule.studies.own_code import own_code
from memodule.studies.pooling import _mixed


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A package that re-exports a rule, and a file that takes one from its neighbour; both imported."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(own_parts, "_imported", {})
    monkeypatch.setenv(own_parts.VARIABLE, "")
    (tmp_path / "lab_rules").mkdir()
    files = {
        "lab_rules/__init__.py": "from .rules import MyRule\n",
        "lab_rules/rules.py": "class MyRule: ...\n",
        "lab_rules/unused.py": "",
        "lab_parts.py": "import json, numpy\nfrom lab_neighbour import helped, Other\nclass Own: ...\n",
        "lab_neighbour.py": "def helped(): ...\nclass Other: ...\n",
        "lab_unrelated.py": "class Unrelated: ...\n",
    }
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    for name in ("lab_rules", "lab_parts", "lab_unrelated"):
        importlib.import_module(name)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("lab_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("class_path", "file", "counts"),
    [
        ("lab_rules.MyRule", "lab_rules/rules.py", True),
        ("lab_rules.MyRule", "lab_rules/__init__.py", True),
        ("lab_rules.MyRule", "lab_rules/unused.py", True),
        ("lab_rules.rules.MyRule", "lab_rules/unused.py", True),
        ("lab_parts.Own", "lab_parts.py", True),
        ("lab_parts.Own", "lab_neighbour.py", True),
        ("lab_parts.Other", "lab_neighbour.py", True),
        ("lab_parts.Own", "lab_unrelated.py", False),
        ("memodule.intervals.PriorGuided", "lab_parts.py", False),
    ],
)
def test_a_rule_depends_on_the_files_that_define_it(lab, class_path, file, counts):
    rule = {"class_path": "memodule.intervals.Abstaining", "init_args": {"rules": [{"class_path": class_path}]}}
    before = own_code(rule)
    assert own_code(rule) == before
    (lab / file).write_text((lab / file).read_text() + "# changed\n")
    assert (own_code(rule) != before) == counts


def test_of_an_installed_package_only_the_named_file_counts(lab, monkeypatch):
    monkeypatch.setattr(own_code_module, "_INSTALLED", {lab.resolve()})
    assert len(own_code({"class_path": "lab_rules.MyRule"})) == 1
    assert len(own_code({"class_path": "lab_rules.rules.MyRule"})) == 1


def test_folds_made_with_other_code_of_the_users_are_mixed(lab):
    config = {"model": {"network": {"class_path": "lab_rules.MyRule"}}}
    own_parts.adopt(config)
    own_parts.adopt({"class_path": "lab_unrelated.Unrelated"})
    first = maker(config, 1, "torch")
    (lab / "lab_unrelated.py").write_text("x = 1\n")
    assert maker(config, 1, "torch") == first
    (lab / "lab_rules" / "rules.py").write_text("class MyRule: x = 1\n")
    second = maker(config, 1, "torch")
    assert _mixed([{"made_with": first}, {"made_with": second}]) == {"parts": sorted([first["parts"], second["parts"]])}


def test_a_study_without_own_code_says_nothing_of_it(lab):
    own_parts.adopt({"class_path": "lab_rules.MyRule"})
    assert "parts" not in maker({"model": {"class_path": "memodule.networks.SlowFastMamba"}}, 1, "torch")
    assert os.environ[own_parts.VARIABLE]
