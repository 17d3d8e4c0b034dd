"""What must hold for every input: bounds, optimality, invariance, additivity."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import (
    SCORES,
    Tally,
    interval_iou,
    match_intervals,
    recognition_scores,
    score,
    spot_then_recognize_score,
    spotting_scores,
    tally_video,
)

MEGC = Protocol()
PUBLISHED = Protocol.preset("published")
PROTOCOLS = [MEGC, PUBLISHED, dataclasses.replace(PUBLISHED, filter_neutral=True)]


@st.composite
def intervals(draw, most=7):
    """Crowded intervals of one short video, so that overlaps, ties and repeats are common; a few hold no frame."""
    rows = draw(st.lists(st.tuples(st.integers(0, 14), st.integers(-1, 9)), max_size=most))
    return [[onset, onset + length] for onset, length in rows]


@st.composite
def videos(draw, most=6):
    predicted, true = draw(intervals(most)), draw(intervals(most))
    classes = draw(st.lists(st.integers(0, 4), min_size=len(predicted), max_size=len(predicted)))
    labels = draw(st.lists(st.integers(0, 3), min_size=len(true), max_size=len(true)))
    return predicted, classes, true, labels


thresholds = st.sampled_from([0.3, 0.5, 0.7])


@given(intervals(), intervals(), thresholds, st.sampled_from(["one_to_one", "greedy"]))
def test_a_matching_pairs_each_interval_once_and_only_close_ones(predicted, true, iou, matching):
    match = match_intervals(predicted, true, iou, matching)
    rows = np.flatnonzero(match >= 0)
    assert len(match) == len(predicted)
    assert len(rows) <= min(len(predicted), len(true))
    assert len(set(match[rows].tolist())) == len(rows)
    assert (interval_iou(predicted, true)[rows, match[rows]] >= iou).all()


@given(intervals(), intervals(), thresholds)
def test_one_to_one_matching_is_the_optimum(predicted, true, iou):
    overlap = interval_iou(predicted, true)
    match = match_intervals(predicted, true, iou)
    rows = np.flatnonzero(match >= 0)
    most = 0
    if overlap.size:
        most = int((maximum_bipartite_matching(csr_array((overlap >= iou).astype(int))) >= 0).sum())
    assert len(rows) == most
    assert most >= (match_intervals(predicted, true, iou, "greedy") >= 0).sum()
    if most:  # no other matching of that size overlaps more: a dummy row or column per missing pair changes nothing
        reward = np.where(overlap >= iou, 100 + overlap, 0)
        best = reward[linear_sum_assignment(reward, maximize=True)].sum()
        assert reward[rows, match[rows]].sum() == pytest.approx(best)


@given(intervals(), intervals())
def test_iou_is_the_share_of_common_frames(predicted, true):
    overlap = interval_iou(predicted, true)
    for row, (onset, offset) in enumerate(predicted):
        for column, (first, last) in enumerate(true):
            ours, theirs = set(range(onset, offset + 1)), set(range(first, last + 1))
            union = len(ours | theirs)
            share = len(ours & theirs) / union if ours and theirs else 0
            assert overlap[row, column] == share


@settings(max_examples=200)
@given(videos(), st.randoms(use_true_random=False))
def test_the_order_of_rows_moves_nothing_under_megc(video, random):
    predicted, classes, true, labels = video
    spotted = list(zip(predicted, classes, strict=True))
    truth = list(zip(true, labels, strict=True))
    random.shuffle(spotted)
    random.shuffle(truth)
    shuffled = tally_video(
        [p for p, _ in spotted], [c for _, c in spotted], [t for t, _ in truth], [e for _, e in truth]
    )
    assert shuffled == tally_video(*video)


@pytest.mark.parametrize(
    ("spotted", "truth"),
    [
        ([([0, 0], 1), ([3, 6], 1)], [([3, 4], 1), ([4, 8], 3)]),  # one prediction, two truths at IoU 1/2
        ([([1, 4], 1), ([1, 4], 3), ([3, 5], 3)], [([1, 7], 3), ([2, 2], 3)]),  # equal predictions, other emotions
    ],
)
def test_ties_are_decided_by_frames_and_not_by_rows(spotted, truth):
    tallies = {
        tally_video(*zip(*first, strict=True), *zip(*second, strict=True))
        for first in itertools.permutations(spotted)
        for second in itertools.permutations(truth)
    }
    assert len(tallies) == 1


def test_two_poor_pairs_are_better_than_one_perfect_pair():
    predicted, true = [[0, 9], [-5, 4]], [[0, 9], [5, 14]]
    assert match_intervals(predicted, true, iou=0.3).tolist() == [1, 0]
    assert match_intervals(predicted, true, iou=0.5).tolist() == [0, -1]


@given(st.lists(videos(), max_size=4), st.sampled_from(PROTOCOLS))
def test_the_whole_is_the_sum_of_its_parts(parts, protocol):
    tallies = [tally_video(*part, protocol) for part in parts]
    pooled = sum(tallies, Tally())
    assert pooled == sum(reversed(tallies), Tally())
    assert pooled.tp == sum(tally.tp for tally in tallies)
    assert pooled.confusion.sum() == pooled.tp  # every hit has two known emotions here
    columns = list(zip(*parts, strict=True)) or [[], [], [], []]
    assert spot_then_recognize_score(*columns, protocol) == score(pooled, protocol)
    assert Tally.from_dict(pooled.to_dict()) == pooled


@given(st.lists(videos(), max_size=3), st.sampled_from(PROTOCOLS))
def test_scores_are_numbers_between_0_and_1(parts, protocol):
    scores = score(sum((tally_video(*part, protocol) for part in parts), Tally()), protocol)
    assert tuple(scores) == SCORES
    assert all(0 <= value <= 1 for value in scores.values())
    assert scores["strs"] == pytest.approx(scores["spot_f1"] * scores["recog_f1"])


@given(videos(), st.sampled_from(PROTOCOLS))
def test_truths_are_hit_or_missed_and_nothing_else(video, protocol):
    tally = tally_video(*video, protocol)
    scored = len(video[2]) if video[2] or protocol.videos == "all" else 0
    assert tally.tp + tally.fn == scored
    assert tally.tp + tally.fp <= len(video[0])


@given(st.lists(st.integers(1, 3), min_size=3, max_size=3))
def test_perfect_predictions_score_1(counts):
    labels = [emotion for emotion, count in enumerate(counts) for _ in range(count)]
    true = [[40 * i, 40 * i + 9, 40 * i + 20] for i in range(len(labels))]
    for protocol in PROTOCOLS:
        assert set(spot_then_recognize_score([true], [labels], [true], [labels], protocol).values()) == {1.0}


@given(st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=4, max_size=4))
def test_recognition_equals_the_definition(rows):
    """An independent count over lists of labels, one-vs-rest per class, as a reader of the paper would write it."""
    pairs = [(t, p) for t in range(3) for p in range(5) for _ in range(rows[t][p])]
    precisions, recalls, f1s = [], [], []
    for emotion in range(3):
        hits = sum(t == p == emotion for t, p in pairs)
        predicted, true = sum(p == emotion for _, p in pairs), sum(t == emotion for t, _ in pairs)
        precisions.append(hits / predicted if predicted else 0)
        recalls.append(hits / true if true else 0)
        f1s.append(2 * hits / (predicted + true) if predicted + true else 0)
    P, R = np.mean(precisions), np.mean(recalls)
    expected = {"f1": 2 * P * R / (P + R) if P + R else 0, "uf1": np.mean(f1s), "uar": R, "precision": P, "recall": R}
    assert recognition_scores(rows) == pytest.approx(expected | {"support": len(pairs)})


def test_absent_classes_count_as_zero_or_are_left_out():
    only_negative = [[3, 0, 0, 0, 0], [0] * 5, [0] * 5, [0] * 5]
    assert recognition_scores(only_negative)["f1"] == pytest.approx(1 / 3)
    assert recognition_scores(only_negative, absent_classes="skip")["f1"] == 1


def test_without_predictions_and_truths_every_score_is_0():
    assert set(score(Tally()).values()) == {0.0}
    assert set(spotting_scores(0, 0, 0).values()) == {0.0}
    assert set(spot_then_recognize_score([], [], [], []).values()) == {0.0}


def test_a_filtered_neutral_interval_claims_a_truth_only_under_the_published_rule():
    predicted, classes, true, labels = [[10, 29], [12, 30]], [4, 0], [[10, 29]], [0]
    before = tally_video(predicted, classes, true, labels)
    assert (before.tp, before.fp, before.fn, before.confusion[0, 0]) == (1, 0, 0, 1)
    after = tally_video(predicted, classes, true, labels, PROTOCOLS[2])
    assert (after.tp, after.fp, after.fn) == (0, 1, 1)


def test_false_alarms_in_a_video_without_expressions_count_under_megc_only():
    assert tally_video([[1, 9]], [0], [], []).fp == 1
    assert tally_video([[1, 9]], [0], [], [], PUBLISHED) == Tally()


def test_unknown_emotions_count_in_spotting_only():
    tally = tally_video([[1, 9]], [-1], [[1, 9]], [2])
    assert (tally.tp, tally.confusion.sum()) == (1, 0)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (([[1, 9]], [], [], []), "1 predicted intervals but 0 predicted emotions"),
        (([], [], [[1, 9]], [4]), "true emotions must be class indices 0..3"),
        (([1, 9], [0], [], []), "shape"),
        (([[1.5, 9.0]], [0], [], []), "whole numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(video, message):
    with pytest.raises(ValueError, match=message):
        tally_video(*video)


def test_a_confusion_matrix_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(4, 5\)"):
        recognition_scores(np.eye(3))
    with pytest.raises(ValueError, match=r"\(4, 5\)"):
        Tally.from_dict({"tp": 1, "fp": 0, "fn": 0, "confusion": [[1]]})
