"""What the networks promise beyond parity: shapes, lengths, independence, training behaviour, configuration."""

import math
import shutil

import pytest
import torch
from torch import nn

from memodule.errors import UserError
from memodule.losses import SpotRecognizeLoss
from memodule.networks import METST, SlowFastMamba
from memodule.networks.frame_linear import FrameLinear
from memodule.networks.mamba import DropPath, Mamba, MambaBlock, published_drop_path
from memodule.networks.metst import METST_CHANNELS

SMALL = {"fast_width": 16, "slow_width": 32, "depth": 2, "groups": 2, "state": 4}
BUILDERS = pytest.mark.parametrize(
    "build",
    [
        lambda **more: SlowFastMamba(**{**SMALL, **more}),
        lambda **more: METST(**{"width": 16, "depth": 3, "state": 4, **more}),
    ],
    ids=["slowfast", "metst"],
)


def flow_for(network, batch=3, length=12, seed=0):
    return torch.randn(batch, network.channels, length, generator=torch.Generator().manual_seed(seed))


def live_parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_defaults_are_the_published_sizes():
    assert live_parameters(SlowFastMamba()) == 8_359_686  # 8,368,902 with the dead ones
    assert live_parameters(METST()) == 630_918  # 1,249,926 with the dead ones


def test_published_drop_path():
    assert published_drop_path(0.2, 4) == pytest.approx([0, 0, 0.2 / 3, 0.4 / 3])
    assert published_drop_path(0.2, 12) == pytest.approx([0] + [0.2 * i / 11 for i in range(11)])
    assert published_drop_path(0.2, 1) == [0]
    drops = [layer.probability for layer in SlowFastMamba().modules() if isinstance(layer, DropPath)]
    assert drops == pytest.approx(6 * [0, 0, 0.2 / 3, 0.4 / 3])
    drops = [layer.probability for layer in METST().modules() if isinstance(layer, DropPath)]
    assert drops == pytest.approx([0, 0, *(0.2 * i / 11 for i in range(1, 11))])


@BUILDERS
def test_hparams_rebuild_the_network(build):
    network = build(drop_path=0.1, initialisation="mamba", scan="torch", expand=3)
    assert all(type(value) in (int, float, str) for value in network.hparams.values())
    again = type(network)(**network.hparams)
    again.load_state_dict(network.state_dict())
    assert again.hparams == network.hparams
    flow = flow_for(network)
    for found, expected in zip(again.eval()(flow), network.eval()(flow), strict=True):
        torch.testing.assert_close(found, expected, atol=0, rtol=0)


@BUILDERS
@pytest.mark.parametrize("length", [1, 2, 3, 29, 30, 51])
def test_every_length_and_both_input_shapes(build, length):
    torch.manual_seed(0)
    network = build().eval()
    flow = flow_for(network, length=length)
    spot, logits = network(flow)
    assert (spot.shape, logits.shape) == ((3, length), (3, length, 5))
    assert ((spot > 0) & (spot < 1)).all()
    for found, expected in zip(network(flow.unsqueeze(1)), (spot, logits), strict=True):
        torch.testing.assert_close(found, expected, atol=0, rtol=0)


@BUILDERS
@torch.no_grad()
def test_samples_do_not_see_each_other_in_evaluation(build):
    network = build().eval()
    flow = flow_for(network, batch=4)
    for found, parts in zip(network(flow), zip(*(network(one[None]) for one in flow), strict=True), strict=True):
        torch.testing.assert_close(found, torch.cat(parts), atol=2e-6, rtol=1e-5)


@BUILDERS
@pytest.mark.parametrize("length", [15, 16])
@torch.no_grad()
def test_frames_far_ahead_change_nothing_whether_the_length_is_odd_or_even(build, length):
    network = build().eval()
    flow = flow_for(network, length=20)
    seen = 10  # the convolutions look a few frames ahead, the Mamba layers not at all
    for short, long in zip(network(flow[..., :length]), network(flow), strict=True):
        torch.testing.assert_close(short[:, : length - seen + 1], long[:, : length - seen + 1], atol=2e-6, rtol=1e-5)
        assert not torch.allclose(short[:, -1], long[:, length - 1], atol=2e-6)


@torch.no_grad()
def test_a_mamba_layer_sees_the_past_only():
    torch.manual_seed(0)
    layer = Mamba(8, state=4)
    x = torch.randn(1, 9, 8)
    changed = x.clone()
    changed[:, 5] += 1
    difference = (layer(changed) - layer(x)).abs().amax((0, 2))
    assert (difference[:5] == 0).all()
    assert (difference[5:] > 0).all()


