"""What names a file of the cache: any change of code, of a library or of a rule outside the package gives another."""

import importlib
import importlib.metadata
import json
import shutil
from pathlib import Path

import pytest
from made_studies import make_study, small_catalog

import memodule
from memodule.studies.ablation.cache import CountCache, code_digest
from memodule.studies.ablation.prepared import prepare_study
from memodule.studies.ablation.variants import DecodingSpec
from memodule.studies.study import Study

PACKAGE = Path(memodule.__file__).parent
fresh_digest = code_digest.__wrapped__


@pytest.fixture
def package(tmp_path) -> Path:
    """The source of the package, to be changed."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "memodule", ignore=shutil.ignore_patterns("__pycache__")))


def test_a_change_of_any_module_gives_another_name(package):
    before = fresh_digest(package)
    assert before == fresh_digest(PACKAGE)
    for path in sorted(package.rglob("*.py")):
        source = path.read_bytes()
        path.write_bytes(source + b"\n")
        assert fresh_digest(package) != before, path
        path.write_bytes(source)
    (package / "new.py").write_text("")
    assert fresh_digest(package) != before


@pytest.mark.parametrize("library", ["numpy", "scipy"])
def test_another_version_of_a_library_gives_another_name(package, monkeypatch, library):
    before, version = fresh_digest(package), importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1" if name == library else version(name))
    assert fresh_digest(package) != before


def test_a_change_of_a_rule_outside_the_package_gives_another_name(tmp_path, monkeypatch):
    (tmp_path / "outside_rule.py").write_text("class Own: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("outside_rule")
    own = {"class_path": "outside_rule.Own", "init_args": {}}
    wrapped = {"class_path": "memodule.intervals.Abstaining", "init_args": {"rule": own}}
    cache = CountCache(tmp_path, "study")
    decodings = [DecodingSpec(own), DecodingSpec(wrapped)]
    before = [cache.path(decoding, False) for decoding in decodings]
    assert [cache.path(decoding, False) for decoding in decodings] == before
    (tmp_path / "outside_rule.py").write_text("class Own: x = 1\n")
    after = [cache.path(decoding, False) for decoding in decodings]
    assert not set(before) & set(after)


def test_a_change_of_the_studys_own_rule_outside_the_package_gives_another_name(tmp_path, monkeypatch):
    """The row of the study is decoded by the rule that its folds stored, which no grid names."""
    (tmp_path / "stored_rule.py").write_text("class Stored: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("stored_rule")
    folder = make_study(tmp_path / "runs", small_catalog())
    for path in folder.rglob("result.json"):
        result = json.loads(path.read_text())
        result["rule"]["class_path"] = "stored_rule.Stored"
        path.write_text(json.dumps(result))
    before = prepare_study(Study.open(folder)).identity
    assert prepare_study(Study.open(folder)).identity == before
    (tmp_path / "stored_rule.py").write_text("class Stored: x = 1\n")
    assert prepare_study(Study.open(folder)).identity != before
