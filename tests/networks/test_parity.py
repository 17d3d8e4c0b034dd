"""Our networks give the numbers of the published ones."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from memodule.losses import SpotRecognizeLoss
from memodule.networks import METST, SlowFastMamba, load_published_weights
from memodule.networks.published_weights import published_name

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
from network_weights import golden, published_state_dict

CASES = [("slowfast", "slowfast_T30", SlowFastMamba), ("metst", "metst_T30", METST)]


def run(case, dtype=torch.float32):
    """The golden arrays, the network, and its outputs and losses on the golden input, with gradients computed."""
    keys, name, build = case
    expected = golden(name)
    network = build().eval()
    load_published_weights(network, published_state_dict(keys))
    loss = SpotRecognizeLoss(class_weights=expected["class_weights"].tolist())
    network.to(dtype)
    spot, logits = network(torch.from_numpy(expected["x"]).to(dtype))
    target = torch.from_numpy(expected["y"]).to(dtype)
    losses = loss(spot, logits, target, torch.from_numpy(expected["y1"]).argmax(-1))
    losses["loss"].backward()
    return expected, network, spot.detach().numpy(), logits.detach().numpy(), losses


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1])
def test_outputs_losses_and_gradients(case):
    expected, network, spot, logits, losses = run(case)
    np.testing.assert_allclose(spot, expected["spot"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(logits, expected["recog"], atol=5e-5, rtol=0)
    for name in ("loss", "loss_spot", "loss_recog"):
        assert losses[name].item() == pytest.approx(expected[name].item(), rel=1e-5)
    norms = {published_name(name): parameter.grad.norm().item() for name, parameter in network.named_parameters()}
    assert norms == pytest.approx(dict(zip(expected["grad_names"], expected["grad_norms"], strict=True)), rel=1e-4)
