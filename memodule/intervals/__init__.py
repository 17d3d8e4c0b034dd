"""Score curve + prior -> intervals with a confidence, and the emotion of each interval."""

from memodule.intervals.base import Detections, LabelledCurve, SelectionRule
from memodule.intervals.challenge import ChallengeRule
from memodule.intervals.emotion_vote import frame_emotions, vote_emotions
from memodule.intervals.fixed_window import FixedWindow
from memodule.intervals.prior_guided import PriorGuided

__all__ = [
    "ChallengeRule",
    "Detections",
    "FixedWindow",
    "LabelledCurve",
    "PriorGuided",
    "SelectionRule",
    "frame_emotions",
    "vote_emotions",
]
