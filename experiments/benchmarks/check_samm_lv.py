"""Measures `memodule check` on a stand-in for SAMM Long Videos at full size (147 folders, a million images).

The label timelines are simulated and the images are empty files. Runs without an index list every folder; runs with one
read the listing from it. Prints the seconds of interleaved runs of both kinds, and their ratio.

    python experiments/benchmarks/check_samm_lv.py [--folder FOLDER] [--runs 3]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import openpyxl

from memodule.datasets import Catalog, Expression
from memodule.synthetic.timelines import simulate_timelines

DESCRIPTION = Path(__file__).parents[2] / "configs" / "datasets" / "samm_lv.yaml"
EMOTIONS = {"negative": "Anger", "positive": "Happiness", "surprise": "Surprise", "others": "Other"}
TYPES = {"micro": "Micro - 1/2", "macro": "Macro"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to write the stand-in (default: a temporary folder)")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        root, index = Path(scratch) / "SAMM", Path(scratch) / "index.json"
        catalog = simulate_timelines("samm_lv")
        images = write_release(catalog, root)
        time.sleep(2.5)  # folders that have just changed are not indexed
        print(f"{len(catalog.videos)} folders, {images:,} images")
        seconds: dict[str, list[float]] = {"no index": [], "index": []}
        for _ in range(arguments.runs):
            index.unlink(missing_ok=True)
            seconds["no index"].append(check(root, index))
            seconds["index"].append(check(root, index))
        for name, values in seconds.items():
            print(f"{name:<9} {min(values):.2f} s (of {', '.join(f'{value:.2f}' for value in values)})")
        print(f"ratio     {min(seconds['no index']) / min(seconds['index']):.1f}")


def check(root: Path, index: Path) -> float:
    command = [sys.executable, "-m", "memodule", "check", str(DESCRIPTION), "--root", str(root), "--index", str(index)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    elapsed = time.perf_counter() - start
    if done.returncode == 2:
        sys.exit(done.stdout + done.stderr)
    return elapsed


def write_release(catalog: Catalog, root: Path) -> int:
    """Write the Catalog in the layout of the real release, and return the number of images."""
    images = 0
    for video in catalog.videos:
        folder = root / "SAMM_longvideos" / video.video
        folder.mkdir(parents=True)
        for number in range(1, video.frames + 1):
            os.close(os.open(folder / f"{video.video}_{number:04d}.jpg", os.O_CREAT | os.O_WRONLY))
        cv2.imwrite(str(folder / f"{video.video}_0001.jpg"), np.zeros((650, 960), np.uint8))  # check reads one
        images += video.frames
    rows = [(f"{e.video}_{i}", e) for i, e in enumerate(catalog.expressions)]
    numbers = ["Onset", "Apex", "Offset", "Duration"]
    header = ["Subject", "Filename", "Inducement Code", *numbers, "Type", "Action Units", "Notes"]
    write_sheet(root / "SAMM_LongVideos_V3_Release.xlsx", 9, header, [long_row(code, e) for code, e in rows])
    header = ["Subject", "Filename", "Micro", "Estimated Emotion"]
    micro = [[e.subject, code, TYPES["micro"], EMOTIONS[e.emotion]] for code, e in rows if e.kind == "micro"]
    write_sheet(root / "SAMM_Micro_FACS_Codes_v2.xlsx", 13, header, micro)
    return images


def long_row(code: str, e: Expression) -> list[object]:
    apex = -1 if e.apex is None else e.apex + 1
    return [e.subject, code, None, e.onset + 1, apex, e.offset + 1, e.offset - e.onset + 1, TYPES[e.kind], None, None]


def write_sheet(path: Path, preamble: int, header: list[str], rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    for row in [*[["preamble"]] * preamble, header, *rows]:
        book.active.append(row)
    book.save(path)


if __name__ == "__main__":
    main()
