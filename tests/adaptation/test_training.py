"""Continued training keeps the weights that recognise the injections held back best, also the original ones."""

import numpy as np
import torch
from torch import Tensor, nn

from memodule.adaptation.training import Labelled, Schedule, continue_training
from memodule.losses import SpotRecognizeLoss

SCHEDULE = Schedule(steps=30, batch_size=8, learning_rate=0.05, every=10)


class Linear(nn.Module):
    """The smallest network: each frame by itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.spot, self.classes = nn.Linear(36, 1), nn.Linear(36, 5)

    def forward(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        frames = flow.transpose(1, 2)
        return torch.sigmoid(self.spot(frames))[..., 0], self.classes(frames)


def windows(count: int, rng: np.random.Generator, size: float = 3.0) -> Labelled:
    """Noise with a bump of `size` in one channel where the label is 1."""
    spot = (np.arange(10) >= rng.integers(2, 8, (count, 1))).astype(np.float32)
    flow = rng.normal(size=(count, 36, 10)).astype(np.float32)
    flow[:, 7] += size * spot
    return Labelled(torch.from_numpy(flow), torch.from_numpy(spot), torch.from_numpy(np.where(spot > 0, 0, 4)))


def test_injections_held_back_are_recognised_better_and_again_the_same() -> None:
    network, held = Linear(), windows(40, np.random.default_rng(1))
    steps = []
    first = continue_training(
        network, SpotRecognizeLoss(), windows, held, SCHEDULE, lambda done, total: steps.append((done, total))
    )
    assert first.after > max(0.9, first.before + 0.2)
    assert first.best in first.looks
    assert list(first.looks) == [0, 10, 20, 30]
    assert steps[-1] == (30, 30)
    again = continue_training(network, SpotRecognizeLoss(), windows, held, SCHEDULE)
    assert again.looks == first.looks
    assert all(torch.equal(a, b) for a, b in zip(first.network.parameters(), again.network.parameters(), strict=True))


def test_the_original_weights_stay_where_nothing_is_better() -> None:
    network = Linear()
    with torch.no_grad():  # it already reads the right channel
        network.spot.weight.zero_()
        network.spot.weight[0, 7] = 50
    held = windows(40, np.random.default_rng(1), size=30.0)
    before = [parameter.clone() for parameter in network.parameters()]

    def misleading(count: int, rng: np.random.Generator) -> Labelled:
        right = windows(count, rng)
        return Labelled(right.flow, 1 - right.spot, right.emotion)

    adapted = continue_training(network, SpotRecognizeLoss(), misleading, held, SCHEDULE)
    assert (adapted.best, adapted.after) == (0, adapted.before)
    for kept in (network, adapted.network):
        assert all(torch.equal(a, b) for a, b in zip(before, kept.parameters(), strict=True))


def test_training_ends_when_it_no_longer_helps() -> None:
    held = windows(40, np.random.default_rng(1))
    schedule = Schedule(steps=400, batch_size=8, learning_rate=0.05, every=2, patience=3)
    looks = continue_training(Linear(), SpotRecognizeLoss(), windows, held, schedule).looks
    assert max(looks) < 400


def test_the_random_numbers_of_others_are_left_alone() -> None:
    network, held = Linear(), windows(4, np.random.default_rng(1))
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    continue_training(network, SpotRecognizeLoss(), windows, held, SCHEDULE)
    assert torch.rand(1) == expected
