"""The joint loss against its formula, PyTorch's two cross-entropies and the published numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from memodule.errors import UserError
from memodule.losses import SpotRecognizeLoss

GOLDEN = Path(__file__).parent / "golden" / "network"
WEIGHTS = [0.6, 1.8, 2.5, 0.9, 6.0]


def batch(seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    spot = torch.rand(3, 7, generator=generator).to(dtype)
    logits = torch.randn(3, 7, 5, generator=generator).to(dtype)
    target = torch.rand(3, 7, generator=generator).to(dtype)
    return spot, logits, target, torch.randint(0, 5, (3, 7), generator=generator)


@pytest.mark.parametrize("name", ["slowfast_T30", "metst_T30"])
def test_published_outputs_give_the_published_losses(name):
    with np.load(GOLDEN / f"golden_{name}.npz") as golden:
        spot, logits, target, one_hot = (torch.from_numpy(golden[key]) for key in ("spot", "recog", "y", "y1"))
        expected = {key: golden[key].item() for key in ("loss", "loss_spot", "loss_recog")}
    loss = SpotRecognizeLoss(class_weights=WEIGHTS)(spot, logits, target, one_hot.argmax(-1))
    assert {key: value.item() for key, value in loss.items()} == pytest.approx(expected, rel=1e-5)


def test_dividing_by_weights_gives_another_number():
    with np.load(GOLDEN / "golden_slowfast_T30.npz") as golden:
        spot, logits, target, one_hot = (torch.from_numpy(golden[key]) for key in ("spot", "recog", "y", "y1"))
    loss = SpotRecognizeLoss(class_weights=WEIGHTS, normalisation="weights")
    assert loss(spot, logits, target, one_hot.argmax(-1))["loss_recog"].item() == pytest.approx(2.30639, abs=1e-5)


def test_both_normalisations_are_those_of_pytorch():
    spot, logits, target, emotion = batch()
    weights = torch.tensor(WEIGHTS)
    soft = nn.functional.one_hot(emotion.flatten(), 5).float()
    expected = {
        "frames": nn.functional.cross_entropy(logits.flatten(0, 1), soft, weight=weights),
        "weights": nn.functional.cross_entropy(logits.flatten(0, 1), emotion.flatten(), weight=weights),
    }
    for normalisation, value in expected.items():
        loss = SpotRecognizeLoss(class_weights=WEIGHTS, normalisation=normalisation)
        torch.testing.assert_close(loss(spot, logits, target, emotion)["loss_recog"], value)


@pytest.mark.parametrize("normalisation", ["frames", "weights"])
def test_frames_of_weightless_classes_alone_teach_no_class_and_break_nothing(normalisation):
    """A batch without any expression, where neutral has weight 0 (`data.neutral_factor` 0)."""
    spot, logits, target, emotion = batch()
    logits.requires_grad_()
    loss = SpotRecognizeLoss(class_weights=[1, 1, 1, 1, 0], normalisation=normalisation)
    parts = loss(spot, logits, target, torch.full_like(emotion, 4))
    parts["loss"].backward()
    assert parts["loss_recog"].item() == 0
    assert parts["loss"].item() == pytest.approx(0.9 * parts["loss_spot"].item())
    assert (logits.grad == 0).all()


def test_the_sum_is_weighted_and_the_parts_are_not():
    inputs = batch()
    parts = SpotRecognizeLoss(spot_weight=2, recog_weight=0.5)(*inputs)
    torch.testing.assert_close(parts["loss_spot"], nn.functional.mse_loss(inputs[0], inputs[2]))
    torch.testing.assert_close(parts["loss"], 2 * parts["loss_spot"] + 0.5 * parts["loss_recog"])


@pytest.mark.parametrize(("weights", "taught"), [((1, 0), "spot"), ((0, 1), "logits")])
def test_a_weight_of_zero_leaves_one_task_alone(weights, taught):
    spot, logits, target, emotion = batch()
    spot.requires_grad_()
    logits.requires_grad_()
    SpotRecognizeLoss(*weights)(spot, logits, target, emotion)["loss"].backward()
    sizes = {"spot": spot.grad.abs().sum(), "logits": logits.grad.abs().sum()}
    assert sizes.pop(taught) > 0
    assert sizes.popitem()[1] == 0


def test_class_weights_can_change_and_travel_with_the_state():
    loss, again = SpotRecognizeLoss(), SpotRecognizeLoss()
    inputs = batch()
    before = loss(*inputs)["loss_recog"]
    loss.set_class_weights(np.array(WEIGHTS))
    assert loss(*inputs)["loss_recog"] != before
    again.load_state_dict(loss.state_dict())
    torch.testing.assert_close(again(*inputs)["loss_recog"], loss(*inputs)["loss_recog"])


def test_half_precision_is_computed_in_float32():
    half = batch(dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = SpotRecognizeLoss()(*half)
    expected = SpotRecognizeLoss()(*(tensor.float() for tensor in half[:3]), half[3])
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], atol=0, rtol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spot_weight": -1}, "spot_weight is -1"),
        ({"recog_weight": float("nan")}, "recog_weight is nan"),
        ({"normalisation": "batch"}, "normalisation is 'batch'; choose 'frames' or 'weights'"),
        ({"class_weights": [1, 2, 3]}, r"shape \(3,\).*5 classes"),
        ({"class_weights": [1, 2, 3, -1, 1]}, "finite numbers of at least 0"),
        ({"class_weights": [0, 0, 0, 0, 0]}, "not all 0"),
        ({"class_weights": [1, 1, 1, 1, float("inf")]}, "finite numbers"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        SpotRecognizeLoss(**arguments)
