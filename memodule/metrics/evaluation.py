"""Everything that can be said about predictions: scores, intervals, chance level, and details on request.

Every function that takes videos takes all of them; the protocol decides which count.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memodule.decoding.comparison import VideoIntervals
from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import (
    NOT_SCORED,
    ChanceVideo,
    Tally,
    average_precision,
    bootstrap,
    chance_baselines,
    iou_sweep,
    match_video,
    operating_point,
    paired_test,
    precision_recall_curve,
    recognition_scores,
    score,
    spotting_scores,
    summarize_timing,
    tally_video,
    timing_errors,
)

EvaluationReport = dict[str, Any]
"""Plain values, ready for JSON."""


def tally_subjects(videos: Sequence[VideoIntervals], protocol: Protocol) -> dict[str, Tally]:
    """The counts of every subject, also of those without predictions or truths, in the order of their first video."""
    tallies: dict[str, Tally] = {}
    for video in videos:
        tallies[video.key[0]] = tallies.get(video.key[0], Tally()) + _tally(video, protocol)
    return tallies


def evaluate(
    videos: Sequence[VideoIntervals],
    protocol: Protocol,
    *,
    prior_length: int | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> EvaluationReport:
    """Score predictions, with bootstrap intervals over subjects and chance baselines.

    Args:
        prior_length: Length in frames of random intervals; None uses the (upper) median length of the truths.

    Returns:
        protocol, leak, spotting, recognition, strs, ci, baselines as `memodule evaluate --json` prints them.
    """
    tallies = tally_subjects(videos, protocol)
    pooled = sum(tallies.values(), Tally())
    return {
        "protocol": protocol.name,
        "leak": protocol.leak,
        "spotting": _spotting(pooled),
        "recognition": _recognition(pooled, protocol),
        "strs": score(pooled, protocol)["strs"],
        "ci": {name: list(ends) for name, ends in bootstrap(tallies, protocol, resamples=resamples, seed=seed).items()},
        "baselines": _baselines(videos, pooled, protocol, prior_length),
    }


def details(videos: Sequence[VideoIntervals], protocol: Protocol) -> EvaluationReport:
    """IoU sweep, timing errors and ranking by confidence.

    Returns:
        `sweep`: the scores for each IoU; `timing`: onset, apex, offset errors of true positives in ms, or None without
        frame rates; `ranking`: average precision, best operating point and curve, or None without confidences.
    """
    sweep = iou_sweep(
        [video.predicted for video in videos],
        [video.predicted_emotions for video in videos],
        [video.true for video in videos],
        [video.true_emotions for video in videos],
        protocol,
    )
    return {
        "sweep": {f"{iou:g}": scores for iou, scores in sweep.items()},
        "timing": _timing(videos, protocol),
        "ranking": _ranking(videos, protocol),
    }


def per_subject(tallies: Mapping[str, Tally], protocol: Protocol) -> dict[str, EvaluationReport]:
    """By subject tp, fp, fn, precision, recall, f1 of spotting, and all of `SCORES`; few expressions say little."""
    return {subject: _spotting(tally) | score(tally, protocol) for subject, tally in tallies.items()}


def kinds(micro: Sequence[VideoIntervals], macro: Sequence[VideoIntervals], protocol: Protocol) -> EvaluationReport:
    """tp, fp, fn, precision, recall and f1 of macro-expressions (`macro`), and of both kinds together (`overall`)."""
    tallies = [sum((_tally(video, protocol) for video in videos), Tally()) for videos in (micro, macro)]
    return {"macro": _spotting(tallies[1]), "overall": _spotting(sum(tallies, Tally()))}


def compare(
    first: Mapping[str, Tally], second: Mapping[str, Tally], protocol: Protocol, seed: int = 0
) -> EvaluationReport:
    """The paired test of two runs, from counts by subject.

    Returns:
        For each of `SCORES` both values, their difference (first - second), its 95 % interval and p.

    Raises:
        UserError: If the runs have different subjects or labels.
    """
    return {name: dataclasses.asdict(row) for name, row in paired_test(first, second, protocol, seed=seed).items()}


def _tally(video: VideoIntervals, protocol: Protocol) -> Tally:
    return tally_video(video.predicted, video.predicted_emotions, video.true, video.true_emotions, protocol)


def _spotting(tally: Tally) -> EvaluationReport:
    counts = {"tp": tally.tp, "fp": tally.fp, "fn": tally.fn}
    return counts | spotting_scores(**counts)


def _recognition(tally: Tally, protocol: Protocol) -> EvaluationReport:
    scores = recognition_scores(tally.confusion, protocol.emotions, protocol.absent_classes)
    return scores | {"support": int(scores["support"]), "confusion": tally.confusion.tolist()}


def _baselines(
    videos: Sequence[VideoIntervals], pooled: Tally, protocol: Protocol, length: int | None
) -> EvaluationReport:
    truths = np.concatenate([np.empty((0, 3), np.int64), *(video.true for video in videos)])
    lengths = np.sort(truths[:, 2] - truths[:, 0] + 1)
    drawn = length or (int(lengths[len(lengths) // 2]) if len(lengths) else 1)
    chance = chance_baselines([_chance_video(video, drawn, protocol) for video in videos], pooled, protocol)
    known = all(video.length for video in videos)
    return {
        "random_peaks": {name: chance.scores[f"spot_{name}"] for name in ("precision", "recall", "f1")}
        | {"length": drawn, "video_frames": "given" if known else "up to the last interval"},
        "majority_emotion": {"emotion": chance.emotion}
        | {name: chance.scores[f"recog_{name}"] for name in ("f1", "uf1", "uar")},
        "strs": chance.scores["strs"],
    }


def _chance_video(video: VideoIntervals, length: int, protocol: Protocol) -> ChanceVideo:
    """A video of unknown length is assumed to end with its last interval, which favours chance."""
    last = max([0, *video.predicted[:, 2].tolist(), *video.true[:, 2].tolist()])
    frames = video.length.frames if video.length else last + 1
    tally = _tally(video, protocol)
    return ChanceVideo(frames, tally.tp + tally.fp, length, video.true, video.true_emotions)


def _match(video: VideoIntervals, protocol: Protocol) -> NDArray[np.int64]:
    return match_video(video.predicted, video.predicted_emotions, video.true, video.true_emotions, protocol)


def _timing(videos: Sequence[VideoIntervals], protocol: Protocol) -> EvaluationReport | None:
    errors = [np.empty((0, 3))]
    for video in videos:
        if video.length is None or video.length.fps is None:
            return None
        errors.append(timing_errors(video.predicted, video.true, _match(video, protocol), video.length.fps))
    return dict(summarize_timing(np.concatenate(errors)))


def _ranking(videos: Sequence[VideoIntervals], protocol: Protocol) -> EvaluationReport | None:
    ranked = []
    for video in videos:
        if video.confidence is None:
            return None
        scored = _match(video, protocol) != NOT_SCORED
        ranked.append((video.predicted[scored], video.confidence[scored], video.true))
    curve = precision_recall_curve(ranked, protocol.iou)
    best = operating_point(curve)
    return {
        "average_precision": average_precision(curve),
        "operating_point": best._asdict() if best else None,
        "curve": {name: getattr(curve, name).tolist() for name in ("confidence", "precision", "recall")},
    }
