"""The SLURM script: what it asks of srun, ray and memodule, how it ends, and one real study on two nodes of Ray.

SLURM's programs are stand-ins on PATH. `srun` runs its command once per machine, all of them this one, and passes
SIGTERM on, as the real one does.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bench import Bench, assert_equal_studies, wait_until

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "experiments" / "cluster" / "slurm.sh"

SRUN = f"""#!{sys.executable}
import os, signal, subprocess, sys
words = sys.argv[1:]
with open(os.environ["FAKES"] + "/srun.calls", "a") as calls:
    calls.write(" ".join(words).split(" bash ")[0] + "\\n")
while words[0].startswith("-"):
    words.pop(0)
machines = []
signal.signal(signal.SIGTERM, lambda *_: [machine.terminate() for machine in machines])
for i in range(int(os.environ["SLURM_NNODES"])):
    machines.append(subprocess.Popen(words, env=os.environ | {{"SLURM_NODEID": str(i)}}, start_new_session=True))
sys.exit(max(machine.wait() for machine in machines))
"""
RAY = """#!/bin/bash
case "$*" in start*) trap "echo \\"$SLURM_NODEID\\" >> $FAKES/ray.stopped; exit" TERM ;; esac
echo "$SLURM_NODEID $RAY_AUTH_MODE ${#RAY_AUTH_TOKEN} $*" >> "$FAKES/ray.calls"
case "$*" in
    "status "*) [ -e "$FAKES/head" ] && [ ! -e "$FAKES/slow" ]; exit ;;
    *"--head "*) touch "$FAKES/head" ;;
esac
[ -z "$RAY_BREAKS" ] || { echo "no room" >&2; exit 1; }
while :; do sleep 0.05; done
"""
MEMODULE = """#!/bin/bash
trap 'sleep 0.2; echo tidied > "$FAKES/memodule.stopped"; exit 130' TERM
printf '%s\\n' "$@" > "$FAKES/memodule.words"
while [ -e "$FAKES/hold" ]; do sleep 0.05; done
exit "${MEMODULE_STATUS:-0}"
"""
SCONTROL = """#!/bin/bash
echo "$*" >> "$FAKES/scontrol.calls"
"""


@pytest.fixture
def fakes(tmp_path):
    """A folder of stand-ins, which record how they were called."""
    folder = tmp_path / "fakes"
    folder.mkdir()
    for name, text in {"srun": SRUN, "ray": RAY, "memodule": MEMODULE, "scontrol": SCONTROL}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def start(fakes: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """The script as a job of three machines; what has no stand-in comes from the tested environment."""
    job = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_NNODES": "3", "SLURM_CPUS_PER_TASK": "4", "FAKES": str(fakes)}
    path = {"PATH": os.pathsep.join([str(fakes), str(Path(sys.executable).parent), os.environ["PATH"]])}
    return subprocess.Popen(
        ["bash", str(SCRIPT), *words],
        cwd=fakes,
        env=os.environ | job | path | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def hold_until_all_are_there(fakes: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start the script; the study continues as soon as the file `hold` is gone."""
    (fakes / "hold").touch()
    job = start(fakes, *words, **environment)
    wait_until(lambda: len(starts(fakes)) == 3 and (fakes / "memodule.words").exists(), job)
    return job


def starts(fakes: Path) -> list[list[str]]:
    """Node, kind of authentication, length of the token and arguments of each start of Ray."""
    return [line.split(" ", 3) for line in read(fakes / "ray.calls") if " start " in line]


