"""The chance level on the same videos.

Spotting: in every video as many intervals as the run predicts, at uniformly random places, with the prior's length.
Recognition: the most frequent emotion for every true positive of the run.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from memodule.decoding.protocol import MEGC, Protocol
from memodule.emotions import EMOTIONS
from memodule.metrics.functional.matching import as_frames, interval_iou
from memodule.metrics.functional.scores import Numbers, score_counts
from memodule.metrics.functional.tally import Tally


class ChanceVideo(NamedTuple):
    """What random spotting needs to know about one video, and its truths.

    Attributes:
        frames: Number of frames of the video, in the same frames as `true`.
        predictions: Number of intervals that the run predicts there (without neutral ones if the protocol filters
            them).
        length: Length of the prior in frames, both ends included.
        true: (m, 2) or (m, 3) frames of the truths.
        true_emotions: (m,) class indices 0..3; -1 = unknown.
    """

    frames: int
    predictions: int
    length: int
    true: ArrayLike
    true_emotions: ArrayLike


@dataclasses.dataclass(frozen=True)
class ChanceBaselines:
    """The scores that chance reaches.

    Attributes:
        scores: One number in 0..1 for each of `SCORES`; `strs` is the product of the two F1.
        hits: Expected number of true positives of random intervals.
        emotion: The constant answer of the recognition baseline: the most frequent one of the scored truths.
    """

    scores: dict[str, float]
    hits: float
    emotion: str


def chance_baselines(videos: Sequence[ChanceVideo], tally: Tally, protocol: Protocol = MEGC) -> ChanceBaselines:
    """The expected scores of random intervals, and the scores of the majority emotion.

    The numbers of predictions and truths are given, so spotting precision, recall and F1 are linear in the number of
    hits, and their expectation is exact in closed form if a random interval can hit only one truth: a truth that a
    single interval hits with probability q is hit by one of k with 1 - (1 - q)^k. If truths are so close together that
    one interval may hit either, this is an upper bound.

    Args:
        videos: The videos that are scored; those that the protocol leaves out are skipped here too.
        tally: The pooled counts of the run; the majority emotion is tried on its true positives.

    >>> video = ChanceVideo(frames=1000, predictions=2, length=20, true=[[100, 119]], true_emotions=[0])
    >>> chance = chance_baselines([video], Tally(tp=1, fp=1))
    >>> round(chance.scores["spot_f1"], 4), chance.emotion  # 13 of 981 places hit
    (0.0176, 'negative')
    """
    scored = [video for video in videos if protocol.videos == "all" or len(as_frames(video.true))]
    hits = sum(expected_hits(video, protocol.iou) for video in scored)
    predictions = sum(video.predictions for video in scored)
    truths = sum(len(as_frames(video.true)) for video in scored)
    emotion = _majority(scored, protocol)
    counts = np.concatenate([[hits, predictions - hits, truths - hits], _always(emotion, tally).ravel()])
    scores = {name: float(value) for name, value in score_counts(counts, protocol).items()}
    return ChanceBaselines(scores, float(hits), emotion)


def expected_hits(video: ChanceVideo, iou: float = 0.5) -> float:
    """The expected number of truths that random intervals of the prior's length hit, 0..number of predictions.

    Intervals are entirely inside the video; every place has the same probability.
    """
    true = as_frames(video.true)
    if len(true) == 0 or video.predictions <= 0 or video.frames <= 0:
        return 0.0
    length = min(max(video.length, 1), video.frames)
    onsets = np.arange(video.frames - length + 1)
    overlap = interval_iou(np.stack([onsets, onsets + length - 1], axis=1), true)
    single = (overlap >= iou).mean(axis=0)
    return float(min((1 - (1 - single) ** video.predictions).sum(), video.predictions))


def _majority(videos: Sequence[ChanceVideo], protocol: Protocol) -> str:
    """The most frequent scored emotion; the first of them if nothing is labelled."""
    labels = [int(label) for video in videos for label in np.asarray(video.true_emotions, np.int64).ravel()]
    return max(protocol.emotions, key=lambda emotion: labels.count(EMOTIONS.index(emotion)))


def _always(emotion: str, tally: Tally) -> Numbers:
    """The confusion of the run's true positives if all of them had been given this emotion."""
    confusion = np.zeros(tally.confusion.shape)
    confusion[:, EMOTIONS.index(emotion)] = tally.confusion.sum(axis=1)
    return confusion