@torch.no_grad()
def test_metst_picks_its_channels_from_all_36():
    network = METST(width=16, depth=2, state=4).eval()
    flow = flow_for(SlowFastMamba(**SMALL))
    for shape in (flow, flow.unsqueeze(1)):
        for found, expected in zip(network(shape), network(flow[:, list(METST_CHANNELS)]), strict=True):
            torch.testing.assert_close(found, expected, atol=0, rtol=0)
    regions = [channel // 2 for channel in METST_CHANNELS[::2]]
    assert regions == [0, 4, 8, 14, 15]


def test_drop_path_drops_whole_samples_and_keeps_the_mean():
    torch.manual_seed(0)
    layer, x = DropPath(0.25), torch.ones(4000, 3, 2)
    dropped = layer(x)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 1 / 0.75])
    assert (dropped == dropped[:, :1, :1]).all()
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert layer.eval()(x) is x
    block = MambaBlock(8, drop_path=0.5, state=4)
    x = torch.randn(64, 5, 8)
    untouched = (block(x) == x).flatten(1).all(1).float().mean().item()
    assert untouched == pytest.approx(0.5, abs=0.2)
    assert not (block.eval()(x) == x).flatten(1).all(1).any()


@pytest.mark.parametrize(
    ("drop_path", "training", "runs"), [(0.2, True, 2), (0.2, False, 1), (0.0, True, 1)], ids=["drops", "eval", "none"]
)
def test_metst_draws_the_masks_of_both_heads_apart(drop_path, training, runs):
    network = METST(width=16, depth=4, state=4, drop_path=drop_path).train(training)
    calls = []
    network.blocks.register_forward_hook(lambda *call: calls.append(call))
    network(flow_for(network))
    assert len(calls) == runs


def test_published_initialisation():
    torch.manual_seed(0)
    network = SlowFastMamba()
    layers = [layer for layer in network.modules() if isinstance(layer, Mamba)]
    assert len(layers) == 24
    for layer in layers:
        inner, state = layer.A_log.shape
        assert (layer.dt_proj.bias == 0).all()
        assert (layer.D == 1).all()
        torch.testing.assert_close(layer.A_log.exp(), torch.arange(1.0, state + 1).expand(inner, state))
        assert layer.dt_proj.weight.std().item() == pytest.approx(0.02, rel=0.06)
        assert layer.in_proj.weight.std().item() == pytest.approx(0.02, rel=0.02)
        bound = 0.5 / math.sqrt(inner)
        assert layer.out_proj.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
        assert layer.out_proj.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert layers[0].out_proj.weight.std().item() == pytest.approx(0.01276, rel=0.02)  # measured on the published net
    assert network.recognition_head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert (network.spot_head.bias == 0).all()
    assert network.stem[0].weight.abs().max().item() == pytest.approx(1 / math.sqrt(3 * 36), rel=0.01)


@pytest.mark.parametrize(("build", "measured"), [(SlowFastMamba, 4e-5), (METST, 1.2e-5)])
@torch.no_grad()
def test_published_initialisation_gives_the_measured_variance_before_the_post_norm(build, measured):
    torch.manual_seed(0)
    network = build()
    variances = []
    for block in network.modules():
        if isinstance(block, MambaBlock):
            block.mixer.register_forward_hook(lambda layer, x, y: variances.append(y.var(-1).mean().item()))
    network.eval()(flow_for(network, length=30))
    assert sum(variances) / len(variances) == pytest.approx(measured, rel=0.5)


def test_mamba_initialisation():
    torch.manual_seed(0)
    network = SlowFastMamba(initialisation="mamba")
    layers = [layer for layer in network.modules() if isinstance(layer, Mamba)]
    steps = torch.cat([nn.functional.softplus(layer.dt_proj.bias) for layer in layers])
    assert 0.9e-3 < steps.min() < 1.1e-3
    assert 0.09 < steps.max() < 0.11
    assert steps.log().mean().item() == pytest.approx(math.log(0.01), abs=0.05)  # log-uniform
    for layer in layers:
        assert layer.out_proj.weight.abs().max().item() == pytest.approx(
            1 / math.sqrt(12 * layer.out_proj.in_features), rel=0.01
        )
        assert layer.dt_proj.weight.abs().max().item() == pytest.approx(layer.dt_proj.in_features**-0.5, rel=0.01)
        assert layer.in_proj.weight.std().item() != pytest.approx(0.02, rel=0.1)


@BUILDERS
def test_the_seed_decides_the_weights(build):
    networks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(build().state_dict())
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
    assert not torch.equal(networks[0]["spot_head.weight"], networks[2]["spot_head.weight"])


def learn(network, steps=40, autocast=False):
    """Teach the network to find and name a bump in one of two channels; first and last loss."""
    torch.manual_seed(0)
    loss = SpotRecognizeLoss()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    history = []
    for _ in range(steps):
        emotion = torch.randint(0, 2, (16, 1))
        onset = torch.randint(2, 8, (16, 1))
        inside = (torch.arange(14) >= onset) & (torch.arange(14) < onset + 5)
        flow = 0.1 * torch.randn(16, network.channels, 14)
        flow[torch.arange(16), emotion.squeeze(1)] += inside.float()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            spot, logits = network(flow)
            losses = loss(spot, logits, inside.float(), torch.where(inside, emotion, 4))
        optimiser.zero_grad()
        losses["loss"].backward()
        optimiser.step()
        history.append(losses["loss"].item())
    return history[0], history[-1]


