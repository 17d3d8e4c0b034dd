"""ClassPrior's label follows probability mass, frequency and duration, one at a time."""

import numpy as np
import pytest

from memodule.datasets import Expression
from memodule.emotions import EMOTIONS, FRAME_CLASSES
from memodule.intervals import ClassPrior, FixedWindow
from memodule.intervals.class_prior import class_mass

NEGATIVE, POSITIVE, SURPRISE, OTHERS, NEUTRAL = range(5)


def training(**counted):
    """`emotion=(count, length)` in frames."""
    return [
        Expression("001", "a", "micro", 100 * i, 100 * i + 2, 100 * i + length - 1, emotion)
        for emotion, (count, length) in counted.items()
        for i in range(count)
    ]


def prior(expressions, **options):
    return ClassPrior(FixedWindow(), **options).fit(expressions, fps=30)


def frames_of(length):
    return np.array([[10, 12, 10 + length - 1]])


def probabilities(**shares):
    """The same in each of 100 frames."""
    return np.tile([shares.get(name, 0.0) for name in FRAME_CLASSES], (100, 1))


EVEN = training(negative=(30, 20), positive=(30, 20), surprise=(30, 20), others=(30, 20))


def test_with_even_priors_the_largest_mass_wins():
    seen = probabilities(negative=0.2, positive=0.3, surprise=0.25, others=0.1, neutral=0.15)
    assert prior(EVEN).vote(frames_of(20), seen).tolist() == [POSITIVE]


def test_mass_counts_only_inner_frames():
    """Frames onset + 1 .. offset - 2 vote."""
    seen = probabilities(surprise=1.0)
    seen[12:27] = [1, 0, 0, 0, 0]
    assert class_mass(np.array([[11, 13, 28]]), seen)[0].tolist() == [1, 0, 0, 0, 0]
    assert class_mass(np.array([[10, 13, 29]]), seen)[0].tolist() == pytest.approx([15 / 17, 0, 2 / 17, 0, 0])
    assert class_mass(np.array([[5, 6, 8]]), seen)[0].tolist() == [0, 0, 1, 0, 0]
    assert class_mass(np.array([[5, 6, 7]]), seen)[0].tolist() == [0, 0, 1, 0, 0]  # no inner frame: all count
    assert class_mass(np.array([[200, 201, 202]]), seen)[0].tolist() == [0, 0, 0, 0, 1]  # outside: neutral


def test_frequency_tips_the_scale_where_masses_are_close():
    """91 of 120 + 4 are negative, so that counts as 92/124 against 11/124 for positive: odds of 8.4."""
    rare = training(negative=(91, 20), positive=(10, 20), surprise=(10, 20), others=(9, 20))
    close = probabilities(negative=0.1, positive=0.8, neutral=0.1)  # odds of 8 for positive
    clear = probabilities(negative=0.09, positive=0.81, neutral=0.1)  # odds of 9
    rule = prior(rare, durations=False)
    assert rule.vote(frames_of(20), close).tolist() == [NEGATIVE]
    assert rule.vote(frames_of(20), clear).tolist() == [POSITIVE]
    assert prior(rare, durations=False, frequencies=False).vote(frames_of(20), close).tolist() == [POSITIVE]
    assert np.exp(rule.log_frequency).tolist() == pytest.approx([92 / 124, 11 / 124, 11 / 124, 10 / 124])


def test_duration_tips_the_scale_where_masses_are_close():
    timed = training(negative=(40, 40), positive=(40, 10), surprise=(40, 20), others=(40, 20))
    seen = probabilities(negative=0.45, positive=0.45, neutral=0.1)
    rule = prior(timed)
    assert rule.vote(frames_of(10), seen).tolist() == [POSITIVE]
    assert rule.vote(frames_of(40), seen).tolist() == [NEGATIVE]
    off = prior(timed, durations=False)
    assert off.vote(frames_of(10), seen).tolist() == off.vote(frames_of(40), seen).tolist()


def test_the_usual_length_of_a_rare_emotion_is_drawn_towards_the_overall_one():
    """One example of length 80 beside 99 of length 20: an eleventh of the way."""
    rule = prior(training(negative=(99, 20), positive=(1, 80)))
    shift = rule.log_median[POSITIVE] - np.log(20)
    assert shift == pytest.approx(np.log(80 / 20) * 1 / 11)
    assert rule.log_median[SURPRISE] == pytest.approx(np.log(20))  # never seen


def test_neutral_wins_where_it_outweighs_all_emotions_together_unless_switched_off():
    doubtful = probabilities(negative=0.15, positive=0.25, surprise=0.09, neutral=0.51)
    sure = probabilities(negative=0.15, positive=0.25, surprise=0.11, neutral=0.49)
    assert prior(EVEN).vote(frames_of(20), doubtful).tolist() == [NEUTRAL]
    assert prior(EVEN).vote(frames_of(20), sure).tolist() == [POSITIVE]
    assert prior(EVEN, neutral=False).vote(frames_of(20), doubtful).tolist() == [POSITIVE]


def test_it_labels_what_the_other_rule_finds_and_changes_no_interval():
    curve = np.zeros(200)
    curve[50:70] = 0.8
    seen = np.tile([0.1, 0.1, 0.1, 0.1, 0.6], (200, 1))
    seen[50:70] = [0, 0, 0.9, 0, 0.1]
    rule = prior(EVEN)
    found, plain = rule.detect(curve, seen), FixedWindow().fit(EVEN, fps=30).detect(curve, seen)
    assert found.frames.tolist() == plain.frames.tolist()
    assert found.confidence.tolist() == plain.confidence.tolist()
    assert found.emotions.tolist() == [EMOTIONS.index("surprise")]
    assert rule.detect(curve).emotions is None  # without probabilities frames vote
