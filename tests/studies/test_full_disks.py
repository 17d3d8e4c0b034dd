"""Disks that are full or read-only."""

import subprocess
from pathlib import Path

import pytest
from bench import assert_equal_studies

pytestmark = pytest.mark.slow


def mounted(folder: Path, *options: str) -> None:
    """Mount a small file system of its own, or skip where that is not allowed."""
    folder.mkdir(exist_ok=True)
    tried = subprocess.run(["mount", "-t", "tmpfs", *options, "memodule-test", folder], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"mounting needs more rights: {tried.stderr.strip()}")


def test_a_full_disk_ends_the_study_in_one_line(bench, undisturbed, capsys):
    mounted(bench.runs, "-o", "size=2m")
    try:
        filler = bench.runs / "filler"
        bench.order("003-0", f"fill {filler}")
        assert bench.run() == 2
        printed = capsys.readouterr().err.strip()
        assert len(printed.splitlines()) == 1
        assert "No space left on device" in printed
        assert "003" in printed
        assert "free some space and repeat the command" in printed
        assert not bench.pids("004-0")  # nothing more was trained for nothing
        filler.unlink()
        assert len(kept := bench.finished()) == 2
        assert not list(bench.runs.rglob(".memodule-tmp-*"))
        (bench.orders / "003-0").unlink()
        assert bench.run() == 0
        assert {path: stamp for path, stamp in bench.finished().items() if path in kept} == kept
        assert_equal_studies(bench.study, undisturbed)
    finally:
        subprocess.run(["umount", "-l", bench.runs], check=True)


def test_a_read_only_folder_is_reported_before_anything_is_trained(bench, capsys):
    mounted(bench.runs, "-o", "ro,size=1m")
    try:
        assert bench.run() == 2
    finally:
        subprocess.run(["umount", "-l", bench.runs], check=True)
    printed = capsys.readouterr().err.strip()
    assert len(printed.splitlines()) == 1
    assert "Read-only file system" in printed
    assert "--runs" in printed
    assert not list(bench.orders.iterdir())


def test_a_file_where_the_runs_should_be_is_told(bench, capsys):
    bench.runs.write_text("")
    assert bench.run() == 2
    printed = capsys.readouterr().err.strip()
    assert len(printed.splitlines()) == 1
    assert str(bench.runs) in printed
