"""Bootstrap intervals and the paired test: against slow counts by hand, known coverage, and their edges."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.metrics.functional import SCORES, Tally, bootstrap, paired_test, score

PROTOCOLS = [Protocol(), Protocol.preset("published")]


@st.composite
def tallies(draw):
    confusion = np.array(draw(st.lists(st.integers(0, 3), min_size=20, max_size=20))).reshape(4, 5)
    return Tally(int(confusion.sum()), draw(st.integers(0, 9)), draw(st.integers(0, 9)), confusion)


def some_runs(subjects, seed=0):
    """Two runs over the same truths, the first one better."""
    rng = np.random.default_rng(seed)

    def run(truths, skill):
        tp = rng.binomial(truths, skill)
        confusion = rng.multinomial(tp, [0.05] * 15 + [0.25, 0, 0, 0, 0]).reshape(4, 5)
        confusion[:3, :3] += np.diag(rng.multinomial(1, [1 / 3] * 3))
        tp = int(confusion.sum())
        return Tally(tp, int(rng.poisson(3)), max(int(truths) - tp, 0), confusion), tp

    first, second = {}, {}
    for subject in range(subjects):
        (a, most), (b, other) = run(6, 0.7), run(6, 0.3)
        total = max(6, most, other)
        first[f"{subject:03d}"] = Tally(a.tp, a.fp, total - a.tp, a.confusion)
        second[f"{subject:03d}"] = Tally(b.tp, b.fp, total - b.tp, b.confusion)
    return first, second


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=3), tallies(), max_size=6), st.sampled_from(PROTOCOLS))
def test_intervals_contain_the_pooled_score_and_stay_in_bounds(by_subject, protocol):
    point = score(sum(by_subject.values(), Tally()), protocol)
    for name, (low, high) in bootstrap(by_subject, protocol, resamples=50).items():
        assert 0 <= low <= point[name] <= high <= 1


def test_percentiles_that_miss_the_pooled_score_are_widened():
    """Three subjects, each with the only hit of one class: 7 of 9 resamples miss a class and score less than 1."""
    classes = [np.outer(np.arange(4) == emotion, np.arange(5) == emotion).astype(int) for emotion in range(3)]
    by_subject = {f"{emotion}": Tally(tp=1, confusion=table) for emotion, table in enumerate(classes)}
    low, high = bootstrap(by_subject, level=0.5)["recog_f1"]
    assert high == 1
    assert low < 0.7


def test_every_resample_is_a_pooled_score():
    """With two subjects there are four draws; their scores are all that percentiles can fall on."""
    a, b = Tally(tp=5, fp=0, fn=1), Tally(tp=1, fp=8, fn=4)
    possible = sorted(score(Tally(x.tp + y.tp, x.fp + y.fp, x.fn + y.fn))["spot_f1"] for x in (a, b) for y in (a, b))
    low, high = bootstrap({"a": a, "b": b}, resamples=400)["spot_f1"]
    assert (low, high) == (pytest.approx(possible[0]), pytest.approx(possible[-1]))


def test_intervals_are_as_wide_as_theory_says():
    """Recall of subjects with one expression each is a share of n; its interval is about +- 1.96 standard errors."""
    hits = np.random.default_rng(1).random(400) < 0.5
    by_subject = {f"{i}": Tally(tp=int(hit), fn=int(not hit)) for i, hit in enumerate(hits)}
    low, high = bootstrap(by_subject, resamples=4000)["spot_recall"]
    half = 1.96 * np.sqrt(0.25 / 400)
    assert low == pytest.approx(hits.mean() - half, abs=0.008)
    assert high == pytest.approx(hits.mean() + half, abs=0.008)
    narrow = bootstrap(by_subject, resamples=4000, level=0.5)["spot_recall"]
    assert narrow[1] - narrow[0] == pytest.approx(2 * 0.674 * np.sqrt(0.25 / 400), abs=0.008)


def test_a_seed_fixes_the_interval_and_the_order_of_subjects_does_not_move_it():
    first, _ = some_runs(12)
    backwards = dict(reversed(first.items()))
    assert bootstrap(first, seed=3) == bootstrap(backwards, seed=3) != bootstrap(first, seed=4)


@pytest.mark.parametrize("by_subject", [{}, {"006": Tally(tp=4)}])
def test_one_subject_says_nothing_about_others(by_subject):
    assert bootstrap(by_subject) == dict.fromkeys(SCORES, (0.0, 1.0))


def test_p_values_of_few_subjects_are_exact():
    """Against an enumeration of all 2^5 swaps, written out with Tally sums."""
    first, second = some_runs(5, seed=2)
    result = paired_test(first, second)
    for name in SCORES:
        differences = []
        for swapped in itertools.product([False, True], repeat=5):
            pairs = [(first[s], second[s])[:: -1 if swap else 1] for s, swap in zip(first, swapped, strict=True)]
            a, b = (sum(run, Tally()) for run in zip(*pairs, strict=True))
            differences.append(score(a)[name] - score(b)[name])
        assert result[name].difference == pytest.approx(differences[0])
        extreme = sum(abs(d) >= abs(differences[0]) - 1e-12 for d in differences)
        assert result[name].p_value == pytest.approx(extreme / 32)


def test_random_swaps_agree_with_all_swaps():
    first, second = some_runs(12, seed=5)
    every = paired_test(first, second, permutations=2**12)
    drawn = paired_test(first, second, permutations=2**12 - 1)
    assert any(0.01 < every[name].p_value < 0.9 for name in SCORES)
    for name in SCORES:
        assert drawn[name].p_value == pytest.approx(every[name].p_value, abs=0.03)


def test_swapping_the_runs_mirrors_the_differences():
    first, second = some_runs(20)
    one, other = paired_test(first, second, permutations=500), paired_test(second, first, permutations=500)
    for name in SCORES:
        assert one[name].difference == -other[name].difference
        assert one[name].p_value == other[name].p_value
        assert one[name].low == pytest.approx(-other[name].high)


def test_a_better_run_is_significant_and_the_same_run_is_not():
    first, second = some_runs(30)
    better = paired_test(first, second, permutations=2000)["spot_f1"]
    assert better.p_value < 0.005
    assert 0 < better.low < better.difference < better.high
    assert paired_test(first, second, permutations=100)["spot_f1"].p_value == 1 / 100  # never 0: what was seen counts
    same = paired_test(first, first, permutations=2000)["strs"]
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_alike_runs_are_rarely_significant():
    """Under the hypothesis p-values are spread evenly: about 5 % of them fall below .05."""
    rng = np.random.default_rng(0)
    below = 0
    for _ in range(300):
        counts = rng.binomial(4, 0.5, (2, 10))
        runs = [{f"{i}": Tally(tp=int(k), fn=4 - int(k), fp=2) for i, k in enumerate(run)} for run in counts]
        below += paired_test(*runs, permutations=1024)["spot_f1"].p_value < 0.05
    assert 2 <= below <= 27


def test_one_common_subject_leaves_the_difference_open():
    result = paired_test({"a": Tally(tp=2)}, {"a": Tally(fn=2)})["spot_f1"]
    assert (result.difference, result.low, result.high, result.p_value) == (1, -1, 1, 1)


def test_runs_that_cannot_be_compared_are_refused():
    with pytest.raises(UserError, match="007 only in one"):
        paired_test({"006": Tally(), "007": Tally()}, {"006": Tally()})
    with pytest.raises(UserError, match="subject 006 has 3 expressions in one run and 2 in the other"):
        paired_test({"006": Tally(tp=2, fn=1)}, {"006": Tally(tp=2)})
