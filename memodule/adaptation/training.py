"""Continued training on a recording's own motion, which stops where injections held back are recognised best."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from memodule.losses import SpotRecognizeLoss
from memodule.networks.scoring import score_in_passes
from memodule.synthetic.curve_statistics import roc_area

_PASS: Final = 256
"""Windows per forward pass of an examination."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long, and how fast, weights are adapted.

    Attributes:
        steps: Optimiser steps at most.
        batch_size: Windows per step.
        learning_rate: Of Adam, at first; it falls to zero along a half cosine.
        every: Steps from one look at the injections held back to the next.
        patience: Looks without a better one after which training ends.
        seed: Of everything random.
    """

    steps: int = 600
    batch_size: int = 32
    learning_rate: float = 1e-3
    every: int = 50
    patience: int = 6
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Windows with labels: flow (B, 36, k), spotting target (B, k), class of each frame (B, k)."""

    flow: Tensor
    spot: Tensor
    emotion: Tensor


Draw = Callable[[int, np.random.Generator], Labelled]
"""Draws so many training windows, with movements injected."""

Progress = Callable[[int, int], object]
"""Called with the number of steps done, and the largest number there will be."""


@dataclasses.dataclass(frozen=True, eq=False)
class Adapted:
    """What continued training came to.

    Attributes:
        network: With the best weights, in evaluation mode.
        looks: Step -> ROC area of samples inside injected movements that were held back; step 0 is before training.
        best: The step whose weights were kept; 0 if none were better than the original ones.
    """

    network: nn.Module
    looks: dict[int, float]
    best: int

    @property
    def before(self) -> float:
        """The area with the original weights."""
        return self.looks[0]

    @property
    def after(self) -> float:
        """The area with the weights that were kept."""
        return self.looks[self.best]


def continue_training(
    network: nn.Module,
    loss: SpotRecognizeLoss,
    draw: Draw,
    held_back: Labelled,
    schedule: Schedule,
    progress: Progress = lambda done, total: None,
) -> Adapted:
    """Adapt a copy of a network; the same arguments give the same weights.

    Args:
        loss: The joint loss of the network's own training.
        draw: Draws training windows.
        held_back: Windows, with injections, that share no frame with those that `draw` draws from.
    """
    rng = np.random.default_rng(schedule.seed)
    learning = copy.deepcopy(network)
    looks = {0: area(learning, held_back)}
    best, weights = 0, copy.deepcopy(learning.state_dict())
    optimizer = torch.optim.Adam(learning.parameters(), lr=schedule.learning_rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=schedule.steps)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(schedule.seed)
        for step in range(1, schedule.steps + 1):
            batch = draw(schedule.batch_size, rng)
            learning.train()
            optimizer.zero_grad()
            loss(*learning(batch.flow), batch.spot, batch.emotion)["loss"].backward()
            optimizer.step()
            decay.step()
            progress(step, schedule.steps)
            if step % schedule.every and step < schedule.steps:
                continue
            looks[step] = area(learning, held_back)
            if looks[step] > looks[best]:
                best, weights = step, copy.deepcopy(learning.state_dict())
            elif step - best >= schedule.patience * schedule.every:
                break
    learning.load_state_dict(weights)
    return Adapted(learning.eval(), looks, best)


def area(network: nn.Module, windows: Labelled) -> float:
    """ROC area of the scores of samples inside movements against all others; nan if there are none of either."""
    network.eval()
    with torch.inference_mode():
        spot, _ = score_in_passes(network, windows.flow, _PASS)
    return roc_area(spot.numpy().ravel(), windows.spot.numpy().ravel() > 0)
