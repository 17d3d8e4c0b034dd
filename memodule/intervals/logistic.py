"""Logistic regression, small enough for checkpoints to hold it as plain numbers."""

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

_STEPS: Final = 50
_RIDGE: Final = 1.0
_ALIKE: Final = 1e-9


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
    def fit(cls, evidence: npt.NDArray[np.float64], happened: npt.NDArray[np.bool_]) -> "Logistic":
        """Fit (n, f) evidence to (n,) outcomes, both of which must occur.

        Newton's method with a ridge of 1 on standardised columns, none on the bias.
        """
        means, deviations = evidence.mean(axis=0), evidence.std(axis=0)
        alike = deviations <= _ALIKE * (1 + np.abs(means))  # such columns vary by rounding only
        deviations = np.where(alike, 1.0, deviations)
        rows = np.column_stack([np.ones(len(evidence)), (evidence - means) / deviations])
        ridge = np.diag([1e-9, *[_RIDGE] * evidence.shape[1]])
        theta = np.zeros(rows.shape[1])
        for _ in range(_STEPS):
            chance = _sigmoid(rows @ theta)
            gradient = rows.T @ (chance - happened) + ridge @ theta
            curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + ridge
            step = np.linalg.solve(curvature, gradient)
            theta -= step
            if float(np.abs(step).max()) < 1e-8:
                break
        return cls(float(theta[0]), theta[1:].tolist(), means.tolist(), deviations.tolist())

    def probability(self, evidence: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(n,) probabilities of (n, f) evidence."""
        scaled = (evidence - np.array(self.means)) / np.array(self.deviations)
        return _sigmoid(self.bias + scaled @ np.array(self.weights))


def _sigmoid(log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -500, 500))))
