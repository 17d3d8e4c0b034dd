"""Every command of README and docs is run as it stands in a small world, or listed here with the reason why not.

The world holds generated data under the names that the documents use. Trainings are cut short by further options, and
the folder /data is looked for in the world; nothing else of a line is changed.
"""

import re
import shlex
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from memodule.cli import main
from memodule.datasets import read_catalog, synthesize

from .spotting.conftest import write_checkpoint
from .test_documents import COMMAND_LINES, DOCUMENTS, ROOT, code_lines

sys.path.insert(0, str(Path(__file__).parent / "datasets"))
import fake_releases

NOT_RUN = {
    "loso --config experiments/ablations/generated.yaml --config experiments/baselines/fixed_window.yaml --curves "
    "runs/generated-652f9107": "decodes the study of the line before it; tests/test_first_study.py runs both",
    "report runs/generated-652f9107 runs/generated+fixed_window-84a6dd84 --out comparison.html": "the same; "
    "tests/test_first_study.py",
    "synth data/demo": "the folder of that name is taken here; tests/synthetic/test_command.py runs it",
    "loso --config demo --set data.phases=6 --set trainer.max_epochs=5": "needs the features of two lines before it; "
    "tests/callbacks/test_interval_selection.py scores several phases",
    "adapt default warm-up.mp4 --out adapted.ckpt": "needs 8 s of a face; tests/adaptation/test_adapt.py runs it",
    "spot interview.mp4 --checkpoint adapted.ckpt": "needs what the line before it writes; the same",
    "sensitivity interview.mp4 --checkpoint adapted.ckpt --method features --seed 2": "the same",
    "spot interview.mp4 --adapt": "needs 16 s of a face; the same",
    "extract data/default-spotter --out data/default-spotter-flow --phases 2": "needs the videos of the line before "
    "it; tests/flow/test_extraction.py runs it in phases",
    "loso --config default_spotter --folds s01": "needs the features of the line before it; tests/test_configs.py "
    "trains a batch",
    "catalog …": "stands for the line of any data set",
    "check data/<name>": "stands for any Catalog",
    "synth data/samm-like --like samm_lv --flow data/flow": "147 videos; tests/synthetic/test_command.py runs "
    "it where it belongs",
    "import-published weights/SAMMLV cache/SAMMLV_dataset.pkl --config experiments/samm_lv.yaml": "needs the authors' "
    "files; tests/studies/test_import_published.py runs it on files of their format",
    "loso --config experiments/samm_lv.yaml --config experiments/published.yaml": "needs features with the published "
    "motion compensation; tests/studies/test_import_published.py runs the protocol on such",
    "loso --config experiments/samm_lv.yaml --gpus-per-fold 0.25": "needs GPUs",
    "loso --config experiments/samm_lv.yaml --seeds 0,1,2 --gpus-per-fold 0.25": "needs GPUs",
    "loso --config experiments/samm_lv.yaml --gpus-per-fold 0.25 --address auto": "needs GPUs, and a Ray cluster; "
    "tests/studies/test_slurm.py runs --address",
    "loso --config experiments/samm_lv.yaml --runs /shared/runs --address HEAD:6379 --gpus-per-fold 0.25": "the same",
    "loso --config experiments/samm_lv.yaml --set trainer.devices=4 trainer.strategy=ddp": "needs GPUs; "
    "tests/studies/test_clusters.py shares folds between two processes",
}
"""Documented lines that are not run here, and why."""

OTHERS_NOT_RUN = {
    r"git clone .*": "needs the network",
    r"pip (install|wheel) .*": "needs the network; tests/test_wheel.py installs a wheel",
    r"make (install|demo|test|lint)": "installs, or takes minutes; tests/test_demo.py runs a small demo",
    r"\.venv/bin/pre-commit install": "changes the checkout's git hooks",
    r"python bring_in\.py": "tests/datasets/test_documented_scripts.py runs the script",
    r"python experiments/benchmarks/.*": "measures for minutes",
    r"python docs/examples/.*": "tests/test_examples.py runs them",
    r"python experiments/wandb_workspace\.py --dry-run": "tests/test_wandb_workspace.py runs it",
    r"torchrun .*": "wants GPUs and machines; tests/studies/test_clusters.py runs its forms with two processes",
    r"(wandb|ray|srun|sbatch|ssh|scancel|squeue|kubectl|docker) .*": "needs an account or a cluster",
}
"""Commands of other programs, as patterns, and why they are not run."""

SHORTER = {
    "loso": "--set trainer.max_epochs=1 --set trainer.logger=false --set model=configs/model/slowfast_small.yaml",
    "fit": "--trainer.max_epochs=1 --trainer.logger=false",
    "predict": "--trainer.logger=false",
    "synth": "--subjects 1 --videos 1 --frames 90 --workers 1",
    "sensitivity": "--movements 3",
    "search": "--trials 1 --grace 1 --set trainer.logger=false --set model=configs/model/slowfast_small.yaml",
}
"""Options that are added so that a line takes seconds."""

LINES = sorted({re.sub(r"^ablate runs/[^ ]*", "ablate runs/demo-1f2e3d4c", line) for _, line in COMMAND_LINES})
"""Each line once; which study is decoded again makes no difference."""

NOT_RUN |= {line: "tests/test_own_parts.py runs it" for line in LINES if "--import my_parts.py" in line}


