from memodule.flow import FlowParameters
from memodule.flow.quality import WindowQuality
from memodule.spotting.coverage import find_stretches


def window(reference, saturated=0):
    """A window whose first face is in its sample `reference`."""
    return WindowQuality(reference, None, 0, saturated, ())


SEEN, UNSEEN = window(0), window(None)


def spans(windows, count, stale=(), phases=1):
    parameters = FlowParameters(10, phases=phases)
    stretches = find_stretches(windows, parameters, [i in stale for i in range(count)], 10)
    assert [s.first for s in stretches] == [0, *(s.last + 1 for s in stretches[:-1])]
    assert stretches[-1].last == count - 1
    return [(s.first, s.last, s.reason) for s in stretches]


def test_a_face_throughout_is_one_analysed_stretch():
    assert spans([SEEN] * 3, 20) == [(0, 19, None)]


def test_no_face_at_all_is_one_stretch_that_is_not_analysed():
    assert spans([UNSEEN] * 3, 20) == [(0, 19, "no face")]


def test_a_face_that_comes_late_begins_where_it_is_first_seen():
    assert spans([window(7), window(2), SEEN], 20) == [(0, 6, "no face"), (7, 19, None)]


def test_where_the_face_was_lost_nothing_is_known_since_the_last_look():
    # seen at 0 and 5, searched in vain from 10 to 16, seen again at 17
    windows = [SEEN, SEEN, window(7), window(2), SEEN]
    assert spans(windows, 30) == [(0, 5, None), (6, 16, "no face"), (17, 29, None)]


def test_a_short_miss_of_the_detector_loses_nothing():
    assert spans([SEEN, window(2), SEEN], 20) == [(0, 19, None)]


def test_a_face_that_leaves_for_good():
    assert spans([SEEN, SEEN, UNSEEN, UNSEEN], 25) == [(0, 5, None), (6, 24, "no face")]


def test_gaps_of_the_recording_and_heads_that_cannot_be_followed_are_named():
    windows = [SEEN, window(0, 9), SEEN, SEEN]
    reason = "head too fast to follow, or face lost"
    assert spans(windows, 25, stale=(20, 21)) == [
        (0, 9, None),
        (10, 14, reason),
        (15, 19, None),
        (20, 21, "no frames"),
        (22, 24, None),
    ]


def test_of_several_phases_half_must_follow_the_head():
    """Windows begin at 0, 2, 5, 7 and 10."""
    reason = "head too fast to follow, or face lost"
    assert spans([SEEN, SEEN, window(0, 9), SEEN, SEEN], 20, phases=2) == [
        (0, 9, None),
        (10, 14, reason),
        (15, 19, None),
    ]
    assert spans([SEEN, SEEN, window(0, 9), SEEN, SEEN], 18, phases=3) == [(0, 17, None)]


def test_every_phase_looks_for_the_face():
    assert spans([SEEN, window(1), SEEN], 15, phases=2) == [(0, 14, None)]
    assert spans([SEEN, window(4), window(1), SEEN], 17, phases=2) == [(0, 0, None), (1, 5, "no face"), (6, 16, None)]