@pytest.mark.parametrize(("initialisation", "autocast"), [("published", False), ("published", True), ("mamba", False)])
@BUILDERS
def test_training_learns(build, initialisation, autocast):
    torch.manual_seed(0)
    network = build(initialisation=initialisation, depth=1)
    first, last = learn(network, autocast=autocast)
    assert last < 0.4 * first
    assert all(parameter.dtype == parameter.grad.dtype == torch.float32 for parameter in network.parameters())
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@BUILDERS
@torch.no_grad()
def test_bf16_is_close_to_float32(build):
    torch.manual_seed(0)
    network = build().eval()
    flow = flow_for(network)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        spot, logits = network(flow)
    exact_spot, exact_logits = network(flow)
    assert logits.dtype == torch.bfloat16
    torch.testing.assert_close(spot.float(), exact_spot, atol=0.02, rtol=0)
    torch.testing.assert_close(logits.float(), exact_logits, atol=0.02, rtol=0.05)


def assert_equals_compiled(network, **options):
    """Outputs and gradients of the network and of what torch.compile makes of it."""
    flow = flow_for(network)
    results = []
    for run in (network, torch.compile(network, **options)):
        network.zero_grad()
        spot, logits = run(flow)
        (spot.sum() + logits.square().sum()).backward()
        results.append([spot, logits, *(parameter.grad.clone() for parameter in network.parameters())])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@BUILDERS
def test_compiled_network_equals_the_plain_one(build):
    torch.manual_seed(0)
    assert_equals_compiled(build(depth=1).eval(), backend="aot_eager")  # the graphs, without a C++ compiler


@BUILDERS
def test_nothing_but_the_scan_stays_outside_of_the_graphs(build):
    torch._dynamo.reset()
    network = build().eval()
    breaks = torch._dynamo.explain(network)(flow_for(network)).break_reasons
    assert breaks
    assert all(any("selective_scan(" in str(frame.line) for frame in found.user_stack) for found in breaks)


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler")
def test_inductor_compiles_the_network():
    """PyTorch's default: two streams of two lengths make it compile for lengths that it does not know."""
    torch.manual_seed(0)
    assert_equals_compiled(SlowFastMamba(fast_width=8, slow_width=16, depth=1, groups=1, state=4).eval())


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (SlowFastMamba, {"fast_width": 0}, "SlowFastMamba: fast_width is 0"),
        (SlowFastMamba, {"groups": 2.0}, "SlowFastMamba: groups is 2.0"),
        (METST, {"depth": True}, "METST: depth is True"),
        (METST, {"drop_path": 1}, "METST: drop_path is 1"),
        (METST, {"width": 8, "initialisation": "kaiming"}, "'kaiming'; .*'published' or 'mamba'"),
        (METST, {"width": 8, "scan": "gpu"}, "scan is 'gpu'; .*auto, torch, numba, cuda"),
    ],
)
def test_impossible_arguments_are_refused(build, arguments, message):
    with pytest.raises(UserError, match=message):
        build(**arguments)


@pytest.mark.parametrize("shape", [(2, 10, 12), (2, 2, 36, 12), (36, 12), (2, 36, 0), (2, 12, 36)])
def test_input_of_another_shape_is_refused(shape):
    network = SlowFastMamba(**SMALL).eval()
    with pytest.raises(UserError, match=r"\(B, 36, T\) or \(B, 1, 36, T\)"):
        network(torch.zeros(shape))


@pytest.mark.parametrize("batch", [2, 16])  # on one thread PyTorch convolves small batches with other code
def test_frame_linear_is_linear_in_output_and_gradients(batch):
    layer, reference = FrameLinear(8, 24), nn.Linear(8, 24)
    reference.load_state_dict(layer.state_dict())
    wide = torch.randn(batch, 5, 12, generator=torch.Generator().manual_seed(0))
    results = []
    for linear in (layer, reference):
        x = wide.clone().requires_grad_()
        out = linear(x[..., :8])  # a part of wider rows, as Mamba hands in its step sizes
        out.square().sum().backward()
        results.append((out.detach(), x.grad, linear.weight.grad, linear.bias.grad))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_frame_linear_convolves_on_cpu_only_where_onednn_can(monkeypatch):
    called = []
    convolve = nn.functional.conv2d
    monkeypatch.setattr(nn.functional, "conv2d", lambda *words: called.append(1) or convolve(*words))
    layer = FrameLinear(4, 3)
    layer(torch.ones(2, 5, 4))
    assert len(called) == torch.backends.mkldnn.is_available()
    layer.double()(torch.ones(2, 5, 4, dtype=torch.float64))
    assert len(called) == torch.backends.mkldnn.is_available()