def read(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_bash_and_shellcheck_have_no_complaint():
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    if shellcheck := shutil.which("shellcheck"):
        subprocess.run([shellcheck, str(SCRIPT)], check=True)


def test_one_ray_per_machine_the_study_on_them_and_nothing_left(fakes):
    words = ["--config", "experiments/samm_lv.yaml", "--set", "data.window=30", "trainer.logger=a b", "--online"]
    job = hold_until_all_are_there(fakes, *words)
    (fakes / "hold").unlink()
    out, err = job.communicate(timeout=120)
    assert job.returncode == 0, (out, err)
    assert read(fakes / "srun.calls") == ["--kill-on-bad-exit=0 --cpus-per-task=4"]
    calls = starts(fakes)
    assert sorted(call[0] for call in calls) == ["0", "1", "2"]
    heads = [call for call in calls if "--head" in call[3]]
    assert [call[0] for call in heads] == ["0"]
    port = 20000 + os.getpid() % 12000
    assert f"--port={port}" in heads[0][3]
    assert all("--block" in call[3] and "--num-cpus=4" in call[3] for call in calls)
    assert {call[1] for call in calls} == {"token"}
    assert {call[2] for call in calls} == {"64"}
    given = read(fakes / "memodule.words")
    address = given[2]
    assert given == ["loso", "--address", address, *words]  # each word as it was given
    assert address.endswith(f":{port}")
    assert all(f"--address={address}" in call[3] for call in calls if call not in heads)
    assert sorted(read(fakes / "ray.stopped")) == ["0", "1", "2"]
    assert not (fakes / "scontrol.calls").exists()


def test_the_study_s_exit_status_is_the_job_s(fakes):
    job = hold_until_all_are_there(fakes, "--config", "x.yaml", MEMODULE_STATUS="1")
    (fakes / "hold").unlink()
    job.communicate(timeout=120)
    assert job.returncode == 1
    assert len(read(fakes / "ray.stopped")) == 3


@pytest.mark.parametrize(("number", "again"), [(signal.SIGTERM, False), (signal.SIGUSR1, True)])
def test_a_cancelled_job_stops_cleanly_and_one_whose_time_is_over_asks_for_more(fakes, number, again):
    job = hold_until_all_are_there(fakes, "--config", "x.yaml")
    job.send_signal(number)
    out, err = job.communicate(timeout=120)
    assert job.returncode == 130, (out, err)
    assert read(fakes / "memodule.stopped") == ["tidied"]
    assert len(read(fakes / "ray.stopped")) == 3
    assert read(fakes / "scontrol.calls") == ([f"requeue {os.getpid()}"] if again else [])


@pytest.mark.parametrize(("number", "again"), [(signal.SIGTERM, False), (signal.SIGUSR1, True)])
def test_a_job_that_is_stopped_while_ray_starts_begins_no_study(fakes, number, again):
    (fakes / "slow").touch()
    job = start(fakes, "--config", "x.yaml", SLURM_NNODES="1")
    wait_until(lambda: any("status" in call for call in read(fakes / "ray.calls")) and starts(fakes), job)
    if again:
        job.send_signal(number)
    else:  # scancel may tell srun as well, which is then gone before the script looks
        os.killpg(job.pid, number)
    out, err = job.communicate(timeout=120)
    assert job.returncode == 130, (out, err)
    assert not (fakes / "memodule.words").exists()
    assert read(fakes / "ray.stopped") == ["0"]
    assert read(fakes / "scontrol.calls") == ([f"requeue {os.getpid()}"] if again else [])


def test_a_ray_that_does_not_start_ends_the_job(fakes):
    job = start(fakes, "--config", "x.yaml", RAY_BREAKS="1", SLURM_NNODES="1")
    out, err = job.communicate(timeout=120)
    if not (fakes / "memodule.words").exists():  # else the head was seen before it broke
        assert (job.returncode, out) == (1, "")
    assert "no room" in err


@pytest.mark.parametrize("program", ["ray", "memodule"])
def test_an_environment_that_lacks_a_program_is_reported_at_once(fakes, program):
    for name in ("bash", "hostname", "cut"):
        (fakes / name).symlink_to(shutil.which(name))
    (fakes / program).unlink()
    job = start(fakes, "--config", "x.yaml", PATH=str(fakes))
    out, err = job.communicate(timeout=120)
    assert (job.returncode, out) == (2, "")
    assert err.startswith(f"{program} is not installed here: submit in the checkout after `make install`, or ")
    assert not (fakes / "srun.calls").exists()


def test_without_words_it_says_how_it_is_used(fakes):
    job = start(fakes)
    out, err = job.communicate(timeout=120)
    assert (job.returncode, out) == (2, "")
    assert err.startswith("usage: sbatch ")
    assert not (fakes / "srun.calls").exists()


@pytest.mark.slow
def test_a_real_ray_of_two_nodes_runs_the_folds_and_one_that_fails_stops_no_other(
    fakes, six_folds, tmp_path, undisturbed
):
    """Both nodes have one processor, and two folds must have begun before either continues.

    The failing fold is named, marks the results as partial, and is the only one that runs again, now in one process.
    """
    (fakes / "ray").unlink()
    (fakes / "memodule").write_text(f'#!/bin/bash\nexec "{sys.executable}" -m memodule "$@"\n')
    bench = Bench(six_folds, tmp_path)
    holds = [bench.order(fold, "hold") for fold in ("001-0", "003-0")]
    failing = bench.order("002-0", "raise")
    words = bench.words()[1:]  # the script says loso itself
    job = start(fakes, *words, **bench.environment(), SLURM_NNODES="2", SLURM_CPUS_PER_TASK="1")
    wait_until(lambda: all(bench.pids(hold.name) for hold in holds), job)
    for hold in holds:
        hold.unlink()
    out, err = job.communicate(timeout=300)
    assert job.returncode == 1, (out, err)
    assert "002 (seed 0): ArithmeticError: the loss is not finite" in err
    assert out.splitlines()[-1] == str(bench.study.folder)
    nodes = {path.stem: path.read_text() for path in bench.orders.glob("*.node")}
    assert len(nodes) == 12
    assert len(set(nodes.values())) == 2
    assert bench.study.missing() == [("002", 0)]
    assert not json.loads((bench.study.folder / "results.json").read_text())["complete"]
    assert "trouble.py" in (bench.study.fold("002", 0).folder / "error.txt").read_text()
    wait_until(lambda: not bench.processes(), limit=60)
    assert not Path(f"/tmp/ray-{os.getpid()}").exists()
    kept = bench.finished()
    failing.unlink()
    assert bench.run() == 0
    assert {path: stamp for path, stamp in bench.finished().items() if path in kept} == kept
    assert len(bench.pids("002-0")) == 2
    assert not (bench.study.fold("002", 0).folder / "error.txt").exists()
    assert_equal_studies(bench.study, undisturbed)
