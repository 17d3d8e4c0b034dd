"""Logistic regression, small enough for checkpoints to hold it as plain numbers."""

import dataclasses
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

_STEPS: Final = 50
_ALIKE: Final = 1e-9

_RIDGES: Final = (4.0, 16.0, 64.0)
"""What cross-validation chooses from; a ridge of 1 over-fits where two or three subjects calibrate."""

_PARTS: Final = 5


@dataclasses.dataclass(frozen=True)
class Logistic:
    """Probability of an event given evidence.

    Attributes:
        bias: Log-odds at average evidence.
        weights: Per column of evidence, in units of its standard deviation.
        means: Per column.
        deviations: Per column.
    """

    bias: float
    weights: list[float]
    means: list[float]
    deviations: list[float]

    @classmethod
    def fit(cls, evidence: npt.NDArray[np.float64], happened: npt.NDArray[np.bool_], ridge: float = 1.0) -> "Logistic":
        """Fit (n, f) evidence to (n,) outcomes, both of which must occur.

        Newton's method with a ridge on standardised columns, none on the bias.
        """
        means, deviations = evidence.mean(axis=0), evidence.std(axis=0)
        alike = deviations <= _ALIKE * (1 + np.abs(means))  # such columns vary by rounding only
        deviations = np.where(alike, 1.0, deviations)
        rows = np.column_stack([np.ones(len(evidence)), (evidence - means) / deviations])
        penalty = np.diag([1e-9, *[ridge] * evidence.shape[1]])
        theta = np.zeros(rows.shape[1])
        for _ in range(_STEPS):
            chance = _sigmoid(rows @ theta)
            gradient = rows.T @ (chance - happened) + penalty @ theta
            curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + penalty
            step = np.linalg.solve(curvature, gradient)
            theta -= step
            if float(np.abs(step).max()) < 1e-8:
                break
        return cls(float(theta[0]), theta[1:].tolist(), means.tolist(), deviations.tolist())

    def probability(self, evidence: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(n,) probabilities of (n, f) evidence."""
        scaled = (evidence - np.array(self.means)) / np.array(self.deviations)
        return _sigmoid(self.bias + scaled @ np.array(self.weights))


class CrossFitted(NamedTuple):
    """A regression, and for each group of rows the probabilities by regressions that did not see the group."""

    learned: Logistic
    probabilities: list[npt.NDArray[np.float64]]


def cross_fit(evidence: Sequence[npt.NDArray[np.float64]], happened: Sequence[npt.NDArray[np.bool_]]) -> CrossFitted:
    """Fit groups of rows with the ridge that predicts left-out groups best.

    Neighbouring groups, which are likely to be videos of one subject, are left out together, in five parts.

    Args:
        evidence: (n, f) per group.
        happened: (n,) per group; both outcomes must occur somewhere.
    """
    tried = [(_out_of_part(evidence, happened, ridge), ridge) for ridge in _RIDGES]
    outcomes = np.concatenate(happened)
    best, ridge = min(tried, key=lambda one: _surprise(np.concatenate(one[0]), outcomes))
    return CrossFitted(Logistic.fit(np.concatenate(evidence), outcomes, ridge), best)


def _out_of_part(
    evidence: Sequence[npt.NDArray[np.float64]], happened: Sequence[npt.NDArray[np.bool_]], ridge: float
) -> list[npt.NDArray[np.float64]]:
    """For each group its probabilities; without outcomes of both kinds elsewhere, their share there."""
    parts = np.arange(len(evidence)) * min(_PARTS, len(evidence)) // len(evidence)
    found = [np.empty(0)] * len(evidence)
    for part in np.unique(parts):
        others = np.flatnonzero(parts != part).tolist()
        known = np.concatenate([np.zeros(0, dtype=bool), *(happened[i] for i in others)])
        both = 0 < known.sum() < len(known)
        learned = Logistic.fit(np.concatenate([evidence[i] for i in others]), known, ridge) if both else None
        for i in np.flatnonzero(parts == part).tolist():
            share = np.full(len(happened[i]), known.mean() if known.size else 0.5)
            found[i] = share if learned is None else learned.probability(evidence[i])
    return found


def _surprise(probability: npt.NDArray[np.float64], happened: npt.NDArray[np.bool_]) -> float:
    """Negative log-likelihood of outcomes."""
    likely = np.where(happened, probability, 1 - probability)
    return float(-np.log(np.maximum(likely, 1e-9)).sum())


def _sigmoid(log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -500, 500))))
