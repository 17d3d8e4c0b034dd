"""Time and memory of a training step of the full slow-fast network on one thread.

    python experiments/benchmarks/network.py [--batch 32 --frames 30] [--rounds 5] [--keep-for-all] [--skip-memory]

A step is forward pass, joint loss, backward pass and Adam. Variants of the Mamba layer, all in the same network:

- torch, numba: ours, in plain PyTorch and with compiled loops for the selective scan and the operations around it;
- time loop: a plain PyTorch Mamba that follows the pure-Python path of mamba-ssm, written for this benchmark: every
  exp(dt A) and dt B u is materialised, then a loop runs over the frames;
- mambapy: that package's layer with its parallel scan, if it is installed.

Each runs in a separate process as in training: ours keep freed memory (`memodule.runtime.heap`) and use the fused Adam,
the others neither, unless `--keep-for-all` lets them keep memory too. They are timed in turn, round by round, by CPU
time; the best round counts.

The limit is the sum of what every variant needs: all matrix products (forward once, backward twice) and one exponential
per state and frame, each at the speed that PyTorch reaches for them alone here. The products are timed with `torch.mm`
and, on a second line, as the convolutions of `FrameLinear`, which can be faster. A variant that would need too much
memory is timed on a smaller batch (`--loop-batch`) and scaled, which favours it: smaller batches fit the caches better.

Peak memory is measured in a separate process per variant, above that of the built network.

On one core of an AMD EPYC with AVX-512 (Zen 5) that shared its machine with other work, 8 rounds each:

                  speed vs. the time loop         of the limit (products by torch.mm)       peak memory
    32 x 30       numba 26-27 x, torch 10 x       numba 1.23-1.26 x, torch 3.2-3.3 x        numba 252 MB, torch 335 MB
    256 x 50      numba 41 x, torch 16 x          numba 1.04 x, torch 2.7 x                 numba 3.5 GB, torch 4.5 GB

With `--keep-for-all` the time loop is 7 % faster and numba 25 x as fast at 32 x 30.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection

import torch
from torch import Tensor, nn

from memodule.losses import SpotRecognizeLoss
from memodule.networks import SlowFastMamba
from memodule.networks.frame_linear import FrameLinear
from memodule.networks.mamba import Mamba, MambaBlock
from memodule.runtime.heap import keep_freed_memory

VARIANTS = ("torch", "numba", "time loop", "mambapy")
OURS, MATERIALISE = ("torch", "numba"), ("time loop", "mambapy")


class TimeLoopMamba(Mamba):
    """The same layer computed as in mamba-ssm's pure-Python path: channels before time, a loop over the frames."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        linear = nn.functional.linear  # not as a convolution, which is our method
        u, gate = linear(x, self.in_proj.weight).transpose(1, 2).chunk(2, dim=1)
        kernel = self.conv1d.kernel_size[0]
        padded = nn.functional.pad(u, (kernel - 1, 0))
        u = nn.functional.silu(self.conv1d(padded))
        dt, B, C = linear(u.transpose(1, 2), self.x_proj.weight).split(self.splits, dim=-1)
        dt = nn.functional.softplus(linear(dt, self.dt_proj.weight, self.dt_proj.bias)).transpose(1, 2)
        B, C = (matrix.transpose(1, 2).contiguous() for matrix in (B, C))
        A = -torch.exp(self.A_log)
        factor = torch.exp(torch.einsum("bdt,dn->bdtn", dt, A))
        entering = torch.einsum("bdt,bnt,bdt->bdtn", dt, B, u)
        state = torch.zeros_like(entering[:, :, 0])
        outputs = []
        for t in range(u.shape[2]):
            state = factor[:, :, t] * state + entering[:, :, t]
            outputs.append(torch.einsum("bdn,bn->bd", state, C[:, :, t]))
        y = (torch.stack(outputs, dim=2) + self.D[:, None] * u) * nn.functional.silu(gate)
        return linear(y.transpose(1, 2), self.out_proj.weight)


