import dataclasses

import numpy as np

from memodule.decoding.protocol import MEGC
from memodule.sensitivity.counting import Counted, SpottedCurve, count, inside


def spotted(*intervals):
    found = [(onset, (onset + offset) // 2, offset) for onset, offset in intervals]
    return SpottedCurve(np.zeros(200, np.float32), np.array(found, np.int64).reshape(-1, 3))


def test_a_movement_is_found_by_iou_or_touched_by_a_new_detection():
    movements = [(10, 14, 19), (50, 54, 59), (90, 94, 99), (130, 134, 139), (170, 174, 179)]
    untouched = spotted((55, 90), (130, 139))
    after = spotted(
        (12, 21),  # IoU .67 with the first
        (55, 88),  # was there before, with another end
        (98, 120),  # touches the third only
        (131, 140),  # matches the fourth, but so did the untouched recording
    )
    assert count(movements, untouched, after, MEGC) == [
        Counted(True, True, False),
        Counted(False, False, False),
        Counted(False, True, False),
        Counted(True, False, True),
        Counted(False, False, False),
    ]


def test_one_detection_finds_one_movement():
    movements = [(10, 14, 19), (20, 24, 29)]
    both = count(movements, spotted(), spotted((10, 29)), dataclasses.replace(MEGC, iou=0.5))
    assert sum(each.matched for each in both) == 1
    assert all(each.touched for each in both)


def test_nothing_is_found_without_detections():
    assert count([(3, 4, 5)], spotted(), spotted(), MEGC) == [Counted(False, False, False)]
    assert count([], spotted(), spotted((1, 9)), MEGC) == []


def test_samples_know_their_movement():
    assert inside([(1, 2, 3), (6, 6, 6)], 8).tolist() == [-1, 0, 0, 0, -1, -1, 1, -1]
