"""Selection rules: score curve -> intervals with a confidence; and the emotion of each interval."""

from memodule.intervals.abstaining import Abstaining
from memodule.intervals.base import Detections, LabelledCurve, SelectionRule
from memodule.intervals.calibrated import Calibrated
from memodule.intervals.challenge import ChallengeRule
from memodule.intervals.class_prior import ClassPrior
from memodule.intervals.description import build_rule, describe_rule
from memodule.intervals.emotion_vote import frame_emotions, vote_emotions
from memodule.intervals.event_boxes import EventBoxes
from memodule.intervals.fixed_window import FixedWindow
from memodule.intervals.prior_guided import PriorGuided
from memodule.intervals.relative_height import RelativeHeight
from memodule.intervals.rise_fall import RiseFall
from memodule.intervals.semi_markov import SemiMarkov
from memodule.intervals.two_length import TwoLength

__all__ = [
    "Abstaining",
    "Calibrated",
    "ChallengeRule",
    "ClassPrior",
    "Detections",
    "EventBoxes",
    "FixedWindow",
    "LabelledCurve",
    "PriorGuided",
    "RelativeHeight",
    "RiseFall",
    "SelectionRule",
    "SemiMarkov",
    "TwoLength",
    "build_rule",
    "describe_rule",
    "frame_emotions",
    "vote_emotions",
]
