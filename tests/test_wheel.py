"""The package as others get it: built as a wheel, installed elsewhere, used in an empty folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from memodule import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with nothing but the installed wheel, built from a copy so that the checkout stays clean."""
    source, dist, target = (tmp_path_factory.mktemp(name) for name in ("source", "dist", "site"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("memodule", "configs", "experiments"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(dist), str(source))
    (wheel,) = dist.glob("memodule-*.whl")
    pip("install", "--target", str(target), str(wheel))
    return target


def pip(command: str, *arguments: str) -> None:
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", command, *options, *arguments], check=True, timeout=120)


@pytest.fixture
def run(site, tmp_path, monkeypatch):
    """Runs Python with the installed package, in an empty folder and with an empty home."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    variables = {"PYTHONPATH": str(site), "HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path / "home")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], env=os.environ | variables, capture_output=True, text=True, timeout=300
        )

    return run


def test_it_runs_from_where_it_is_installed(run, site):
    code = "import memodule, memodule.runtime.packaged as p; print(memodule.__file__, p.ROOT, sep='\\n')"
    found = run("-c", code)
    assert found.stdout.splitlines() == [str(site / "memodule" / "__init__.py"), str(site / "memodule")], found.stderr


def test_the_wheel_includes_every_config_and_experiment_and_no_script_of_the_checkout(site):
    included = {
        path.relative_to(site / "memodule")
        for folder in ("configs", "experiments")
        for path in (site / "memodule" / folder).rglob("*")
        if path.is_file()
    }
    assert included == {
        path.relative_to(ROOT)
        for folder in ("configs", "experiments")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yaml", ".sh")
    }
    assert {path.name for path in site.iterdir()} - {"bin", "memodule"} == {f"memodule-{__version__}.dist-info"}


def test_every_data_file_of_the_package_is_in_the_wheel(site):
    wanted = {
        path.relative_to(ROOT)
        for path in (ROOT / "memodule").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in wanted if not (site / path).is_file()} == set()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("loso --config experiments/demo.yaml --set intervals=fixed_window", "memodule synth"),
        ("ablate nothing --grid interval_priors", "nothing: "),
        ("spot nothing.mp4", "nothing.mp4: "),
    ],
)
def test_a_mistake_is_one_line_there_too(run, line, named):
    done = run("-m", "memodule", *line.split())
    (told,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert told.startswith("memodule: error: ")
    assert named in told
    assert not any(Path().iterdir())


def test_first_steps(run):
    helped = run("-m", "memodule", "--help")
    assert helped.returncode == 0
    assert "init" in helped.stdout
    checked = run("-m", "memodule", "check", "samm_lv", "--root", "absent")
    assert (checked.returncode, checked.stderr) == (2, "")
    assert "absent: no such folder" in checked.stdout
    copied = run("-m", "memodule", "init", "mine")
    assert copied.returncode == 0
    planned = run("-m", "memodule", "loso", "--config", "mine/experiments/demo.yaml")
    assert planned.returncode == 2
    assert "data/demo/videos.csv: no such file" in planned.stderr
    examined = run("-m", "memodule", "doctor")
    assert examined.returncode == 0, examined.stdout
    assert "default.ckpt" in examined.stdout


@pytest.mark.slow
def test_spot_works_right_after_installation(run):
    made = run("-m", "memodule", "synth", "faces", "-q", "--subjects", "1", "--videos", "1", "--frames", "90")
    assert made.returncode == 0, made.stderr
    (video,) = Path("faces").rglob("*.avi")
    spotted = run("-m", "memodule", "spot", str(video), "-q", "--out", "spotted")
    assert spotted.returncode == 0, spotted.stderr
    assert {path.suffix for path in Path("spotted").iterdir()} == {".html", ".csv", ".json"}
    (result,) = (json.loads(path.read_text()) for path in Path("spotted").glob("*.json"))
    assert any("--checkpoint" in warning for warning in result["warnings"])


@pytest.mark.slow
def test_the_demo_and_its_checkpoint_work_there(run):
    small = ["--subjects", "3", "--videos", "1", "--frames", "120", "--difficulty", "easy", "--workers", "1"]
    made = run("-m", "memodule", "demo", "-q", *small, "--set", "trainer.max_epochs=1")
    assert made.returncode == 0, made.stderr
    assert "<html" in Path("runs/demo.html").read_text()[:200]
    video = next(Path("data/demo").rglob("*.avi"))
    spotted = run("-m", "memodule", "spot", str(video), "-q", "--out", "spotted")
    assert spotted.returncode == 0, spotted.stderr
    assert {path.suffix for path in Path("spotted").iterdir()} == {".html", ".csv", ".json"}
