"""Stand-in timelines against the published numbers (written here a second time, not imported)."""

import collections
import itertools

import numpy as np
import pytest

from memodule.datasets.catalog import Catalog, Expression
from memodule.synthetic.timelines import simulate_timelines


@pytest.fixture(scope="module", params=[0, 1])
def samm(request) -> Catalog:
    return simulate_timelines("samm_lv", request.param)


@pytest.fixture(scope="module", params=[0, 1])
def casme3(request) -> Catalog:
    return simulate_timelines("casme3", request.param)


def of_kind(catalog: Catalog, kind: str) -> list[Expression]:
    return [e for e in catalog.expressions if e.kind == kind]


def durations(expressions: list[Expression]) -> np.ndarray:
    return np.array([e.offset - e.onset + 1 for e in expressions])


def overlap(a: Expression, b: Expression) -> bool:
    return a.onset <= b.offset and b.onset <= a.offset


def overlapped_share(catalog: Catalog) -> float:
    micros = of_kind(catalog, "micro")
    return np.mean([any(overlap(e, m) for m in catalog.expressions_of(e.key, "macro")) for e in micros])


def gaps(catalog: Catalog) -> np.ndarray:
    pairs = []
    for video in catalog.videos:
        micros = catalog.expressions_of(video.key, "micro")
        pairs += [b.onset - a.offset - 1 for a, b in itertools.pairwise(micros)]
    return np.array(pairs)


def subject_share_of_variance(micros: list[Expression]) -> float:
    """Intraclass correlation of log-duration within subjects, from a one-way analysis of variance."""
    log = np.log(durations(micros))
    _, group = np.unique([e.subject for e in micros], return_inverse=True)
    n = np.bincount(group)
    means = np.bincount(group, log) / n
    within = ((log - means[group]) ** 2).sum() / (len(log) - len(n))
    between = (n * (means - log.mean()) ** 2).sum() / (len(n) - 1)
    size = (len(log) - (n**2).sum() / len(log)) / (len(n) - 1)
    return (between - within) / (between + (size - 1) * within)


def test_samm_counts_are_the_published_ones(samm):
    micros, macros = of_kind(samm, "micro"), of_kind(samm, "macro")
    assert (len(samm.subjects), len(samm.videos), len(micros), len(macros)) == (30, 147, 159, 343)
    assert {v.fps for v in samm.videos} == {200}
    assert (len({e.subject for e in micros}), len({e.key for e in micros})) == (29, 79)
    assert collections.Counter(e.emotion for e in micros) == {
        "negative": 92,
        "positive": 26,
        "surprise": 15,
        "others": 26,
    }
    assert (sum(e.apex is None for e in micros), sum(e.apex is None for e in macros)) == (2, 4)


def test_samm_times_are_close_to_the_published_ones(samm):
    micros = durations(of_kind(samm, "micro"))
    assert micros.min() >= 29
    assert micros.max() <= 100
    assert np.median(micros) == pytest.approx(77, abs=2)
    assert micros.mean() == pytest.approx(73, abs=1)
    known = [e for e in of_kind(samm, "micro") if e.apex is not None]
    assert np.median([e.apex - e.onset for e in known]) == pytest.approx(32, abs=3)
    assert np.median([e.offset - e.apex for e in known]) == pytest.approx(40, abs=4)
    macros = durations(of_kind(samm, "macro"))
    assert macros.min() >= 101
    assert macros.max() <= 5175
    assert np.median(macros) == pytest.approx(222, abs=5)
    assert np.mean([v.frames for v in samm.videos]) == pytest.approx(35.5 * 200, rel=0.08)


def test_casme3_counts_are_the_published_ones(casme3):
    micros, macros = of_kind(casme3, "micro"), of_kind(casme3, "macro")
    assert (len(casme3.subjects), len(casme3.videos), len(micros), len(macros)) == (100, 1300, 860, 3346)
    assert {v.fps for v in casme3.videos} == {30}
    assert set(collections.Counter(v.subject for v in casme3.videos).values()) == {13}
    micro_videos, macro_videos = {e.key for e in micros}, {e.key for e in macros}
    assert len({e.subject for e in micros}) == 94
    assert (len(micro_videos), len(micro_videos & macro_videos), len(micro_videos | macro_videos)) == (463, 411, 956)
    assert collections.Counter(e.emotion for e in micros) == {
        "negative": 457,
        "positive": 55,
        "surprise": 187,
        "others": 161,
    }


def test_casme3_times_are_close_to_the_published_ones(casme3):
    micros = of_kind(casme3, "micro")
    frames = durations(micros)
    assert np.median(frames) == pytest.approx(21, abs=1.5)
    assert frames.mean() == pytest.approx(28.6, abs=1.5)
    assert np.percentile(frames, [5, 95]) == pytest.approx([8, 70], abs=2.5)
    assert np.mean(frames <= 15) == pytest.approx(0.34, abs=0.04)
    assert np.mean(frames > 30) == pytest.approx(0.30, abs=0.03)
    rise = np.array([e.apex - e.onset for e in micros])
    fall = np.array([e.offset - e.apex for e in micros])
    assert rise.mean() == pytest.approx(5.6, abs=0.4)
    assert rise.std() == pytest.approx(2.2, abs=0.2)
    assert rise.max() == 11
    assert np.corrcoef(rise, frames)[0, 1] == pytest.approx(0.15, abs=0.1)
    assert np.median(fall) == pytest.approx(15, abs=2)
    assert 150 < fall.max() <= 269


def test_casme3_gaps_and_overlaps_are_close_to_the_published_ones(casme3):
    between = gaps(casme3)
    assert len(between) == 860 - 463
    assert np.median(between) == pytest.approx(338, rel=0.25)
    assert np.sum(between < 8) == pytest.approx(25, abs=12)
    assert 0 <= np.sum(between < 0) <= 10
    assert overlapped_share(casme3) == pytest.approx(62 / 852, abs=0.015)


def test_subjects_have_their_own_tempo(casme3):
    assert subject_share_of_variance(of_kind(casme3, "micro")) == pytest.approx(0.16, abs=0.09)
    shuffled = of_kind(casme3, "micro")
    order = np.random.default_rng(0).permutation(len(shuffled))
    relabelled = [
        Expression(shuffled[i].subject, e.video, e.kind, e.onset, e.apex, e.offset, e.emotion)
        for i, e in zip(order, shuffled, strict=True)
    ]
    assert abs(subject_share_of_variance(relabelled)) < 0.06


def test_macros_do_not_overlap_each_other_unless_placed_on_a_micro(samm):
    macros = of_kind(samm, "macro")
    on_micro = {m for m in macros if any(overlap(m, e) for e in samm.expressions_of(m.key, "micro"))}
    free = [m for m in macros if m not in on_micro]
    assert not any(overlap(a, b) for a in free for b in free if a is not b and a.key == b.key)


@pytest.mark.parametrize("like", ["samm_lv", "casme3"])
def test_the_seed_decides_everything(like):
    first = simulate_timelines(like, 7)
    assert simulate_timelines(like, 7) == first
    assert simulate_timelines(like, 8).expressions != first.expressions
