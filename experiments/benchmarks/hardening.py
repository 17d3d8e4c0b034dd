"""Time of a training step with every option of `data.hardening` on, as a multiple of a step without.

    python experiments/benchmarks/hardening.py [--batch 32 --frames 30] [--rounds 15]

A step is hardening, jitter, forward pass, joint loss, backward pass and Adam, on one thread. Steps with and without
hardening take turns, so that a busy machine slows both; the median of their CPU times counts.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from memodule.data.jitter import jittered
from memodule.hardening import Hardening, harden
from memodule.hardening.labelled_windows import LabelledWindows
from memodule.losses import SpotRecognizeLoss
from memodule.networks import SlowFastMamba
from memodule.runtime.heap import keep_freed_memory

SIZES = {
    "small (configs/model/slowfast_small.yaml)": {"fast_width": 32, "slow_width": 64, "depth": 1, "state": 16},
    "full (configs/model/slowfast.yaml)": {},
}
LIMIT = 1.3
EVERYTHING = Hardening(
    noise=0.5,
    noise_memory=0.9,
    motion=1.0,
    slips=1.0,
    drift=1.0,
    gain=0.3,
    offset=0.5,
    failures=0.1,
    time_warp=0.25,
    lost_frames=0.05,
    mirror=0.5,
    region_dropout=0.05,
    injections=0.5,
    distractors=0.5,
)


def stepper(network: torch.nn.Module, batch: LabelledWindows) -> Callable[[Hardening | None], None]:
    """A function that takes one training step."""
    loss = SpotRecognizeLoss(0.9, 0.1)
    loss.set_class_weights(torch.ones(5))
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=True)

    def step(hardening: Hardening | None) -> None:
        windows = batch if hardening is None else harden(batch, hardening, rate=30.0)
        value = loss(*network(jittered(windows.flow, 0.1)), windows.spot, windows.emotion)["loss"]
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step


def median_times(step: Callable[[Hardening | None], None], rounds: int) -> tuple[float, float]:
    """CPU seconds of a step without and with hardening."""
    times: dict[Hardening | None, list[float]] = {None: [], EVERYTHING: []}
    for hardening in times:
        step(hardening)  # compiles what is compiled at first use
    for _ in range(rounds):
        for hardening, own in times.items():
            start = time.process_time()
            step(hardening)
            own.append(time.process_time() - start)
    return statistics.median(times[None]), statistics.median(times[EVERYTHING])


def main() -> None:
    """Print both times and their ratio for both sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    keep_freed_memory()
    flow = torch.randn(options.batch, 36, options.frames)
    spot = torch.zeros(options.batch, options.frames)
    spot[::3, 10:20] = 1
    emotion = torch.where(spot > 0, 0, 4)
    for name, arguments in SIZES.items():
        step = stepper(SlowFastMamba(**arguments), LabelledWindows(flow - flow[..., :1], spot, emotion))
        plain, hard = median_times(step, options.rounds)
        verdict = "within" if hard <= LIMIT * plain else "above"
        print(
            f"{name}: {1e3 * plain:.1f} ms without, {1e3 * hard:.1f} ms with, {hard / plain:.2f} x ({verdict} {LIMIT})"
        )


if __name__ == "__main__":
    main()
