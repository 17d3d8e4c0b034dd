import json

import pytest

import memodule.doctor
from memodule import __version__
from memodule.cli import main
from memodule.errors import UserError

NAMES = {
    "torch", "GPUs", "selective scan", "flow engine", "landmark model", "video", "W&B", "Ray", "default checkpoint"
}  # fmt: skip


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_a_complete_installation_has_no_problem(nowhere, capsys):
    assert main(["doctor", "--json"]) == 0
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out)}
    assert set(findings) == NAMES
    assert all(finding["state"] != "problem" for finding in findings.values())
    assert findings["default checkpoint"]["state"] == "ok"
    assert "default.ckpt" in findings["default checkpoint"]["text"]


def test_what_is_missing_is_named_and_stops_nothing(nowhere, monkeypatch, capsys):
    def missing():
        raise UserError("the model is not installed; run pip")

    def broken():
        raise OSError("libfoo.so: cannot\nopen")

    monkeypatch.setattr("memodule.flow.face.landmark_model", missing)
    monkeypatch.setitem(memodule.doctor._CHECKS, "torch", broken)
    monkeypatch.setenv("WANDB_MODE", "somewhere")
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(NAMES)
    problems = [line for line in lines if line.startswith("problem")]
    assert [line.split(maxsplit=1)[1] for line in problems] == [
        "torch               OSError: libfoo.so: cannot open",
        "landmark model      the model is not installed; run pip",
        next(line.split(maxsplit=1)[1] for line in problems if "W&B" in line),
    ]
    assert "WANDB_MODE=somewhere" in problems[2]
    assert "offline" in problems[2]


def test_a_damaged_default_checkpoint_is_a_problem(nowhere, tmp_path, monkeypatch, capsys):
    path = tmp_path / "default.ckpt"
    path.write_bytes(b"damaged")
    monkeypatch.setattr("memodule.spotting.default._INCLUDED", path)
    assert main(["doctor"]) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("problem"))
    assert "default.ckpt" in line


def test_the_version_names_what_results_depend_on(capsys):
    assert main(["--version"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"memodule {__version__} (Python 3.")
    assert all(f"{name} " in line for name in ("torch", "lightning", "numpy", "opencv-python"))
