"""All ways to compute the selective scan agree with the definition, and the right one is chosen."""

import logging
import multiprocessing
import sys
import types

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.errors import UserError
from memodule.networks import scan_cuda as cuda_module
from memodule.networks import selective_scan as scan_module
from memodule.networks.scan_torch import scan_torch
from memodule.networks.selective_scan import selective_scan

WAYS = ("torch", "numba")


def by_definition(u, dt, A, B, C, D=0.0, gate=None):
    """The two lines of the definition, one frame after the other."""
    h = u.new_zeros(u.shape[0], *A.shape)
    y = []
    for t in range(u.shape[1]):
        h = torch.exp(dt[:, t, :, None] * A) * h + (dt[:, t] * u[:, t])[:, :, None] * B[:, t, None, :]
        y.append((h * C[:, t, None, :]).sum(-1) + D * u[:, t])
    return torch.stack(y, dim=1) * (1 if gate is None else gate)


def arguments(batch, length, channels, states, seed=0, fastest=1.0, dtype=torch.float32):
    """Leaves u, dt, A, B, C, D, gate with steps up to `fastest`; A = -1 .. -states, as networks start."""
    rng = np.random.default_rng(seed)
    A = -np.broadcast_to(np.arange(1.0, states + 1), (channels, states)) * rng.uniform(0.8, 1.2, (channels, states))
    values = (
        rng.normal(size=(batch, length, channels)),
        rng.uniform(0, fastest, (batch, length, channels)),
        A,
        rng.normal(size=(batch, length, states)),
        rng.normal(size=(batch, length, states)),
        rng.normal(size=channels),
        rng.normal(size=(batch, length, channels)),
    )
    return [torch.tensor(value, dtype=dtype, requires_grad=True) for value in values]


def output_and_gradients(scan, leaves, seed=1):
    y = scan(*leaves)
    weight = torch.from_numpy(np.random.default_rng(seed).normal(size=y.shape)).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, leaves, weight)]


def assert_close(found, expected, tolerance=1e-5):
    """Equal within `tolerance` of the largest value."""
    for value, exact in zip(found, expected, strict=True):
        assert value.shape == exact.shape
        if exact.numel():
            assert (value.double() - exact).abs().max() <= tolerance * max(1.0, exact.abs().max().item())


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=30)
@given(
    batch=st.integers(1, 3),
    length=st.integers(1, 9),
    channels=st.sampled_from([1, 3, 63, 64, 65, 130, 257]),
    states=st.integers(1, 7),
    fastest=st.sampled_from([0.0, 0.01, 1.0, 200.0]),
    seed=st.integers(0, 99),
)
def test_agrees_with_the_definition(way, batch, length, channels, states, fastest, seed):
    leaves = arguments(batch, length, channels, states, seed, fastest)
    exact = output_and_gradients(by_definition, [leaf.detach().double().requires_grad_() for leaf in leaves])
    assert_close(output_and_gradients(lambda *all: selective_scan(*all, scan=way), leaves), exact)


@pytest.mark.parametrize("way", WAYS)
def test_agrees_with_the_definition_at_the_published_size(way):
    leaves = arguments(2, 30, 256, 64)
    exact = output_and_gradients(by_definition, [leaf.detach().double().requires_grad_() for leaf in leaves])
    assert_close(output_and_gradients(lambda *all: selective_scan(*all, scan=way), leaves), exact)


def test_gradients_by_finite_differences():
    leaves = arguments(2, 4, 3, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda *all: selective_scan(*all), leaves)


@pytest.mark.parametrize("way", WAYS)
def test_arguments_need_not_be_contiguous(way):
    leaves = arguments(3, 5, 6, 4)
    views = [leaf.detach().transpose(0, -1).contiguous().transpose(0, -1).requires_grad_() for leaf in leaves]
    assert not views[0].is_contiguous()
    plain = output_and_gradients(lambda *all: selective_scan(*all, scan=way), leaves)
    for found, expected in zip(
        output_and_gradients(lambda *all: selective_scan(*all, scan=way), views), plain, strict=True
    ):
        torch.testing.assert_close(found, expected, atol=0, rtol=0)


@pytest.mark.parametrize("way", WAYS)
def test_half_precision_is_computed_in_float32(way):
    leaves = arguments(2, 12, 64, 16)
    half = [leaf.detach().bfloat16().requires_grad_() for leaf in leaves]
    rounded = [leaf.detach().float() for leaf in half]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = selective_scan(half[0], half[1], rounded[2], *half[3:], scan=way)
        exact = selective_scan(*rounded, scan=way)
        y.float().sum().backward()  # also the backward pass must not be cast
    assert exact.dtype == torch.float32
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, exact.bfloat16(), atol=0, rtol=0)
    reference = [leaf.clone().requires_grad_() for leaf in rounded]
    selective_scan(*reference, scan=way).backward(torch.ones_like(exact))
    torch.testing.assert_close(half[0].grad, reference[0].grad.bfloat16(), atol=0, rtol=0)


@pytest.mark.parametrize("way", WAYS)
def test_a_diverged_network_is_not_hidden(way):
    leaves = arguments(2, 6, 5, 3)
    with torch.no_grad():
        leaves[0][1, 2, 3] = float("nan")
    y, du, *_ = output_and_gradients(lambda *all: selective_scan(*all, scan=way), leaves)
    assert y[1, 2:, 3].isnan().all()
    assert y[0].isfinite().all()
    assert du[0].isfinite().all()


