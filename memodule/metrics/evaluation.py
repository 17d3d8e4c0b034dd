"""Everything that is said about a file of predictions: scores, intervals, chance, and details on request."""

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

Report = dict[str, Any]
"""Plain values, ready for JSON."""


def tally_subjects(videos: Sequence[VideoIntervals], protocol: Protocol) -> dict[str, Tally]:
    """The counts of every subject, those without predictions or truths included.

    Args:
        videos: All videos; the protocol decides which count.
        protocol: The rules.

    Returns:
        Counts by subject, in the order of their first video.
    """
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
) -> Report:
    """Score predictions, with bootstrap intervals over subjects and chance baselines.

    Args:
        videos: All videos that are scored.
        protocol: The rules.
        prior_length: Length in frames of the intervals that chance throws; the (upper) median length of the truths
            unless given.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

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


def details(videos: Sequence[VideoIntervals], protocol: Protocol) -> Report:
    """IoU sweep, timing errors and ranking by confidence.

    Args:
        videos: All videos.
        protocol: The rules; the sweep replaces its IoU.

    Returns:
        `sweep`: for each IoU the scores; `timing`: onset, apex, offset errors of true positives in ms, or None where no
        frame rate is known; `ranking`: average precision, best operating point and curve, or None without confidences.
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


def per_subject(tallies: Mapping[str, Tally], protocol: Protocol) -> dict[str, Report]:
    """Counts and scores of each subject on its own; a small subject's scores say little.

    Args:
        tallies: Counts by subject.
        protocol: The rules.

    Returns:
        By subject tp, fp, fn, precision, recall, f1 of spotting, and one number for each of `SCORES`.
    """
    return {subject: _spotting(tally) | score(tally, protocol) for subject, tally in tallies.items()}


def kinds(micro: Sequence[VideoIntervals], macro: Sequence[VideoIntervals], protocol: Protocol) -> Report:
    """Spotting of macro-expressions, and of both kinds with their counts added up.

    Args:
        micro: Micro-expressions of all videos.
        macro: Macro-expressions of the same videos.
        protocol: The rules.

    Returns:
        macro and overall, each tp, fp, fn, precision, recall, f1.
    """
    tallies = [sum((_tally(video, protocol) for video in videos), Tally()) for videos in (micro, macro)]
    return {"macro": _spotting(tallies[1]), "overall": _spotting(sum(tallies, Tally()))}


def compare(first: Mapping[str, Tally], second: Mapping[str, Tally], protocol: Protocol, seed: int = 0) -> Report:
    """The paired test of two runs, score by score.

    Args:
        first: Counts by subject of one run.
        second: Of the other, for the same subjects.
        protocol: The rules.
        seed: Of bootstrap and permutations.

    Returns:
        For each of `SCORES` both values, their difference (first - second), its 95 % interval and p.

    Raises:
        UserError: If the subjects differ, or the labels behind the counts do.
    """
    return {name: dataclasses.asdict(row) for name, row in paired_test(first, second, protocol, seed=seed).items()}


def _tally(video: VideoIntervals, protocol: Protocol) -> Tally:
    return tally_video(video.predicted, video.predicted_emotions, video.true, video.true_emotions, protocol)


def _spotting(tally: Tally) -> Report:
    counts = {"tp": tally.tp, "fp": tally.fp, "fn": tally.fn}
    return counts | spotting_scores(**counts)


def _recognition(tally: Tally, protocol: Protocol) -> Report:
    scores = recognition_scores(tally.confusion, protocol.emotions, protocol.absent_classes)
    return scores | {"support": int(scores["support"]), "confusion": tally.confusion.tolist()}


def _baselines(videos: Sequence[VideoIntervals], pooled: Tally, protocol: Protocol, length: int | None) -> Report:
    truths = np.concatenate([np.empty((0, 3), np.int64), *(video.true for video in videos)])
    lengths = np.sort(truths[:, 2] - truths[:, 0] + 1)
    thrown = length or (int(lengths[len(lengths) // 2]) if len(lengths) else 1)
    luck = chance_baselines([_chance_video(video, thrown, protocol) for video in videos], pooled, protocol)
    known = all(video.length for video in videos)
    return {
        "random_peaks": {name: luck.scores[f"spot_{name}"] for name in ("precision", "recall", "f1")}
        | {"length": thrown, "video_frames": "given" if known else "up to the last interval"},
        "majority_emotion": {"emotion": luck.emotion}
        | {name: luck.scores[f"recog_{name}"] for name in ("f1", "uf1", "uar")},
        "strs": luck.scores["strs"],
    }


def _chance_video(video: VideoIntervals, length: int, protocol: Protocol) -> ChanceVideo:
    """Without a known length the video is taken to end with its last interval, which favours chance."""
    last = max([0, *video.predicted[:, 2].tolist(), *video.true[:, 2].tolist()])
    frames = video.length.frames if video.length else last + 1
    tally = _tally(video, protocol)
    return ChanceVideo(frames, tally.tp + tally.fp, length, video.true, video.true_emotions)


def _match(video: VideoIntervals, protocol: Protocol) -> NDArray[np.int64]:
    return match_video(video.predicted, video.predicted_emotions, video.true, video.true_emotions, protocol)


def _timing(videos: Sequence[VideoIntervals], protocol: Protocol) -> Report | None:
    errors = [np.empty((0, 3))]
    for video in videos:
        if video.length is None or video.length.fps is None:
            return None
        errors.append(timing_errors(video.predicted, video.true, _match(video, protocol), video.length.fps))
    return dict(summarize_timing(np.concatenate(errors)))


def _ranking(videos: Sequence[VideoIntervals], protocol: Protocol) -> Report | None:
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
