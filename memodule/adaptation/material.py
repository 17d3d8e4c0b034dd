"""The windows of recordings as background for injected expressions."""

import dataclasses
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from memodule.adaptation.blocks import Mask, Starts, apart, hold_back
from memodule.adaptation.training import Adapted, Labelled, Progress, Schedule, continue_training
from memodule.emotions import NEUTRAL
from memodule.errors import UserError
from memodule.hardening import Hardening, harden
from memodule.hardening.labelled_windows import LabelledWindows
from memodule.losses import SpotRecognizeLoss

LEAST_S: Final = 8.0
"""Seconds of background below which nothing is adapted: a few windows would be learned by heart."""

AMPLE_S: Final = 60.0
"""Seconds of background from which on the recording's own motion has mostly shown itself."""

CHANGES: Final = Hardening(
    gain=0.2, noise=0.3, noise_memory=0.9, time_warp=0.15, mirror=0.5, injections=0.7, distractors=0.2
)
"""How windows are changed, mildly, since their motion is the very thing to learn: mirrored faces double it, and other
movements keep the network from calling everything an expression that moves."""

_HELD: Final = 512
"""Windows with injections that are held back; each real window takes part several times."""


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """Windows of recordings, taken to be free of expressions.

    Attributes:
        flow: (W, 36, k) float32 features.
        starts: (W,) sample at which each window starts; recordings follow one another with gaps of a window.
        rate: Samples per second.
    """

    flow: npt.NDArray[np.float32]
    starts: Starts
    rate: float

    @classmethod
    def of(cls, recordings: Sequence[tuple[npt.NDArray[np.float32], Starts]], rate: float) -> Self:
        """Put recordings, each with flow (w, 36, k) and starts (w,), one after another."""
        begins, starts = 0, []
        for flow, own in recordings:
            starts.append(own + begins)
            begins = int(starts[-1].max(initial=begins)) + 2 * flow.shape[2]
        return cls(np.concatenate([flow for flow, _ in recordings]), np.concatenate(starts), rate)

    @property
    def length(self) -> int:
        """Samples of a window."""
        return int(self.flow.shape[2])

    @property
    def with_face(self) -> Mask:
        """(W,) whether a face was found; the features of other windows are zero."""
        return np.asarray(self.flow.any(axis=(1, 2)))

    def seconds(self, windows: Mask) -> float:
        """How much of the recordings some windows (W,) cover."""
        starts = np.sort(self.starts[windows])
        covered = np.minimum(np.diff(starts), self.length).sum() + (self.length if len(starts) else 0)
        return float(covered) / self.rate

    def adapt(
        self,
        network: nn.Module,
        loss: SpotRecognizeLoss,
        schedule: Schedule,
        usable: Mask,
        progress: Progress = lambda done, total: None,
    ) -> Adapted:
        """Adapt a copy of a network to some of the windows; the same arguments give the same weights.

        Args:
            loss: That of the network's own training.
            usable: (W,) windows that may be learned from; those without a face are left out.

        Raises:
            UserError: If these windows cover less than `LEAST_S`.
        """
        usable = usable & self.with_face
        held = hold_back(self.starts, self.length, usable)
        learned = usable & apart(self.starts, self.length, held)
        if self.seconds(usable) < LEAST_S or not held.any() or not learned.any():
            raise UserError(
                f"{self.seconds(usable):.1f} s show a face to learn from; adapting takes at least {LEAST_S:g} s, "
                f"better {AMPLE_S:g} s and more"
            )
        windows = torch.from_numpy(self.flow)
        chosen = np.flatnonzero(learned)

        def draw(count: int, rng: np.random.Generator) -> Labelled:
            return self._injected(windows[rng.choice(chosen, count)])

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(schedule.seed)
            back = np.resize(np.flatnonzero(held), max(_HELD, int(held.sum())))
            held_back = self._injected(windows[back])
        return continue_training(network, loss, draw, held_back, schedule, progress)

    def _injected(self, flow: torch.Tensor) -> Labelled:
        nothing = torch.zeros(len(flow), self.length)
        neutral = torch.full(nothing.shape, NEUTRAL, dtype=torch.int64)
        return Labelled(*harden(LabelledWindows(flow, nothing, neutral), CHANGES, self.rate))
