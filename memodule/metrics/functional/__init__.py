"""Counting and scoring in plain numpy.

`tally_video` counts one video, tallies add up, `score` turns pooled counts into scores. Every option that moves a
score is a field of `memodule.protocol.Protocol`.
"""

from memodule.metrics.functional.matching import interval_iou, match_intervals
from memodule.metrics.functional.scores import (
    SCORES,
    recognition_scores,
    score,
    spot_then_recognize_score,
    spotting_scores,
)
from memodule.metrics.functional.tally import Tally, tally_video

__all__ = [
    "SCORES",
    "Tally",
    "interval_iou",
    "match_intervals",
    "recognition_scores",
    "score",
    "spot_then_recognize_score",
    "spotting_scores",
    "tally_video",
]