@pytest.fixture
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads")
def test_compiled_loops_do_not_depend_on_the_number_of_threads():
    results = []
    for threads in (1, 2, 3, 8):
        torch.set_num_threads(threads)
        leaves = arguments(5, 7, 70, 5)
        results.append(output_and_gradients(lambda *all: selective_scan(*all, scan="numba"), leaves))
    for other in results[1:]:
        assert all(torch.equal(value, first) for value, first in zip(other, results[0], strict=True))


@pytest.mark.usefixtures("_threads")
def test_compiled_loops_survive_a_fork():
    torch.set_num_threads(2)
    leaves = [leaf.detach() for leaf in arguments(4, 6, 8, 3)]
    expected = selective_scan(*leaves, scan="numba")
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=lambda: answers.put(_scan_of_arrays([leaf.numpy() for leaf in leaves])))
    child.start()
    found = answers.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    np.testing.assert_array_equal(found, expected.numpy())


def _scan_of_arrays(arrays):
    return selective_scan(*(torch.from_numpy(array) for array in arrays), scan="numba").numpy()


@pytest.fixture
def chosen(monkeypatch):
    """Names of the ways that get called, in order."""
    names = []
    find = scan_module._function
    monkeypatch.setattr(scan_module, "_function", lambda name: names.append(name) or find(name))
    monkeypatch.delenv(scan_module.VARIABLE, raising=False)
    scan_module._log_once.cache_clear()
    return names


def test_auto_uses_the_fastest_available_scan_and_logs_it_once(chosen, caplog):
    with caplog.at_level(logging.INFO, logger=scan_module.__name__):
        selective_scan(*arguments(1, 2, 3, 2))
        selective_scan(*arguments(1, 2, 3, 2))
        selective_scan(*arguments(1, 2, 3, 2, dtype=torch.float64))
    assert chosen == ["numba", "numba", "torch"]
    first, second = caplog.messages
    assert first == "selective scan: numba on cpu"
    assert second.startswith("selective scan: torch on cpu (")
    assert "float64 on cpu" in second


def test_auto_does_without_numba(chosen, caplog, monkeypatch):
    for name in ("scan_numba", "scan_loops"):
        monkeypatch.delitem(sys.modules, f"memodule.networks.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)  # makes `import numba` fail
    scan_module._numba_problem.cache_clear()
    try:
        with caplog.at_level(logging.INFO, logger=scan_module.__name__):
            selective_scan(*arguments(1, 2, 3, 2))
        with pytest.raises(UserError, match=r"'numba' .*memodule\[fast\]"):
            selective_scan(*arguments(1, 2, 3, 2), scan="numba")
    finally:
        scan_module._numba_problem.cache_clear()
    assert chosen == ["torch"]
    assert "memodule[fast]" in caplog.text


def test_the_environment_comes_before_the_argument(chosen, monkeypatch):
    monkeypatch.setenv(scan_module.VARIABLE, "torch")
    selective_scan(*arguments(1, 2, 3, 2), scan="numba")
    assert chosen == ["torch"]
    monkeypatch.setenv(scan_module.VARIABLE, "auto")
    selective_scan(*arguments(1, 2, 3, 2), scan="torch")
    assert chosen[1:] == ["numba"]


@pytest.mark.parametrize(
    ("way", "dtype", "message"),
    [
        ("fast", torch.float32, "'fast' .*auto, torch, numba, cuda"),
        ("cuda", torch.float32, "float32 on cuda, .* float32 on cpu"),
        ("numba", torch.float64, "float32 on cpu, .* float64 on cpu"),
    ],
)
def test_what_cannot_be_forced_is_said(chosen, way, dtype, message):
    with pytest.raises(UserError, match=message):
        selective_scan(*arguments(1, 2, 3, 2, dtype=dtype), scan=way)
    assert not chosen


def test_mamba_ssm_gets_its_own_layout(monkeypatch):
    def operator(u, delta, A, B, C):
        """What mamba-ssm documents: u, delta (batch, D, L), A (D, N), B, C (batch, N, L)."""
        assert (u.shape, delta.shape) == ((2, 5, 7), (2, 5, 7))
        assert A.shape == (5, 3)
        assert (B.shape, C.shape) == ((2, 3, 7), (2, 3, 7))
        assert all(tensor.is_contiguous() for tensor in (u, delta, A, B, C))
        swapped = [tensor.transpose(1, 2) for tensor in (u, delta, B, C)]
        return by_definition(swapped[0], swapped[1], A, swapped[2], swapped[3]).transpose(1, 2)

    monkeypatch.setattr(cuda_module, "_operator", lambda: operator)
    leaves = arguments(2, 7, 5, 3)[:5]
    assert_close(output_and_gradients(cuda_module.scan_cuda, leaves), output_and_gradients(scan_torch, leaves))


def test_mamba_ssm_without_a_working_extension_is_not_used(monkeypatch):
    device = torch.device("cpu")
    caches = (cuda_module.cuda_problem, cuda_module._operator)
    for cache in caches:
        cache.cache_clear()
    assert "selective_scan_cuda" in cuda_module.cuda_problem(device)

    def broken(*tensors):
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nmore")

    interface = types.ModuleType("selective_scan_interface")
    interface.selective_scan_fn = broken
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", types.ModuleType("selective_scan_cuda"))
    monkeypatch.setitem(sys.modules, "mamba_ssm.ops.selective_scan_interface", interface)
    for package in ("mamba_ssm", "mamba_ssm.ops"):
        monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
    for cache in caches:
        cache.cache_clear()
    assert cuda_module.cuda_problem(device) == "CUDA error: no kernel image is available for execution on the device"
    for cache in caches:
        cache.cache_clear()
