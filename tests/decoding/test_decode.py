import csv
from pathlib import Path

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.comparison import compared
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import decode, labelled_curve, write_predictions, write_truth
from memodule.decoding.protocol import Protocol
from memodule.intervals import ClassPrior, FixedWindow
from memodule.metrics.evaluation import tally_subjects

STEP = 7


def bump(centre: int = 40, length: int = 90, emotion: int = 1) -> VideoCurve:
    """A score peak of +-4 samples around `centre`, whose frames say `emotion`."""
    score = np.zeros(length, np.float32)
    score[centre - 4 : centre + 5] = 1 - np.abs(np.arange(-4, 5)) / 8
    logits = np.zeros((length, 5), np.float32)
    logits[:, emotion] = 3
    return VideoCurve("006", "1", score, logits, 200.0, STEP)


def micro(onset: int, offset: int, emotion: str = "positive", apex: int | None = None) -> Expression:
    return Expression("006", "1", "micro", onset, apex, offset, emotion)


def test_a_sampled_frame_stands_for_all_its_source_frames():
    decoded = decode(bump(), FixedWindow(half_window=4), Protocol())
    assert decoded.sampled.tolist() == [[36, 40, 44]]
    assert decoded.frames.tolist() == [[36 * 7, 40 * 7, 44 * 7 + 6]]
    assert decoded.emotions.tolist() == [1]
    assert decoded.confidence[0] > 0


def catalog(*expressions: Expression) -> Catalog:
    return Catalog((Video("006", "1", Path("1"), 200, 630),), expressions)


def test_the_protocol_decides_in_which_frames_intervals_are_compared():
    decoded = decode(bump(), FixedWindow(half_window=4), Protocol())
    labels = catalog(micro(250, 318, apex=279), micro(500, 560))
    source = compared(decoded, labels, Protocol())
    assert (source.predicted.tolist(), source.true.tolist()) == ([[252, 280, 314]], [[250, 279, 318], [500, -1, 560]])
    assert (source.length.frames, source.length.fps) == (630, 200)
    sampled = compared(decoded, labels, Protocol.preset("published"))
    assert (sampled.predicted.tolist(), sampled.true.tolist()) == ([[36, 40, 44]], [[35, 39, 45], [71, -1, 80]])
    assert (sampled.length.frames, sampled.length.fps) == (90, pytest.approx(200 / 7))


def test_hits_misses_and_false_alarms_are_counted():
    decoded = decode(bump(), FixedWindow(half_window=4), Protocol())
    labels = catalog(micro(250, 318, "negative"), micro(500, 560))
    tally = tally_subjects([compared(decoded, labels, Protocol())], Protocol())["006"]
    assert (tally.tp, tally.fp, tally.fn) == (1, 0, 1)
    assert tally.confusion[0, 1] == 1
    alone = tally_subjects([compared(decoded, catalog(), Protocol())], Protocol())["006"]
    assert (alone.tp, alone.fp, alone.fn) == (0, 1, 0)


@pytest.mark.parametrize(("neutral", "emotion"), [("keep", 4), ("zero", 1), ("drop", 1)])
def test_the_neutral_logit_is_treated_as_the_protocol_says(neutral, emotion):
    curve = bump()
    curve.logits[:, 4] = 9
    decoded = decode(curve, FixedWindow(half_window=4), Protocol(neutral=neutral))
    assert decoded.emotions.tolist() == [emotion]


@pytest.mark.parametrize(("protocol", "hits"), [(Protocol(), 1), (Protocol(short_intervals="neutral"), 0)])
def test_an_expression_of_three_samples_is_a_hit_if_short_intervals_vote(protocol, hits):
    decoded = decode(bump(), FixedWindow(half_window=1), protocol)
    assert decoded.sampled.tolist() == [[39, 40, 41]]
    assert decoded.emotions.tolist() == [1 if hits else 4]
    truth = catalog(micro(39 * STEP, 41 * STEP + 6))
    tally = tally_subjects([compared(decoded, truth, protocol)], protocol)["006"]
    assert (tally.tp, tally.fn) == (hits, 1 - hits)


@pytest.mark.parametrize(("protocol", "emotion"), [(Protocol(), 1), (Protocol(short_intervals="neutral"), 4)])
def test_the_protocol_decides_on_short_intervals_whose_emotion_a_rule_assigns(protocol, emotion):
    rule = ClassPrior(FixedWindow(half_window=1))
    rule.fit([micro(100, 120), micro(200, 230), micro(300, 324)], fps=200, frame_step=STEP)
    rule.rule.half_window = 1
    assert decode(bump(), rule, protocol).emotions.tolist() == [emotion]


def test_labels_reach_the_rules_in_sampled_frames():
    macro = Expression("006", "1", "macro", 400, None, 470, "")
    curve = labelled_curve(bump(), catalog(micro(140, 210, "surprise", 170), micro(280, 343), macro))
    assert curve.micro.tolist() == [[20, 24, 30], [40, 44, 49]]  # the unknown apex is put in the middle
    assert curve.macro.tolist() == [[57, 62, 67]]
    assert curve.emotions.tolist() == [2, 1]
    np.testing.assert_allclose(curve.probabilities.sum(1), 1, rtol=1e-6)


def test_predictions_and_truth_are_written_in_source_frames(tmp_path):
    write_predictions(tmp_path / "p.csv", [decode(bump(), FixedWindow(half_window=4), Protocol())])
    write_truth(tmp_path / "t.csv", [micro(250, 318, apex=280), micro(500, 560)])
    (prediction,) = csv.DictReader((tmp_path / "p.csv").open())
    first, second = csv.DictReader((tmp_path / "t.csv").open())
    assert [prediction[c] for c in ("subject", "video", "onset", "apex", "offset", "emotion")] == [
        "006", "1", "252", "280", "314", "positive",
    ]  # fmt: skip
    assert first == {
        "subject": "006",
        "video": "1",
        "onset": "250",
        "apex": "280",
        "offset": "318",
        "emotion": "positive",
    }
    assert second["apex"] == ""
