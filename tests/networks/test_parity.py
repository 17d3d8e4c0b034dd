"""Our networks reproduce the published ones, and any changed part would show."""

import numpy as np
import pytest
import torch
from network_weights import golden, published_state_dict
from torch import nn

from memodule.losses import SpotRecognizeLoss
from memodule.networks import METST, SlowFastMamba, load_published_weights
from memodule.networks.mamba import Mamba, MambaBlock
from memodule.networks.published_weights import published_name

SLOWFAST = ("slowfast", "slowfast_T30", SlowFastMamba)
ME_TST = ("metst", "metst_T30", METST)
NETWORKS = pytest.mark.parametrize("case", [SLOWFAST, ME_TST], ids=["slowfast", "metst"])


def published(case, **arguments):
    """The golden arrays, and our network in evaluation mode with the golden weights."""
    keys, name, build = case
    network = build(**arguments).eval()
    load_published_weights(network, published_state_dict(keys))
    return golden(name), network


def losses_of(network, expected, dtype=torch.float32):
    """Outputs and losses on the golden input; the gradients are in the network."""
    network.to(dtype)
    loss = SpotRecognizeLoss(class_weights=expected["class_weights"].tolist())
    spot, logits = network(torch.from_numpy(expected["x"]).to(dtype))
    target = torch.from_numpy(expected["y"]).to(dtype)
    losses = loss(spot, logits, target, torch.from_numpy(expected["y1"]).argmax(-1))
    losses["loss"].backward()
    return spot.detach().numpy(), logits.detach().numpy(), losses


def gradient_norms(network):
    return {published_name(name): parameter.grad.norm().item() for name, parameter in network.named_parameters()}


@pytest.mark.parametrize("scan", ["torch", "numba"])
@NETWORKS
def test_outputs_losses_and_gradients(case, scan):
    expected, network = published(case, scan=scan)
    spot, logits, losses = losses_of(network, expected)
    np.testing.assert_allclose(spot, expected["spot"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(logits, expected["recog"], atol=5e-5, rtol=0)
    for name in ("loss", "loss_spot", "loss_recog"):
        assert losses[name].item() == pytest.approx(expected[name].item(), rel=1e-5)
    norms = dict(zip(expected["grad_names"].tolist(), expected["grad_norms"].tolist(), strict=True))
    assert gradient_norms(network) == pytest.approx(norms, rel=1e-4)
    gradients = {published_name(name): parameter.grad for name, parameter in network.named_parameters()}
    for name in [key.removeprefix("grad8/") for key in expected if key.startswith("grad8/")]:
        first = gradients[name].flatten()[:8].numpy()
        np.testing.assert_allclose(first, expected[f"grad8/{name}"], rtol=2e-3, atol=1e-4 * norms[name])


@pytest.mark.parametrize(("length", "batch"), [(20, 1), (21, 3), (44, 2), (51, 1)])
@NETWORKS
@torch.no_grad()
def test_other_lengths_and_batches_agree_where_they_share_frames(case, length, batch):
    """No golden has another length: but frames depend on those before them and at most nine after them."""
    expected, network = published(case)
    golden_x = torch.from_numpy(expected["x"])
    x = torch.randn(batch, *golden_x.shape[1:-1], length, generator=torch.Generator().manual_seed(0))
    shared = min(length, golden_x.shape[-1])
    x[-1, ..., :shared] = golden_x[-1, ..., :shared]
    spot, logits = network(x)
    assert spot.shape == (batch, length)
    np.testing.assert_allclose(spot[-1, : shared - 9], expected["spot"][-1, : shared - 9], atol=1e-5, rtol=0)
    np.testing.assert_allclose(logits[-1, : shared - 9], expected["recog"][-1, : shared - 9], atol=5e-5, rtol=0)


@NETWORKS
def test_double_precision(case):
    expected, network = published(case)
    spot, logits, losses = losses_of(network, expected, torch.float64)
    np.testing.assert_allclose(spot, expected["spot_f64"], atol=1e-12, rtol=0)
    np.testing.assert_allclose(logits, expected["recog_f64"], atol=1e-11, rtol=0)
    assert losses["loss"].item() == pytest.approx(
        expected["loss_f64"].item(), rel=1e-7
    )  # its class weights are float32
    norms = dict(zip(expected["grad_names"].tolist(), expected["grad_norms_f64"].tolist(), strict=True))
    assert gradient_norms(network) == pytest.approx(norms, rel=1e-6)


def change_layer_norms(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.eps = 1e-6


def change_batch_norms(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.eps = 1e-3


def swap_B_and_C(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, Mamba):
            dt, B, C = layer.x_proj.weight.data.split(layer.splits)
            layer.x_proj.weight.data = torch.cat([dt, C, B])


def leave_out_post_norm(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, MambaBlock):
            layer.post_norm = nn.Identity()


def leave_out_pre_norm(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, MambaBlock):
            layer.pre_norm = nn.Identity()


def leave_out_D(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, Mamba):
            nn.init.zeros_(layer.D)


def leave_out_one_step_bias(network, monkeypatch):
    nn.init.zeros_(next(layer for layer in network.modules() if isinstance(layer, Mamba)).dt_proj.bias)


def forget_the_learned_decay(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, Mamba):
            layer.A_log.data[:] = torch.arange(1.0, layer.A_log.shape[1] + 1).log()


def reverse_the_taps(network, monkeypatch):
    for layer in network.modules():
        if isinstance(layer, Mamba):
            layer.conv1d.weight.data = layer.conv1d.weight.data.flip(-1)


def upsample_linearly(network, monkeypatch):
    def linear(slow, times, dim):
        return nn.functional.interpolate(slow.transpose(1, 2), scale_factor=times, mode="linear").transpose(1, 2)

    monkeypatch.setattr(torch.Tensor, "repeat_interleave", linear)


def swap_streams(network, monkeypatch):
    for head in (network.spot_head, network.recognition_head):
        slow, fast = head.weight.data.split([256, 128], dim=1)
        head.weight.data = torch.cat([fast, slow], dim=1)


BOTH = [
    change_layer_norms,
    change_batch_norms,
    swap_B_and_C,
    leave_out_post_norm,
    leave_out_pre_norm,
    leave_out_D,
    leave_out_one_step_bias,
    forget_the_learned_decay,
    reverse_the_taps,
]
MUTATIONS = [(SLOWFAST, mutate) for mutate in [*BOTH, upsample_linearly, swap_streams]]
MUTATIONS += [(ME_TST, mutate) for mutate in BOTH]
NAMES = [f"{case[0]}-{mutate.__name__}" for case, mutate in MUTATIONS]


@pytest.mark.parametrize(("case", "mutate"), MUTATIONS, ids=NAMES)
def test_every_change_breaks_parity(case, mutate, monkeypatch):
    expected, network = published(case)
    mutate(network, monkeypatch)
    with torch.no_grad():
        spot, logits = network(torch.from_numpy(expected["x"]))
    assert np.abs(spot.numpy() - expected["spot"]).max() > 5e-5
    assert np.abs(logits.numpy() - expected["recog"]).max() > 2.5e-4
