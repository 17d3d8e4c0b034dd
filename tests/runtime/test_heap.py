"""Freed memory is kept, unless the user has configured it otherwise."""

import ctypes
import subprocess
import sys

import pytest

from memodule.runtime import heap
from memodule.runtime.heap import keep_freed_memory

STEPS = """
import resource, sys
import numpy as np
from memodule.runtime.heap import keep_freed_memory

def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [np.ones(2**18, np.float32) for _ in range(200)]  # of 1 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "keep":
    assert keep_freed_memory()
step()
step()
print(step())
"""

needs_glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")


def page_faults(how):
    """How often a step that needs 200 MB asks the system for a page that an earlier step has freed."""
    command = [sys.executable, "-c", STEPS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


@needs_glibc
def test_a_further_step_asks_the_system_for_nothing():
    assert page_faults("keep") < 1000 < 20_000 < page_faults("leave")


@needs_glibc
@pytest.mark.parametrize(
    ("variable", "value", "done"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "131072", False),
        ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=131072", False),
        ("GLIBC_TUNABLES", "glibc.rtld.nns=4", True),
    ],
)
def test_what_the_user_has_set_stays(variable, value, done, monkeypatch):
    asked = []

    class Library:
        def __init__(self, name):
            self.mallopt = lambda *values: asked.append(values) or 1

    monkeypatch.setattr(heap.ctypes, "CDLL", Library)
    monkeypatch.setenv(variable, value)
    assert keep_freed_memory() == done
    assert len(asked) == 2 * done


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()