@pytest.fixture(scope="module")
def world(planting, tmp_path_factory):
    """Configs, data, a finished study and videos, under the names that the documents use."""
    world = tmp_path_factory.mktemp("world")
    for name in ("configs", "experiments"):
        shutil.copytree(ROOT / name, world / name)
    for name, subjects, step in (
        ("demo", ("s01", "s02", "s03", "s04"), 1),
        ("mine", ("006", "007", "009"), 1),
        ("samm_lv", ("006", "007", "009"), 7),
        ("samm-like", ("008", "012", "024", "026"), 7),
    ):
        made = planting(world / "made" / name, subjects=subjects, videos=1, frames=240, window=30, frame_step=step)
        shutil.copytree(made.catalog, world / "data" / name)
        shutil.copytree(made.flow, world / "data" / "flow", dirs_exist_ok=True)
    faces = synthesize(world / "faces", subjects=1, videos=1, frames=210, fps=70, difficulty="easy", seed=3)
    for release in ("samm_lv", "casme2", "casme3", "megc_samm", "megc_casme3"):
        made = getattr(fake_releases, release)(world)
        made.write()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(world)
        assert main(["loso", "--config", "experiments/demo.yaml", "-q", *SHORTER["loso"].split()]) == 0
    (study,) = world.glob("runs/demo-*")
    _scores_of_another_system(world)
    for name in ("demo-1f2e3d4c", "samm_lv-1a2b3c4d", "samm_lv-1f2e3d4c", "samm_lv+fixed_window-5e6f7a8b"):
        shutil.copytree(study, world / "runs" / name)
    shutil.copy(study / "folds" / "seed0" / "s01" / "model.ckpt", world / "model.ckpt")
    shutil.rmtree(study)
    _videos(world, faces.videos[0].path)
    shutil.copy(world / "data" / "mine" / "expressions.csv", world / "predictions.csv")
    shutil.copy(world / "data" / "mine" / "expressions.csv", world / "truth.csv")
    return world


def _scores_of_another_system(world: Path) -> None:
    """curves.csv about data/mine, and scores/ about data/samm_lv: noise."""
    rows = ["subject,video,score"]
    for video in read_catalog(world / "data" / "mine").videos:
        rows += [f"{video.subject},{video.video},{score}" for score in np.random.default_rng(0).random(video.frames)]
    (world / "curves.csv").write_text("\n".join(rows))
    for video in read_catalog(world / "data" / "samm_lv").videos:
        path = world / "scores" / video.subject / f"{video.video}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.random.default_rng(0).random(video.frames - 36))


def _videos(world: Path, face_video: Path) -> None:
    """interview.mp4, recordings/ and the checkpoints that score them."""
    (world / "recordings").mkdir()
    capture = cv2.VideoCapture(str(face_video))
    for name in ("interview.mp4", "recordings/one.mp4"):
        writer = cv2.VideoWriter(str(world / name), cv2.VideoWriter.fourcc(*"mp4v"), 30, (304, 304))
        for _ in range(40):
            writer.write(capture.read()[1])
        writer.release()
    for name in ("data/models/demo.ckpt", "runs/samm_lv-1f2e3d4c/folds/seed0/006/model.ckpt"):
        (world / name).parent.mkdir(parents=True)
        write_checkpoint(world / name)


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if line not in NOT_RUN])
def test_a_documented_command_does_what_it_says(line, world, tmp_path, monkeypatch, capsys):
    here = tmp_path / "here"
    shutil.copytree(world, here)
    monkeypatch.chdir(here)
    name, *words = shlex.split(line.replace("/data/SAMM", "SAMM").replace("--workers 2", "--workers 1"))
    if name in ("extract", "check") and (here / words[0]).is_dir():  # these look at frames
        shutil.rmtree(here / words[0])
        shutil.copytree(here / "faces", here / words[0])
    words = [file for word in words for file in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    shorter = [] if "--curves" in words else SHORTER.get(name, "").split()  # nothing is trained then
    status = main([name, *words, *shorter])
    printed = capsys.readouterr()
    assert status in ((0, 1) if name == "check" else (0,)), printed.out + printed.err
    assert printed.out or name in ("fit", "predict", "extract")
    for option in ("--out", "--histogram"):
        if option in words:
            assert Path(words[words.index(option) + 1]).exists()


def test_what_is_not_run_is_documented_and_has_a_reason():
    assert sorted(NOT_RUN) == sorted(line for line in LINES if line in NOT_RUN)
    for reason in NOT_RUN.values():
        tests = [word for word in reason.split() if word.startswith("tests/")]
        assert all((ROOT / word).is_file() for word in tests)


def test_commands_of_other_programs_have_a_reason_too():
    names = (
        r"git|make|python3?|pip|wandb|ray|torchrun|srun|sbatch|ssh|docker|pytest|uv|conda|\.venv/bin/(?!memodule)\S+"
    )
    found = set()
    for document in DOCUMENTS:
        for line in code_lines(document):
            if match := re.match(rf"\s*((?:{names}) .*)", re.sub(r"\s+#.*", "", line)):
                found.add(match[1].strip())
    assert "make demo" in found
    assert {line for line in found if not any(re.fullmatch(known, line) for known in OTHERS_NOT_RUN)} == set()
