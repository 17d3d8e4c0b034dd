"""What blind luck would score on the same videos.

Spotting: in every video as many peaks as the run predicts, each at a uniformly random place, with the prior's length.
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
    """What a blind spotter knows about one video, and its truths.

    Attributes:
        frames: Number of frames of the video, in the same frames as `true`.
        predictions: How many intervals the run predicts there (neutral ones left out where the protocol filters them).
        length: Length of the prior in frames, both ends counted.
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
    """The scores of blind luck.

    Attributes:
        scores: One number in 0..1 for each of `SCORES`; `strs` is the product of the two F1.
        hits: Expected number of true positives of random peaks.
        emotion: The emotion that the recognition baseline always answers: the most frequent one of the scored truths.
    """

    scores: dict[str, float]
    hits: float
    emotion: str


def chance_baselines(videos: Sequence[ChanceVideo], tally: Tally, protocol: Protocol = MEGC) -> ChanceBaselines:
    """The expected scores of random peaks, and the scores of the majority emotion.

    The numbers of predictions and truths are given, so spotting precision, recall and F1 are linear in the number of
    hits, and their expectation is exact in closed form wherever a random interval can hit only one truth: a truth that
    a single interval hits with probability q is hit by one of k with 1 - (1 - q)^k. Where truths lie so close
    together that one interval may hit either, this is an upper bound.

    Args:
        videos: The videos that are scored; those that the protocol leaves out are skipped here too.
        tally: The pooled counts of the run: its true positives are what the majority emotion is tried on.
        protocol: The rules; `megc` unless given.

    Returns:
        Expected scores of random peaks, and the scores of the majority emotion.

    >>> video = ChanceVideo(frames=1000, predictions=2, length=20, true=[[100, 119]], true_emotions=[0])
    >>> luck = chance_baselines([video], Tally(tp=1, fp=1))
    >>> round(luck.scores["spot_f1"], 4), luck.emotion  # 13 of 981 places hit
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
    """The expected number of truths that random intervals of the prior's length hit.

    Args:
        video: The video; intervals lie wholly inside it, at every place with the same probability.
        iou: Smallest intersection over union of a hit.

    Returns:
        A number from 0 to the number of predictions; 0 where there is nothing to hit or to predict.
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
    """The confusion of the run's true positives, had all of them been given this emotion."""
    confusion = np.zeros(tally.confusion.shape)
    confusion[:, EMOTIONS.index(emotion)] = tally.confusion.sum(axis=1)
    return confusion
