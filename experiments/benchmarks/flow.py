"""The cost of extracting the 36-channel flow: compared with a plain implementation, in parallel, and in memory.

    python experiments/benchmarks/flow.py [--frames 240 --rounds 3] [--video FILE] [--skip-parallel] [--skip-memory]

One process, one thread, the same frames for all, in turn, round by round; CPU seconds of the best round:

- plain: the published procedure call by call, written for this benchmark on top of our detector and region geometry
  (whose cost is negligible): for every frame the whole crop, one OpenCV flow per patch, and per region a sort of all
  speeds and a loop over the pixels kept;
- opencv, numba: ours, with each engine and `motion_compensation="published"`, so that all do the same work;
- bare flow: only the calls of cv2.calcOpticalFlowFarneback that the plain implementation made, on the same patches: the
  limit while OpenCV computes the flow.

The run fails unless the features agree within 1e-4 px; where speeds tie at the cut of a region (or of the nose), sorts
may drop different pixels and 1e-2 px are allowed.

Parallel: wall-clock seconds of `extract_catalog` over copies of the video with one and two workers, in turn, start-up
included, and the speed-up that the CPU time of all processes allows on two cores, which a busy machine affects less;
features must be bit-equal. Memory: peak of a separate process that extracts a short and a long video.
"""

import argparse
import dataclasses
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from memodule import console
from memodule.datasets.catalog import Catalog, Video, read_catalog
from memodule.datasets.frames import read_frames
from memodule.flow import FlowExtractor, FlowParameters, FlowStore, extract_catalog
from memodule.flow.boxes import WHOLE, PublishedBox, to_crop
from memodule.flow.face import face_finder
from memodule.flow.regions import face_layout
from memodule.synthetic.frame_files import write_video

TOLERANCE, TOLERANCE_OF_TIES = 1e-4, 1e-2


