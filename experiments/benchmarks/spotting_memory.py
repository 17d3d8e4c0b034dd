"""How much memory does `memodule spot` need for a long video?

Loops a short semi-synthetic video to several lengths, runs the whole command on each in a separate process, with page
and tables, and prints its peak resident memory and its time. Memory that grows with the video is the slope of the
second column over the first.

    python experiments/benchmarks/spotting_memory.py --minutes 2 10 60
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

from memodule import console
from memodule.datasets import synthesize

_FPS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="model.ckpt [the demo's]")
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 10, 60])
    arguments = parser.parse_args()
    console.set_quiet(True)
    print(f"{'minutes':>8} {'peak MB':>8} {'seconds':>8} {'page MB':>8}  found", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        catalog = synthesize(Path(folder) / "short", subjects=1, videos=2, frames=20 * _FPS, fps=_FPS, seed=77)
        for minutes in arguments.minutes:
            long = Path(folder) / f"{minutes:g}.mp4"
            loop([video.path for video in catalog.videos], long, round(60 * _FPS * minutes))
            peak, seconds, printed = spot(long, arguments.checkpoint, Path(folder) / "out")
            page = (Path(folder) / "out" / f"{minutes:g}.html").stat().st_size / 1e6
            print(f"{minutes:>8g} {peak:>8.0f} {seconds:>8.0f} {page:>8.1f}  {printed}", flush=True)
            long.unlink()


def loop(videos: list[Path], path: Path, frames: int) -> None:
    """Write the videos one after another, repeatedly."""
    writer, written = None, 0
    while written < frames:
        for video in videos:
            capture = cv2.VideoCapture(str(video))
            while written < frames:
                read, image = capture.read()
                if not read:
                    break
                size = image.shape[1], image.shape[0]
                writer = writer or cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), _FPS, size)
                writer.write(image)
                written += 1
            capture.release()
    if writer is not None:
        writer.release()


def spot(video: Path, checkpoint: Path | None, out: Path) -> tuple[float, float, str]:
    """Peak memory in MB, seconds, and the first line that the command prints."""
    command = [sys.executable, "-m", "memodule", "spot", str(video), "--out", str(out), "--quiet"]
    command += ["--checkpoint", str(checkpoint)] if checkpoint else []
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read().splitlines()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"memodule spot ended with {process.returncode}")
    return usage.ru_maxrss / 1024, time.perf_counter() - started, printed[0].partition(": ")[2]


if __name__ == "__main__":
    main()
