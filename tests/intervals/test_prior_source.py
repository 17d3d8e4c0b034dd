"""A checkpoint's rows fit the same prior as the labels that they are from."""

import numpy as np
import pytest

from memodule.datasets import Expression
from memodule.emotions import EMOTIONS
from memodule.intervals import ClassPrior, PriorGuided
from memodule.intervals.prior_source import plain_rows, read_rows


@pytest.mark.parametrize("frame_step", [1, 7])
def test_any_rule_learns_the_same_from_the_rows(frame_step):
    rng = np.random.default_rng(0)
    labels = []
    for number in range(40):
        onset, rise, fall = (int(n) for n in rng.integers((0, 10, 10), (5000, 60, 60)))
        apex = None if number % 5 == 0 else onset + rise
        kind, emotion = ("macro", "") if number % 4 == 3 else ("micro", EMOTIONS[number % len(EMOTIONS)])
        labels.append(Expression(f"s{number}", "v", kind, onset, apex, onset + rise + fall, emotion))
    rows = plain_rows(labels, frame_step)
    assert all(0 <= onset < frame_step for _, onset, *_ in rows)
    one, other = (
        ClassPrior(PriorGuided()).fit(given, fps=200, frame_step=frame_step) for given in (labels, read_rows(rows))
    )
    assert one.state() == other.state()


ODD = (
    ["micro", 0, 3, 5],
    ["small", 0, 3, 5, "others"],
    ["micro", 5, 3, 0, "others"],
    ["micro", 0, 1.5, 5, "others"],
    ["micro", 0, 3, 5, "angry"],
    ["micro", 0, 3, 5, ""],
)


@pytest.mark.parametrize("row", ODD)
def test_other_rows_are_refused(row):
    with pytest.raises(ValueError, match=r"expression|unpack"):
        read_rows([row])