@dataclasses.dataclass
class Plain:
    """The published procedure, call by call.

    Attributes:
        length: Frames per window.
        ties: Where speeds tied at the cut, (windows, 36, length), after `extract`.
        calls: The pairs of patches whose flow was computed, after `extract` with `keep_calls`.
    """

    length: int
    keep_calls: bool = False
    ties: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    calls: list = dataclasses.field(default_factory=list)

    def extract(self, frames):
        """Features (windows, 36, length) of frames (N, H, W) uint8."""
        stride = self.length // 2
        starts = range(0, (len(frames) // stride - 1) * stride, stride)
        windows = [self._window(frames[start : start + self.length]) for start in starts]
        self.ties = np.array([ties for _, ties in windows])
        return np.array([flow for flow, _ in windows])

    def _window(self, frames):
        flow, ties = np.zeros((36, self.length)), np.zeros((36, self.length), bool)
        reference = None
        for column, frame in enumerate(frames):
            if reference is None:
                reference = self._reference(frame)
            else:
                box, layout, patches = reference
                box, crop, head, head_ties = self._align(frame, box, layout, patches)
                reference = box, layout, patches
                for i, region in enumerate(layout.regions):
                    if i == 0 or region.patch != layout.regions[i - 1].patch:
                        dense = self._flow(patches[region.patch], layout.patches[region.patch].of(crop))
                    (x, y), tie = plain_pool(dense, region)
                    flow[2 * i : 2 * i + 2, column] = x - head[0], y - head[1]
                    ties[2 * i : 2 * i + 2, column] = tie or head_ties
        return flow, ties

    def _reference(self, frame):
        finder = face_finder()
        landmarks = finder.find(frame)
        if landmarks is None:
            return None
        box = PublishedBox.around(landmarks)
        crop = box.view(frame)(WHOLE)
        found = finder.find(crop)
        layout = face_layout(to_crop(landmarks, box) if found is None else found)
        return box, layout, [area.of(crop) for area in layout.patches]

    def _align(self, frame, box, layout, patches):
        for shift in range(4):
            crop = box.view(frame)(WHOLE)
            nose = layout.head.patch
            head, tie = plain_pool(self._flow(patches[nose], layout.patches[nose].of(crop)), layout.head)
            if head[0] ** 2 + head[1] ** 2 <= 1 or shift == 3:
                return box, crop, head, tie
            dx, dy = round(float(head[0])), round(float(head[1]))
            box = PublishedBox(max(box.top + dy, 0), box.bottom + dy, max(box.left + dx, 0), box.right + dx)
        raise AssertionError("the loop returns")

    def _flow(self, reference, patch):
        if self.keep_calls:
            self.calls.append((reference, patch))
        return bare_flow(reference, patch)


def bare_flow(reference, patch):
    """The flow of a pair of patches with the published settings, (H, W, 2)."""
    return cv2.calcOpticalFlowFarneback(reference, patch, None, 0.5, 3, 15, 5, 7, 1.5, 0)


def plain_pool(flow, region):
    """Mean of the fastest pixels, one after another in order of speed; and whether speeds tie at the cut."""
    area = region.area
    part = flow[area.top : area.bottom, area.left : area.right]
    if part.size == 0:
        return (0.0, 0.0), False
    speeds = cv2.cartToPolar(part[:, :, 0], part[:, :, 1], angleInDegrees=True)[0].ravel()
    xs, ys = part[:, :, 0].ravel(), part[:, :, 1].ravel()
    order = np.argsort(speeds)
    left_out = int(len(speeds) * (1 - region.share))
    x = y = 0
    for i in range(left_out, len(order)):
        x += xs[order[i]]
        y += ys[order[i]]
    kept = len(order) - left_out
    tie = left_out > 0 and speeds[order[left_out]] == speeds[order[left_out - 1]]
    return (x / kept, y / kept), bool(tie)


def seconds(function: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def compare_costs(frames: np.ndarray, window: int, rounds: int) -> bool:
    """Time all implementations in turn; whether they agree."""
    plain = Plain(window, keep_calls=True)
    expected = plain.extract(frames)
    calls, ties = plain.calls, plain.ties
    ours = {name: FlowExtractor(window, "published", name) for name in ("opencv", "numba")}
    agree = [report_agreement(name, extractor.extract(frames), expected, ties) for name, extractor in ours.items()]

    def bare() -> None:
        for reference, patch in calls:
            bare_flow(reference, patch)

    variants = {
        "plain": lambda: Plain(window).extract(frames),
        "bare flow": bare,
        **{name: lambda extractor=extractor: extractor.extract(frames) for name, extractor in ours.items()},
    }
    best = dict.fromkeys(variants, float("inf"))
    for _, (name, variant) in itertools.product(range(rounds), variants.items()):
        best[name] = min(best[name], seconds(variant))
    print(f"{len(frames)} frames of {frames.shape[2]} x {frames.shape[1]}, window {window}, {len(calls)} flow calls")
    print(f"CPU seconds on one thread, best of {rounds} rounds:")
    for name, took in best.items():
        rate, ratio = len(frames) / took, best["plain"] / took
        print(f"  {name:10s} {took:8.2f} s   {rate:6.0f} frames/s   {ratio:5.2f} x the speed of plain")
    return all(agree)


def report_agreement(name: str, features: np.ndarray, expected: np.ndarray, ties: np.ndarray) -> bool:
    """Print the largest difference; whether it is small enough."""
    difference = np.abs(features - expected)
    outside, inside = difference[~ties].max(initial=0), difference[ties].max(initial=0)
    print(f"{name}: largest difference {outside:.1e} px, {inside:.1e} px at {ties.sum()} ties ({ties.size} values)")
    return bool(outside < TOLERANCE and inside < TOLERANCE_OF_TIES)


def compare_workers(video: Video, window: int, copies: int, rounds: int, folder: Path) -> bool:
    """Time one and two workers in turn; whether their features are equal."""
    catalog = Catalog(tuple(dataclasses.replace(video, video=f"copy{i}") for i in range(copies)))
    wall, cpu, hashes = {1: float("inf"), 2: float("inf")}, {1: float("inf"), 2: float("inf")}, set()
    for round_, workers in itertools.product(range(rounds), wall):
        store = FlowStore(folder / f"{round_}-{workers}", FlowParameters(window))
        before = time.perf_counter(), cpu_with_children()
        extract_catalog(catalog, store, workers=workers)
        wall[workers] = min(wall[workers], time.perf_counter() - before[0])
        cpu[workers] = min(cpu[workers], cpu_with_children() - before[1])
        hashes.add(tuple(store.get(*video.key).sha256 for video in catalog.videos))
    print(f"{copies} videos of {video.frames} frames, best of {rounds} rounds; bit-equal: {len(hashes) == 1}")
    print(f"  wall-clock: 1 worker {wall[1]:.1f} s, 2 workers {wall[2]:.1f} s: {wall[1] / wall[2]:.2f} x")
    limit = 2 * cpu[1] / cpu[2]
    print(f"  CPU of all processes: {cpu[1]:.1f} s and {cpu[2]:.1f} s, so {limit:.2f} x with two free cores")
    return len(hashes) == 1


def cpu_with_children() -> float:
    """CPU seconds of this process and of those it has waited for."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def compare_memory(video: Video, window: int, counts: list[int], folder: Path) -> None:
    """Print the peak memory of processes that extract a short and a long video."""
    peaks = []
    for count in counts:
        path = folder / f"{count}.avi"
        write_video(path, itertools.islice(swaying(video), count), 30.0)
        command = [sys.executable, __file__, "--measure-memory", str(path), str(count), "--window", str(window)]
        peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(f"  {count:6d} frames: peak memory {peaks[-1]:.0f} MB")
    print(f"  the longest takes {max(peaks) - peaks[0]:.0f} MB more than the shortest")


def swaying(video: Video) -> Iterator[np.ndarray]:
    """The frames of a video forever, forward and backward."""
    while True:
        frames = list(read_frames(video))
        yield from frames
        yield from reversed(frames[1:-1])


def print_memory(path: Path, count: int, window: int) -> None:
    """The task of the processes of `compare_memory`."""
    console.set_quiet(True)
    video = Video("s", "v", path, 30.0, count)
    store = FlowStore(path.with_suffix(".store"), FlowParameters(window))
    report = extract_catalog(Catalog((video,)), store)
    assert not report.problems, str(report)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def make_video(given: Path | None, frames: int, folder: Path) -> Video:
    """The given video, or a semi-synthetic one (created by another process, to keep ours small)."""
    if given is not None:
        return Video("given", given.stem, given, 30.0, frames)
    command = ["synth", str(folder / "synth"), "--subjects", "1", "--videos", "1", "--frames", str(frames)]
    subprocess.run([sys.executable, "-m", "memodule", *command, "--workers", "1", "--quiet"], check=True)
    return read_catalog(folder / "synth").videos[0]


def main() -> int:
    """Measure and print; 1 if features do not agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=240, help="frames to extract in one thread")
    parser.add_argument("--window", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--video", type=Path, help="video file or folder of images instead of a semi-synthetic face")
    parser.add_argument("--copies", type=int, default=24, help="videos for one and two workers")
    parser.add_argument("--long", type=int, default=10_000, help="frames of the long video")
    parser.add_argument("--skip-parallel", action="store_true")
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--measure-memory", nargs=2, metavar=("FILE", "FRAMES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure_memory:
        print_memory(Path(arguments.measure_memory[0]), int(arguments.measure_memory[1]), arguments.window)
        return 0
    cv2.setNumThreads(1)
    console.set_quiet(True)
    with tempfile.TemporaryDirectory() as folder:
        video = make_video(arguments.video, arguments.frames, Path(folder))
        if not arguments.skip_memory:  # first, because a process starts with the peak of its parent
            print("memory of extracting one video:")
            compare_memory(video, arguments.window, [min(500, arguments.long), arguments.long], Path(folder))
        agree = compare_costs(np.stack(list(read_frames(video))), arguments.window, arguments.rounds)
        if not arguments.skip_parallel:
            agree &= compare_workers(
                video, arguments.window, arguments.copies, max(1, arguments.rounds - 1), Path(folder)
            )
    print("features agree" if agree else "FEATURES DO NOT AGREE")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