def build(variant: str) -> SlowFastMamba:
    """The full network with this variant of the Mamba layer."""
    torch.manual_seed(0)
    network = SlowFastMamba(scan=variant if variant in OURS else "auto")
    for block in network.modules():
        if isinstance(block, MambaBlock) and variant in MATERIALISE:
            block.mixer = _mixer(variant, width=block.mixer.out_proj.out_features, like=block.mixer)
    return network


def _mixer(variant: str, width: int, like: Mamba) -> nn.Module:
    if variant == "time loop":
        loop = TimeLoopMamba(width)
        loop.load_state_dict(like.state_dict())
        return loop
    from mambapy.mamba import MambaBlock as TheirBlock
    from mambapy.mamba import MambaConfig

    return TheirBlock(MambaConfig(d_model=width, n_layers=1, d_state=like.A_log.shape[1]))


def stepper(network: SlowFastMamba, batch: int, frames: int) -> Callable[[], float]:
    """A function that runs one training step and returns its loss."""
    torch.manual_seed(1)
    flow, target = torch.randn(batch, 36, frames), torch.rand(batch, frames)
    emotion = torch.randint(0, 5, (batch, frames))
    loss = SpotRecognizeLoss()
    ours = all(type(block.mixer) is Mamba for block in network.modules() if isinstance(block, MambaBlock))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-5, fused=ours)  # as in `SpotRecognizeModule`

    def step() -> float:
        optimiser.zero_grad()
        value = loss(*network(flow), target, emotion)["loss"]
        value.backward()
        optimiser.step()
        return value.item()

    return step


def serve(pipe: Connection, variant: str, batch: int, frames: int, keep: bool) -> None:
    """A process that sends the first loss of a variant, and then the seconds of a step on every request."""
    torch.set_num_threads(1)
    if keep:
        keep_freed_memory()
    step = stepper(build(variant), batch, frames)
    pipe.send(step())  # also compiles and warms up
    while pipe.recv():
        pipe.send(seconds(step))


def served(variant: str, batch: int, frames: int, keep: bool) -> Connection:
    """The other end of such a process."""
    here, there = get_context("spawn").Pipe()
    get_context("spawn").Process(target=serve, args=(there, variant, batch, frames, keep), daemon=True).start()
    return here


def seconds(function: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def limit(batch: int, frames: int) -> tuple[float, float, float]:
    """Seconds of the matrix products of a step alone, by `torch.mm` and as convolutions, and of its exponentials."""
    network = build("torch")
    shapes: Counter[tuple[int, int, int]] = Counter()
    exponentials = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal exponentials
        match layer:
            case nn.Linear():
                shapes[output.shape[:-1].numel(), layer.in_features, layer.out_features] += 1
            case nn.Conv1d():  # a dense one; the depthwise ones are not matrix products
                columns = layer.in_channels * layer.kernel_size[0]
                shapes[output.shape[0] * output.shape[2], columns, layer.out_channels] += 1
            case Mamba():
                exponentials += output.shape[:-1].numel() * layer.A_log.numel()

    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | Mamba):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(torch.randn(1, 36, frames))
    by_mm, by_convolution = (
        sum(times * product(batch, rows, inner, columns) for (rows, inner, columns), times in shapes.items())
        for product in (_product_seconds, _convolution_seconds)
    )
    numbers = -torch.rand(2**14)
    out = torch.empty_like(numbers)
    repeats = 200
    one = min(
        seconds(lambda function=function: [function(numbers, out=out) for _ in range(repeats)])
        for function in (torch.exp, torch.exp2)
        for _ in range(5)
    )
    return by_mm, by_convolution, batch * exponentials * one / (repeats * numbers.numel())


