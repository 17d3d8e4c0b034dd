"""Parity of the published rules, half windows and votes with the reference vectors."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from memodule.intervals import ChallengeRule, FixedWindow, PriorGuided, vote_emotions
from memodule.intervals.peaks import box_mean
from memodule.intervals.timing import half_window_of

GOLDEN = Path(__file__).parents[1] / "golden" / "decoding"


def _cases():
    arrays = np.load(GOLDEN / "curves.npz")
    offsets = arrays["offsets"]
    for i, case in enumerate(json.loads((GOLDEN / "decode.json").read_text())["cases"]):
        if not case["fp_fragile"]:
            yield case, arrays["curves"][offsets[i] : offsets[i + 1]]


CASES = list(_cases())


def _rule(name, k):
    return {
        "fixed": FixedWindow(half_window=k, clip=False),
        "fixed_samm_test": FixedWindow(half_window=k, threshold=0.65, clip=False),
        "prior": PriorGuided(half_window=k),
        "samm_test": ChallengeRule(half_window=k, clip=False),
    }[name]


@pytest.mark.parametrize("name", ["fixed", "fixed_samm_test", "prior", "samm_test"])
def test_intervals_equal_the_published_ones(name):
    compared = 0
    for case, curve in CASES:
        expected = case[name].get("intervals")
        found = _rule(name, case["k_p"]).select(curve)
        if expected is None:  # the published code raises an error; ours only has to stay inside the curve
            assert (found >= 0).all()
            assert (found < max(1, len(curve))).all()
            continue
        assert found.tolist() == sorted(expected, key=lambda row: row[0]), case["kind"]
        compared += 1
    assert compared >= 150


@given(
    arrays(np.float32, st.integers(1, 60), elements=st.integers(0, 2**12).map(lambda n: n / 2**12)), st.integers(1, 12)
)
def test_smoothing_depends_on_no_order_of_summation(curve, k):
    """In any order the last bits of rounded parts decide where the middle of a flat top is."""
    padded = np.pad(curve.astype(float), k)
    exact = [math.fsum(padded[i : i + 2 * k]) / (2 * k) for i in range(len(curve))]
    assert box_mean(curve.astype(float), k).tolist() == exact


def test_clipping_changes_nothing_but_the_ends():
    changed = 0
    for case, curve in CASES:
        if case["n"] < 2 * case["k_p"]:
            continue
        published = _rule("fixed", case["k_p"]).select(curve)
        clipped = FixedWindow(half_window=case["k_p"]).select(curve)
        assert clipped.tolist() == np.clip(published, 0, case["n"] - 1).tolist()
        changed += not np.array_equal(clipped, published)
    assert changed > 10


def test_half_window_is_half_the_upper_median():
    for case in json.loads((GOLDEN / "labels.json").read_text())["k_p"]:
        assert half_window_of(case["durations"]) == case["expected"]


@pytest.mark.parametrize(("method", "key"), [("majority", "pred_list"), ("penalty", "pred_list_penalty_vote")])
def test_votes_equal_the_published_ones(method, key):
    votes = 0
    for case in json.loads((GOLDEN / "metrics.json").read_text())["cases"]:
        expected = case["expected"].get(key)
        videos = [video for subject in case["subjects"] for video in subject if video["pred"]]
        if expected is None:
            continue
        found = [vote_emotions(video["pred"], [int(c) for c in video["emo"]], method) for video in videos]
        assert np.concatenate([[], *found]).tolist() == expected, case["kind"]
        votes += len(expected)
    assert votes > 500
