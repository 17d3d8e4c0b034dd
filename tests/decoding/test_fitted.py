"""A rule learns from the subjects that the protocol allows, and never from those that it judges."""

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import MEGC, Protocol
from memodule.intervals import Abstaining, LabelledCurve, PriorGuided

SUBJECTS = ("s1", "s2", "s3")


def catalog() -> Catalog:
    """Expressions of s1 last 20 frames, those of the others 40."""
    videos = tuple(Video(subject, "a", f"{subject}.avi", 30.0, 200) for subject in SUBJECTS)
    lengths = dict(zip(SUBJECTS, (20, 40, 40), strict=True))
    return Catalog(videos, tuple(Expression(s, "a", "micro", 50, None, 50 + lengths[s], "others") for s in SUBJECTS))


@pytest.mark.parametrize(
    ("protocol", "informed", "half_window"),
    [(MEGC, ("s1",), 10), (Protocol(fitted_on="all"), SUBJECTS, 20)],
)
def test_the_prior_is_fitted_on_whom_the_protocol_allows(protocol, informed, half_window):
    everyone = catalog()
    decoder = FittedDecoder.fit(PriorGuided(), protocol, training=everyone.of(["s1"]), everyone=everyone, frame_step=1)
    assert decoder.informed == informed
    assert decoder.rule.timing.half_window == half_window


@pytest.mark.parametrize(("parts", "groups"), [(None, [["s1"], ["s2"], ["s3"]]), (2, [["s1", "s3"], ["s2"]])])
def test_each_group_is_judged_by_a_rule_that_the_others_calibrated(parts, groups, monkeypatch):
    learned = {}
    monkeypatch.setattr(Abstaining, "calibrate", lambda rule, curves: learned.setdefault(id(rule), curves))
    curves = [(subject, LabelledCurve(np.zeros(9), np.empty((0, 3), int))) for subject in (*SUBJECTS, "s1")]
    decoder = FittedDecoder(Abstaining(PriorGuided()), MEGC)
    found = list(decoder.cross_calibrated(curves, parts))
    assert [judged for judged, _ in found] == groups
    for judged, calibrated in found:
        others = [curve for subject, curve in curves if subject not in judged]
        assert list(map(id, learned[id(calibrated.rule)])) == list(map(id, others))
    assert id(decoder.rule) not in learned


def test_a_single_subject_is_judged_without_calibration(monkeypatch):
    monkeypatch.setattr(Abstaining, "calibrate", lambda rule, curves: pytest.fail("calibrated"))
    curves = [("s1", LabelledCurve(np.zeros(9), np.empty((0, 3), int)))]
    ((judged, _),) = FittedDecoder(Abstaining(PriorGuided()), MEGC).cross_calibrated(curves)
    assert judged == ["s1"]