def _product_seconds(batch: int, rows: int, inner: int, columns: int) -> float:
    """One product forward and the two of its backward pass."""
    rows *= batch
    x, weight, gradient = torch.randn(rows, inner), torch.randn(inner, columns), torch.randn(rows, columns)
    out, dx, dw = torch.empty_like(gradient), torch.empty_like(x), torch.empty_like(weight)

    def products() -> None:
        torch.mm(x, weight, out=out)
        torch.mm(gradient, weight.t(), out=dx)
        torch.mm(x.t(), gradient, out=dw)

    return min(seconds(products) for _ in range(5))


def _convolution_seconds(batch: int, rows: int, inner: int, columns: int) -> float:
    """The same three products as convolutions of `FrameLinear`."""
    layer = FrameLinear(inner, columns, bias=False)
    x, gradient = torch.randn(batch, rows, inner, requires_grad=True), torch.randn(batch, rows, columns)
    return min(seconds(lambda: torch.autograd.grad(layer(x), (x, layer.weight), gradient)) for _ in range(5))


def peak_memory(variant: str, batch: int, frames: int) -> float:
    """Megabytes that two steps need above the built network, in a separate process."""
    command = [sys.executable, __file__, "--measure-memory", variant, "--batch", str(batch), "--frames", str(frames)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_memory(variant: str, batch: int, frames: int) -> None:
    """The task of the process of `peak_memory`."""
    if variant in OURS:
        keep_freed_memory()
    network = build(variant)
    stepper(network, 2, 4)()  # compiled code, the optimiser's state and gradients
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = stepper(network, batch, frames)
    step()
    step()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loop-batch", type=int, default=8, help="batch of the variants that materialise all states")
    parser.add_argument("--keep-for-all", action="store_true", help="let all variants keep freed memory, not only ours")
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--measure-memory", choices=VARIANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.measure_memory:
        print_memory(arguments.measure_memory, arguments.batch, arguments.frames)
        return
    variants = [name for name in VARIANTS if name == "time loop" or name == "torch" or importlib.util.find_spec(name)]
    batches = {
        name: min(arguments.batch, arguments.loop_batch) if name in MATERIALISE else arguments.batch
        for name in variants
    }
    # first, because a process starts with the peak of its parent
    memory = {
        name: 0.0 if arguments.skip_memory else peak_memory(name, batches[name], arguments.frames) for name in variants
    }
    keeping = variants if arguments.keep_for_all else OURS
    pipes = {name: served(name, batches[name], arguments.frames, name in keeping) for name in variants}
    losses = {name: pipe.recv() for name, pipe in pipes.items()}
    best = dict.fromkeys(variants, float("inf"))
    parts = [float("inf")] * 3
    for _ in range(arguments.rounds):
        parts = [min(pair) for pair in zip(parts, limit(arguments.batch, arguments.frames), strict=True)]
        for name, pipe in pipes.items():
            pipe.send(True)
            best[name] = min(best[name], pipe.recv() * arguments.batch / batches[name])
    for pipe in pipes.values():
        pipe.send(False)
    products, convolutions, exponentials = parts
    floor = products + exponentials
    task = f"batch {arguments.batch} x {arguments.frames} frames, one thread"
    print(f"{task}, best of {arguments.rounds} rounds, CPU seconds per step")
    print(f"  limit      {floor:8.2f} s   ({products:.2f} matrix products + {exponentials:.2f} exponentials)")
    print(
        f"             {convolutions + exponentials:8.2f} s   ({convolutions:.2f} s for the products, as convolutions)"
    )
    for name in variants:
        batch = f" (at batch {batches[name]})" if batches[name] != arguments.batch else ""
        ratios = f"{best[name] / floor:6.2f} x limit  {best['time loop'] / best[name]:6.1f} x as fast as the time loop"
        print(f"  {name:10s} {best[name]:8.2f} s {ratios} {memory[name]:7.0f} MB{batch}  first loss {losses[name]:.5f}")


if __name__ == "__main__":
    main()
