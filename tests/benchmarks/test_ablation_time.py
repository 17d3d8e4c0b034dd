"""The benchmark of ablations runs, and its second run decodes nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "experiments" / "benchmarks" / "ablation.py"


@pytest.mark.slow
def test_a_small_run_prints_all_cases():
    words = ["--thresholds", "2", "--subjects", "3", "--workers", "1"]
    done = subprocess.run([sys.executable, str(PROGRAM), *words], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    found = re.findall(r"^(.+): (\d+) rows, (\d+) decodings", done.stdout, flags=re.MULTILINE)
    assert found == [("first run", "101", "101"), ("second run", "101", "0"), ("nested", "2", "2")]
