"""The compiled loops before the scan agree with the plain layer, and are taken where they can be."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from memodule.networks import branches_numba as module
from memodule.networks.branches_numba import branches_numba
from memodule.networks.mamba import Mamba


def by_definition(projected, weight, bias):
    """The convolution as `nn.Conv1d` pads and cuts it in mamba-ssm."""
    first, second = projected.chunk(2, dim=-1)
    padding = weight.shape[2] - 1
    convolved = nn.functional.conv1d(first.transpose(1, 2), weight, bias, padding=padding, groups=len(bias))
    return nn.functional.silu(convolved[..., : first.shape[1]].transpose(1, 2)), nn.functional.silu(second)


def output_and_gradients(function, leaves, seed):
    outputs = function(*leaves)
    random = torch.Generator().manual_seed(seed)
    weights = [torch.randn(y.shape, generator=random, dtype=torch.float64).to(y.dtype) for y in outputs]
    return [*outputs, *torch.autograd.grad(outputs, leaves, weights)]


@settings(max_examples=40)
@given(
    batch=st.integers(1, 3),
    length=st.integers(1, 7),
    channels=st.sampled_from([1, 3, 16, 65]),
    kernel=st.integers(1, 5),
    size=st.sampled_from([0.01, 1.0, 300.0]),
    seed=st.integers(0, 99),
)
def test_agrees_with_the_definition(batch, length, channels, kernel, size, seed):
    torch.manual_seed(seed)
    projected = (size * torch.randn(batch, length, 2 * channels)).requires_grad_()
    leaves = [
        projected,
        torch.randn(channels, 1, kernel, requires_grad=True),
        torch.randn(channels, requires_grad=True),
    ]
    exact = output_and_gradients(by_definition, [leaf.detach().double().requires_grad_() for leaf in leaves], seed)
    for found, expected in zip(output_and_gradients(branches_numba, leaves, seed), exact, strict=True):
        assert found.shape == expected.shape
        # where large numbers cancel, silu' is off by what their size says, and multiplies inputs of that size
        limit = 3e-6 * max(1.0, expected.abs().max().item()) + 3e-7 * size**2 * (size > 1)
        assert (found - expected).abs().max() <= limit


def test_arguments_need_not_be_contiguous():
    leaves = [torch.randn(3, 5, 8), torch.randn(4, 1, 4), torch.randn(4)]
    views = [leaf.transpose(0, -1).contiguous().transpose(0, -1) for leaf in leaves]
    assert not views[0].is_contiguous()
    for leaf in leaves + views:
        leaf.requires_grad_()
    for found, expected in zip(
        output_and_gradients(branches_numba, views, 0), output_and_gradients(branches_numba, leaves, 0), strict=True
    ):
        torch.testing.assert_close(found, expected, atol=0, rtol=0)


def test_results_do_not_depend_on_the_number_of_threads():
    leaves = [torch.randn(5, 6, 20), torch.randn(10, 1, 4), torch.randn(10)]
    for leaf in leaves:
        leaf.requires_grad_()
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 8):
            torch.set_num_threads(threads)
            results.append(output_and_gradients(branches_numba, leaves, 0))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(value, first) for value, first in zip(other, results[0], strict=True))


def test_a_diverged_network_is_not_hidden():
    projected = torch.zeros(2, 6, 8)
    projected[1, 2, 3] = projected[1, 4, 6] = float("nan")  # a channel of the convolution, one of the gate
    u, gate = branches_numba(projected, torch.ones(4, 1, 4), torch.zeros(4))
    assert u[1, 2:, 3].isnan().all()
    assert gate[1, 4, 2].isnan()
    assert u[0].isfinite().all()
    assert gate.isnan().sum() == 1


@pytest.mark.parametrize(
    ("scan", "forced", "dtype", "taken"),
    [
        ("auto", "", torch.float32, True),
        ("numba", "", torch.float32, True),
        ("torch", "", torch.float32, False),
        ("auto", "torch", torch.float32, False),
        ("torch", "numba", torch.float32, True),
        ("auto", "", torch.float64, False),
    ],
)
def test_the_layer_takes_them_as_it_takes_the_scan(monkeypatch, scan, forced, dtype, taken):
    called = []
    monkeypatch.setattr(module, "branches_numba", lambda *words: called.append(1) or branches_numba(*words))
    monkeypatch.setenv("MEMODULE_SCAN", forced)
    torch.manual_seed(0)
    layer, plain = Mamba(8, state=4, scan=scan).to(dtype), Mamba(8, state=4, scan="torch").double()
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(2, 6, 8, dtype=dtype)
    y = layer(x)
    monkeypatch.setenv("MEMODULE_SCAN", "torch")
    torch.testing.assert_close(y.double(), plain(x.double()), atol=1e-6, rtol=1e-5)
    assert bool(called) == taken
