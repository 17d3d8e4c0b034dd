"""How much scores would change with other subjects: bootstrap intervals and the paired test of two runs.

The unit is the subject, since expressions and videos of one person are not independent. Counts add up, so a resample
is a weighting of the subjects' tallies, and all resamples are one matrix product.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from memodule.decoding.protocol import MEGC, Protocol
from memodule.errors import UserError
from memodule.metrics.functional.scores import Numbers, as_counts, score_counts
from memodule.metrics.functional.tally import Tally
from memodule.metrics.score_names import SCORES

Interval = tuple[float, float]
"""(low, high)."""


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """One score of two runs over the same subjects.

    Attributes:
        difference: first - second.
        low: Lower end of the bootstrap interval of the difference; `high` is the upper end.
        p_value: Two-sided, of the hypothesis that a subject's two results are exchangeable between the runs.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


def bootstrap(
    tallies: Mapping[str, Tally],
    protocol: Protocol = MEGC,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Percentile intervals (low, high) of the pooled scores, by resampling subjects with replacement.

    An interval is widened to contain the pooled score if the percentiles leave it out (macro averages over few true
    positives are biased in resamples that miss a class). With fewer than two subjects nothing is known about other
    subjects: the interval is (0, 1).
    `level` is the share of resamples inside the interval; the order of the subjects does not matter.

    >>> bootstrap({"006": Tally(tp=4, fp=1), "007": Tally(tp=1, fp=2, fn=3), "009": Tally(fn=2)})["spot_f1"]
    (0.0, 0.8888888888888888)
    """
    counts = as_counts([tallies[subject] for subject in sorted(tallies)])
    if len(counts) < 2:
        return dict.fromkeys(SCORES, (0.0, 1.0))
    point = score_counts(counts.sum(axis=0), protocol)
    drawn = score_counts(_weights(len(counts), resamples, seed) @ counts, protocol)
    return {name: _percentiles(drawn[name], level, float(point[name])) for name in SCORES}


def paired_test(
    first: Mapping[str, Tally],
    second: Mapping[str, Tally],
    protocol: Protocol = MEGC,
    *,
    permutations: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, PairedDifference]:
    """Compare two runs over the same subjects: permutation test and bootstrap interval of the difference.

    If the runs are equivalent, each subject's two results may be swapped. The p-value is the share of swaps whose
    pooled difference is at least as large as the observed one, in either direction: over all 2^subjects swaps if these
    are no more than `permutations`, otherwise over random ones, the observed one included. The interval resamples
    subjects, the same ones in both runs.

    Args:
        second: The counts of the same subjects in the second run, scored against the same truths.
        permutations: Number of swaps, and of resamples for the interval.
        level: Share of resamples inside the interval.

    Raises:
        UserError: If the runs have different subjects, or a subject has different numbers of truths.

    >>> good, poor = Tally(tp=4, fp=1, fn=0), Tally(tp=1, fp=4, fn=3)
    >>> result = paired_test({name: good for name in "abcdef"}, {name: poor for name in "abcdef"})["spot_f1"]
    >>> round(result.difference, 3), result.p_value  # 2 of 64 swaps are as extreme
    (0.667, 0.03125)
    """
    subjects = _common_subjects(first, second)
    a, b = (as_counts([run[subject] for subject in subjects]) for run in (first, second))
    swaps = _swaps(len(subjects), permutations, seed)
    weights = _weights(len(subjects), permutations, seed)
    point = [score_counts(run.sum(axis=0), protocol) for run in (a, b)]
    moved = swaps @ (b - a)
    swapped = [score_counts(a.sum(axis=0) + moved, protocol), score_counts(b.sum(axis=0) - moved, protocol)]
    drawn = [score_counts(weights @ run, protocol) for run in (a, b)]
    result = {}
    for name in SCORES:
        difference = float(point[0][name] - point[1][name])
        low, high = _percentiles(drawn[0][name] - drawn[1][name], level, difference)
        if len(subjects) < 2:
            low, high = -1.0, 1.0
        # Sums of shares may differ in the last digits between equal swaps.
        extreme = np.abs(swapped[0][name] - swapped[1][name]) >= abs(difference) - 1e-12
        scores = float(point[0][name]), float(point[1][name])
        result[name] = PairedDifference(*scores, difference, low, high, float(extreme.mean()))
    return result


def _common_subjects(first: Mapping[str, Tally], second: Mapping[str, Tally]) -> list[str]:
    alone = sorted(set(first) ^ set(second))
    if alone:
        raise UserError(
            f"the two runs do not have the same subjects: {', '.join(alone)} only in one; score the same ones"
        )
    subjects = sorted(first)
    for subject in subjects:
        truths = [run[subject].tp + run[subject].fn for run in (first, second)]
        if truths[0] != truths[1]:
            raise UserError(
                f"subject {subject} has {truths[0]} expressions in one run and {truths[1]} in the other; "
                "score both runs against the same labels under the same protocol"
            )
    return subjects


@functools.lru_cache(maxsize=4)  # drawing is the slow part; an ablation has 1,000 rows
def _weights(subjects: int, resamples: int, seed: int) -> Numbers:
    """(resamples, subjects): how often each subject is drawn."""
    shares = np.full(subjects, 1 / max(subjects, 1))
    return _fixed(np.random.default_rng(seed).multinomial(subjects, shares, size=resamples))


@functools.lru_cache(maxsize=4)
def _swaps(subjects: int, permutations: int, seed: int) -> Numbers:
    """(swaps, subjects) of 0 and 1; the first row swaps nothing."""
    if 2**subjects <= permutations:
        return _fixed(np.arange(2**subjects)[:, None] >> np.arange(subjects) & 1)
    swaps = np.random.default_rng(seed).integers(0, 2, (permutations, subjects))
    swaps[0] = 0
    return _fixed(swaps)


def _fixed(draws: NDArray[np.int64]) -> Numbers:
    """As numbers that cannot be changed, since they are cached."""
    numbers = draws.astype(np.float64)
    numbers.flags.writeable = False
    return numbers


def _percentiles(values: Numbers, level: float, point: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), point), max(float(high), point)
