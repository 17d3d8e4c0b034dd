"""What commands import: nothing heavy that they do not use, and nothing that only POSIX systems have."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from memodule.cli import COMMANDS
from memodule.datasets import synthesize
from tests.report.made_studies import make_study, small_catalog
from tests.spotting.conftest import write_checkpoint

ROOT = Path(__file__).parents[1]
TRAINING = {"lightning", "torchmetrics", "torch._dynamo", "jsonargparse", "wandb", "ray", "pandas", "optuna"}
COMPUTING = {"torch", "scipy.signal", "cv2", "dlib", "numba", "skimage", "matplotlib"}
HEAVY = TRAINING | COMPUTING

HEADER = "subject,video,onset,offset,emotion\n"


def loaded(folder: Path, code: str, before: str = "") -> set[str]:
    """The heavy libraries that Python has imported at the end of some code, run in `folder`."""
    report = f"import json, sys; print(json.dumps([name for name in {sorted(HEAVY)} if name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{code}\n{report}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def command(line: str) -> str:
    return f"from memodule.cli import main; assert main({line.split()}) == 0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files for every command that trains nothing."""
    folder = tmp_path_factory.mktemp("startup")
    make_study(folder, small_catalog(videos=1)).rename(folder / "study")
    (folder / "found.csv").write_text(f"{HEADER}a,1,10,19,negative\n")
    (folder / "truth.csv").write_text(f"{HEADER}a,1,11,20,negative\n")
    (folder / "grid.yaml").write_text("variants: {wide: {rule: fixed_window}}\n")
    write_checkpoint(folder / "model.ckpt")
    return folder


def test_help_imports_nothing_heavy(folder):
    lightning = ("fit", "validate", "test", "predict")
    lines = [[], ["--version"], *([name, "--help"] for name in COMMANDS if name not in lightning)]
    assert loaded(folder, f"from memodule.cli import main\nfor line in {lines}: assert main(line) == 0") <= {"cv2"}


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("evaluate found.csv truth.csv --details --per-subject", {"scipy.signal"}),
        ("report study --out page.html", {"matplotlib", "scipy.signal"}),
        ("ablate study --grid grid.yaml --workers 1", {"matplotlib", "scipy.signal"}),
        ("init copies", set()),
    ],
)
def test_scores_and_reports_need_no_network(folder, line, needed):
    assert loaded(folder, command(line)) <= needed


def test_spot_loads_a_network_without_what_trains_it(folder):
    modules = (
        "memodule.report.spot_page, memodule.spotting.annotate, memodule.spotting.pictures, memodule.spotting.naming"
    )
    code = f"import {modules}\nfrom memodule.spotting import Spotter\nSpotter.from_checkpoint('model.ckpt')"
    found = loaded(folder, code)
    assert "torch" in found
    assert found.isdisjoint({*TRAINING, "matplotlib", "skimage"})


def test_a_worker_of_ray_imports_no_command_report_or_wandb(folder):
    found = loaded(folder, "import memodule.studies.ray_tasks, memodule.studies.fold")
    assert "lightning" in found
    assert found.isdisjoint({"wandb", "ray", "pandas", "optuna", "skimage", "dlib"})


WITHOUT_POSIX = """
import importlib, os, pkgutil, signal, sys
import lightning.pytorch.cli, matplotlib.figure, numba, ray, scipy.signal, scipy.stats, skimage, torchmetrics, wandb
for name in ("fcntl", "grp", "pwd", "resource", "syslog", "termios"):
    sys.modules[name] = None
for module, names in (
    (os, "fork forkpty geteuid getuid killpg nice register_at_fork sched_getaffinity setsid statvfs sysconf uname"),
    (signal, "SIGALRM SIGCHLD SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGUSR2 SIGWINCH pthread_sigmask sigwait"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
"""
"""Hides what Windows lacks, from this package only: other libraries were imported before."""


@pytest.mark.slow
def test_nothing_but_python_is_needed_to_import_and_to_spot_evaluate_and_report(folder):
    everything = """
import memodule
for found in pkgutil.walk_packages(memodule.__path__, "memodule."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""
    video = synthesize(folder / "faces", subjects=1, videos=1, frames=90, fps=30, difficulty="easy").videos[0].path
    lines = (
        f"spot {video} --checkpoint model.ckpt --out spotted",
        "evaluate found.csv truth.csv",
        "report study --out portable.html",
    )
    code = "\n".join([everything, *(command(line) for line in lines)])
    assert loaded(folder, code, before=WITHOUT_POSIX) >= {"torch", "lightning"}
    assert len(list((folder / "spotted").iterdir())) == 3
