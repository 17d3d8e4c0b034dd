"""The examples in the docstrings are true."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import memodule.metrics

MODULES = [module.name for module in pkgutil.walk_packages(memodule.metrics.__path__, "memodule.metrics.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_public_function_has_an_example():
    functional = importlib.import_module("memodule.metrics.functional")
    for name in functional.__all__:
        value = getattr(functional, name)
        if callable(value) and name[0].islower():
            assert ">>>" in value.__doc__, name


def test_scoring_does_not_wait_for_torch():
    """The functional core alone: a fresh interpreter that scores has not imported torch."""
    code = "import sys, memodule.metrics.functional as f; f.score(f.Tally(tp=1)); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
