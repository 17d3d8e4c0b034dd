"""The `published` protocol agrees with numbers that the published scorer printed (tests/golden/decoding/metrics.json).

The published scorer divides by zero or answers nan in 47 of the 213 blocks; the defined values that we give instead are
asserted.
"""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from memodule.decoding.protocol import Protocol
from memodule.emotions import EMOTIONS
from memodule.metrics.functional import (
    Tally,
    interval_iou,
    match_intervals,
    recognition_scores,
    score,
    spotting_scores,
    tally_video,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "decoding" / "metrics.json"
CASES = json.loads(GOLDEN.read_text())["cases"]
PUBLISHED = Protocol.preset("published")
BLOCKS = {
    "strict": ("pred_list", PUBLISHED),
    "strict_penalty_vote": ("pred_list_penalty_vote", PUBLISHED),
    "neutral_filtered": ("pred_list", dataclasses.replace(PUBLISHED, filter_neutral=True)),
}

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['kind']}")


def videos_of(case, votes):
    """(subject index, predicted, voted emotions, true, true emotions) for each video."""
    votes = iter(case["expected"][votes])
    for subject, videos in enumerate(case["subjects"]):
        for video in videos:
            emotions = [EMOTIONS.index(emotion) for emotion in video["gt_emotion"]]
            yield subject, video["pred"], [next(votes) for _ in video["pred"]], video["gt"], emotions
    assert not list(votes)


def pooled(case, votes, protocol):
    tallies = [Tally() for _ in case["subjects"]]
    for subject, *video in videos_of(case, votes):
        tallies[subject] += tally_video(*video, protocol)
    return tallies


@every_case
def test_each_prediction_finds_the_published_truth(case):
    found = [dict.fromkeys(()) for _ in case["subjects"]]
    names = [str(index) for videos in case["subjects"] for index in range(len(videos))]
    for name, (subject, predicted, _, true, _) in zip(names, videos_of(case, "pred_list"), strict=True):
        if predicted:
            found[subject][name] = match_intervals(predicted, true, matching="greedy").tolist()
    assert found == case["expected"]["strict_match"]


@every_case
def test_counts_grow_over_subjects_as_published(case):
    running, counts = Tally(), []
    for tally in pooled(case, "pred_list", PUBLISHED):
        running += tally
        counts.append([running.tp, running.fp, running.fn])
    assert counts == case["expected"]["cumulative_strict"]
    assert running.tp + running.fn == case["expected"]["total_gt"]


@every_case
@pytest.mark.parametrize("block", BLOCKS)
def test_spotting_is_as_published(case, block):
    tally = sum(pooled(case, *BLOCKS[block]), Tally())
    expected = case["expected"][block]
    assert (tally.tp, tally.fp, tally.fn) == (expected["TP"], expected["FP"], expected["FN"])
    scores = spotting_scores(tally.tp, tally.fp, tally.fn)
    if "exception" in expected:
        assert scores["f1"] == 0
    for name, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "F1")):
        if theirs in expected:
            assert scores[name] == pytest.approx(_defined(expected[theirs]), abs=1e-12)


@every_case
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("table", ["recog3", "recog4"])
def test_recognition_is_as_published(case, block, table):
    tally = sum(pooled(case, *BLOCKS[block]), Tally())
    expected = case["expected"][block].get(table)
    if expected is None:  # the published scorer had divided by zero before it came here
        return
    emotions = EMOTIONS[: int(table[-1])]
    for emotion, counts in expected["per_class"].items():
        row = EMOTIONS.index(emotion)
        assert tally.confusion[row, row] == counts["TP"]
        assert tally.confusion[row].sum() == counts["TP"] + counts["FN"]
    scores = recognition_scores(tally.confusion, emotions, "skip")
    if not expected["per_class"]:  # nothing left after their skipping: nan there
        right = np.trace(tally.confusion[: len(emotions), : len(emotions)])
        assert set(scores.values()) == ({1.0, float(right)} if right else {0.0})
        return
    for name, theirs in (("precision", "macro_P"), ("recall", "macro_R"), ("uf1", "UF1"), ("f1", "F1")):
        assert scores[name] == pytest.approx(_defined(expected[theirs]), abs=1e-12)
    their_uar = expected["macro_R"] if math.isnan(expected["UAR"]) else expected["UAR"]
    assert scores["uar"] == pytest.approx(their_uar, abs=1e-12)


@every_case
@pytest.mark.parametrize("block", BLOCKS)
def test_strs_is_as_published(case, block):
    protocol = BLOCKS[block][1]
    scores = score(sum(pooled(case, *BLOCKS[block]), Tally()), protocol)
    assert all(0 <= value <= 1 for value in scores.values())
    expected = case["expected"][block]
    if not math.isnan(expected.get("STRS", math.nan)):
        assert scores["strs"] == pytest.approx(expected["STRS"], abs=1e-12)


@every_case
def test_overlaps_are_as_published(case):
    """Their 'mean IoU' averages every overlapping pair of a video, matched or not."""
    overlaps = np.concatenate([interval_iou(video[1], video[3]).ravel() for video in videos_of(case, "pred_list")])
    for key, least in (("mean_iou_all_pairs", 0.0), ("mean_iou_pairs_gt_0.5", 0.5)):
        chosen = overlaps[overlaps > least]
        assert (chosen.mean() if chosen.size else 0.0) == pytest.approx(case["expected"][key], abs=1e-12)


def _defined(value):
    return 0.0 if math.isnan(value) else value
