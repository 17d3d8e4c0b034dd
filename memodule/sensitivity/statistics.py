"""Shares with intervals, the curve of the share found against size, and the ROC area of scores."""

import dataclasses
import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_Z: Final = 1.959964  # two-sided 95 %
_STEEP: Final = (
    math.log(3),
    0.7,
)  # mean and sd of the prior of the slope's logarithm, so that few trials do not overfit
_RESAMPLES: Final = 100


@dataclasses.dataclass(frozen=True)
class Share:
    """A share of movements with its 95 % interval."""

    count: int
    found: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share itself; NaN without movements."""
        return self.found / self.count if self.count else math.nan


def share_of(found: Bools, cluster: npt.NDArray[np.int64]) -> Share:
    """The share of movements that were found, with Wilson's interval.

    Movements in one recording are alike. Where there are several recordings, the interval is that of fewer movements:
    their number divided by the design effect, the variance of the share over recordings relative to that of
    independent movements.

    Args:
        cluster: (n,) number of the recording of each movement.

    >>> share = share_of(np.array([True] * 8 + [False] * 2), np.zeros(10, int))
    >>> round(share.low, 3), round(share.high, 3)
    (0.49, 0.943)
    """
    n, hits = len(found), int(found.sum())
    if not n:
        return Share(0, 0, 0.0, 1.0)
    low, high = _wilson(hits / n, n / _design_effect(found, cluster))
    return Share(n, hits, low, high)


def _wilson(share: float, n: float) -> tuple[float, float]:
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _design_effect(found: Bools, cluster: npt.NDArray[np.int64]) -> float:
    """At least 1; 1 for a single recording, of which alone the interval then speaks."""
    names, index = np.unique(cluster, return_inverse=True)
    share = float(found.mean())
    if len(names) < 2 or share in (0, 1):
        return 1.0
    residuals = np.bincount(index, weights=found - share)
    clustered = len(names) / (len(names) - 1) * float((residuals**2).sum())
    return max(1.0, clustered / (len(found) * share * (1 - share)))


@dataclasses.dataclass(frozen=True)
class Psychometric:
    """The share found against size: guess + (1 - guess) / (1 + (half / size) ** slope).

    Attributes:
        guess: Share of movements that are found by chance, at size 0.
        half: Size at which half of what is not found by chance is found.
        slope: How quickly the share rises.
        threshold: Size found in 50 % of cases; None where that is not within the tried sizes, or guess exceeds it.
        low: Lower end of the 95 % interval of `threshold`, `high` the upper one; None beyond the tried sizes.
    """

    guess: float
    half: float
    slope: float
    threshold: float | None
    low: float | None
    high: float | None

    def at(self, size: Floats) -> Floats:
        """The share found at sizes."""
        return np.asarray(_curve(size, self.guess, self.half, self.slope))


def fit_curve(size: Floats, found: Bools, guess: float, cluster: npt.NDArray[np.int64], seed: int = 0) -> Psychometric:
    """Fit the share found against size by maximum likelihood with a weak prior on the slope.

    The interval of the threshold is that of 100 resamples: of movements, or of whole recordings where there are at
    least five.

    Args:
        guess: Share found by chance, which is not fitted.
    """
    half, slope = _fitted(size, found, guess)
    rng = np.random.default_rng(seed)
    thresholds = []
    for _ in range(_RESAMPLES):
        drawn = _resample(rng, cluster)
        thresholds.append(_threshold(guess, *_fitted(size[drawn], found[drawn], guess)))
    low, high = np.quantile(thresholds, [0.025, 0.975], method="inverted_cdf")
    ends = [_tried(value, size) for value in (_threshold(guess, half, slope), float(low), float(high))]
    return Psychometric(guess, half, slope, *ends)


def _curve(size: Floats, guess: float, half: float, slope: float) -> Floats:
    return np.asarray(guess + (1 - guess) * expit(slope * (np.log(size) - math.log(half))))


def _fitted(size: Floats, found: Bools, guess: float) -> tuple[float, float]:
    middle = float(np.log(size).mean())

    def loss(at: Floats) -> float:
        share = np.clip(_curve(size, guess, math.exp(at[0]), math.exp(at[1])), 1e-6, 1 - 1e-6)
        likelihood = np.log(np.where(found, share, 1 - share)).sum()
        far = (at[0] - middle) / 2  # keeps the half within sight where nothing, or everything, is found
        return float(-likelihood + ((at[1] - _STEEP[0]) / _STEEP[1]) ** 2 / 2 + far**2 / 2)

    best = minimize(loss, np.array([middle, _STEEP[0]]), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3})
    return math.exp(best.x[0]), math.exp(best.x[1])


def _threshold(guess: float, half: float, slope: float) -> float:
    if guess >= 0.5:
        return 0.0
    return half * math.exp(float(logit((0.5 - guess) / (1 - guess))) / slope)


def _tried(value: float, size: Floats) -> float | None:
    return value if size.min() <= value <= size.max() else None


def _resample(rng: np.random.Generator, cluster: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    names = np.unique(cluster)
    if len(names) < 5:
        return rng.integers(len(cluster), size=len(cluster))
    return np.concatenate([np.flatnonzero(cluster == name) for name in rng.choice(names, len(names))])


def roc_area(inside: Floats, outside: Floats) -> float:
    """The probability that a sample inside a movement scores higher than one outside; .5 is chance.

    >>> roc_area(np.array([0.9, 0.4]), np.array([0.1, 0.4]))
    0.875
    """
    if not len(inside) or not len(outside):
        return math.nan
    ranks = rankdata(np.concatenate([inside, outside]))[: len(inside)]
    return float((ranks.sum() - len(inside) * (len(inside) + 1) / 2) / (len(inside) * len(outside)))
