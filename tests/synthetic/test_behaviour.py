"""What people do: timing, strength, habits, and what masks a micro-expression."""

import collections
import dataclasses

import numpy as np
import pytest
from scipy import stats

from memodule.emotions import EMOTIONS
from memodule.synthetic.action_units import EMOTION_SETS, UNITS
from memodule.synthetic.behaviour import draw_performances
from memodule.synthetic.difficulty import DIFFICULTIES
from memodule.synthetic.label_statistics import STATISTICS
from memodule.synthetic.movements import Movement, draw_temperament

LEVELS = ("easy", "moderate", "realistic", "hard")


def act(level: str = "realistic", subjects: int = 40, videos: int = 5, frames: int = 300, fps: float = 30.0):
    """All performances, by subject."""
    difficulty = DIFFICULTIES[level]
    return [
        draw_performances(np.random.default_rng([11, subject]), difficulty, videos, frames, fps)
        for subject in range(subjects)
    ]


@pytest.fixture(scope="module", params=LEVELS)
def level(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def people(level):
    return act(level)


def movements(people, kind: str | None = "micro") -> list[Movement]:
    return [m for videos in people for video in videos for m in video.movements if m.kind == kind]


def test_micro_expressions_keep_to_the_stated_time_and_strength(people, level):
    difficulty, micros = DIFFICULTIES[level], movements(people)
    assert len(micros) > 150
    milliseconds = np.array([m.offset - m.onset + 1 for m in micros]) * 1000 / 30
    assert milliseconds.min() >= difficulty.micro_ms[0] - 17
    assert milliseconds.max() <= difficulty.micro_ms[1] + 17
    pixels = np.array([m.pixels for m in micros])
    low, high = difficulty.micro_px
    assert low <= pixels.min() < low + 0.15 * (high - low)
    assert high - 0.15 * (high - low) < pixels.max() <= high
    rises, falls = (np.array(x) for x in zip(*[(m.apex - m.onset, m.offset - m.apex) for m in micros], strict=True))
    assert rises.min() >= 1
    assert rises.max() <= 11
    assert falls.min() >= 1
    assert np.median(falls) > np.median(rises)


def gaps(video, kind: str, other: str) -> list[int]:
    """Frames from each expression of a kind to the nearest of another kind (or of its own); negative on overlap."""
    spans = {k: [(m.onset, m.offset) for m in video.movements if m.kind == k] for k in ("micro", "macro")}
    return [
        min(max(second[0] - first[1], first[0] - second[1]) - 1 for second in spans[other] if second is not first)
        for first in spans[kind]
        if len([second for second in spans[other] if second is not first])
    ]


def test_expressions_lie_in_the_video_in_order_and_one_kind_does_not_overlap_itself(people, level):
    pause = max(1, round(DIFFICULTIES[level].pause_ms * 30 / 1000))
    for videos in people:
        for video in videos:
            labelled = [m for m in video.movements if m.kind]
            assert all(m.onset >= pause and m.offset < 300 for m in labelled)
            assert [m.onset for m in labelled] == sorted(m.onset for m in labelled)
            assert all(gap >= pause for kind in ("micro", "macro") for gap in gaps(video, kind, kind))


@pytest.fixture(scope="module")
def many():
    return act(subjects=150, videos=5)


def test_durations_follow_the_published_distribution(many):
    """CAS(ME)^3: log-normal, median 21.8 frames at 30 fps, sigma .69 (memodule.synthetic.label_statistics)."""
    micros, macros = (np.array([m.offset - m.onset + 1 for m in movements(many, kind)]) for kind in ("micro", "macro"))
    published = STATISTICS["casme3"].micro_duration(stats.norm.ppf([0.1, 0.25, 0.5, 0.75, 0.9]))
    np.testing.assert_allclose(np.quantile(micros, [0.1, 0.25, 0.5, 0.75, 0.9]), published, rtol=0.15)
    assert np.mean(micros > 30) == pytest.approx(0.3, abs=0.05)
    assert np.mean(macros < np.quantile(micros, 0.75)) > 0.3  # duration does not tell the kinds apart


def test_durations_belong_to_the_subject_in_part(many):
    logs = [np.log([m.offset - m.onset + 1 for m in movements([videos])]) for videos in many]
    within = np.average([log.var(ddof=1) for log in logs if len(log) > 4], weights=[len(x) for x in logs if len(x) > 4])
    assert 1 - within / np.concatenate(logs).var() == pytest.approx(0.16, abs=0.07)


def test_some_micro_expressions_are_masked_by_a_macro_expression(people, level):
    nearest = np.array([gap for videos in people for video in videos for gap in gaps(video, "micro", "macro")])
    count = len(movements(people))
    difficulty = DIFFICULTIES[level]
    assert (nearest < 0).sum() / count == pytest.approx(difficulty.overlapped, abs=0.07)
    assert ((nearest >= 0) & (nearest <= 9)).sum() / count >= 0.8 * difficulty.beside


def test_a_rate_of_none_means_none():
    difficulty = dataclasses.replace(DIFFICULTIES["realistic"], micros_per_minute=0)
    made = draw_performances(np.random.default_rng(0), difficulty, 4, 900, 30)
    assert not movements([made])
    assert movements([made], "macro")


def test_some_videos_hold_no_micro_expression_but_every_subject_has_one(people, level):
    holds = np.array([[any(m.kind == "micro" for m in video.movements) for video in videos] for videos in people])
    assert holds.any(axis=1).all()
    assert 1 - holds.mean() == pytest.approx(DIFFICULTIES[level].empty_share, abs=0.06)


def test_one_video_is_enough_for_a_micro_expression():
    for videos in act(videos=1, frames=90):
        assert any(m.kind == "micro" for m in videos[0].movements)


def test_few_expressions_meet_every_emotion(people):
    for videos in people:
        emotions = [m.emotion for video in videos for m in video.movements if m.kind == "micro"]
        if len(emotions) >= 10:
            assert set(emotions[:10]) == set(EMOTIONS)


def test_an_emotion_has_several_sets_and_some_units_serve_several_emotions():
    assert tuple(EMOTION_SETS) == EMOTIONS
    users = collections.defaultdict(set)
    for emotion, sets in EMOTION_SETS.items():
        assert len(sets) >= 4
        for unit in {unit for units in sets for unit in units}:
            assert unit in UNITS
            users[unit].add(emotion)
    assert sum(len(emotions) > 1 for emotions in users.values()) >= 5
    assert set.intersection(*({frozenset(s) for s in EMOTION_SETS[e]} for e in ("negative", "others")))


def test_subjects_have_habits_of_their_own():
    difficulty = DIFFICULTIES["realistic"]
    people = [draw_temperament(np.random.default_rng(seed), difficulty) for seed in range(30)]
    favourites = {int(person.habits["negative"].argmax()) for person in people}
    assert len(favourites) >= 5
    assert np.mean([person.habits["negative"].max() for person in people]) > 0.3
    rates = [person.blinks_per_minute for person in people]
    assert max(rates) > 2 * min(rates)


def test_macro_expressions_look_alike_but_last_longer():
    micros, macros = (movements(act(), kind) for kind in ("micro", "macro"))
    assert {m.weights.index(max(m.weights)) for m in macros} & {m.weights.index(max(m.weights)) for m in micros}
    assert min(m.pixels for m in macros) < max(m.pixels for m in micros)
    assert np.median([m.offset - m.onset for m in macros]) > 1.4 * np.median([m.offset - m.onset for m in micros])


def test_realistic_movements_are_lopsided_and_partial():
    weights = np.array([m.weights for m in movements(act())])
    left, right = weights[:, 0::2].max(axis=1), weights[:, 1::2].max(axis=1)
    assert np.mean(np.abs(left - right) > 0.25) > 0.3
    several = weights[(weights > 0).reshape(len(weights), -1, 2).any(axis=2).sum(axis=1) > 1]
    used = np.where(several > 0, several, np.nan).reshape(len(several), -1, 2)
    strengths = np.nanmax(used, axis=2, where=~np.isnan(used), initial=0)
    hinted = np.array([s[s > 0].min() / s.max() < 0.55 for s in strengths])
    assert 0.3 < hinted.mean() < 0.8


def bouts(video) -> list[int]:
    """Length of runs of unlabelled movements that follow each other at once."""
    onsets = {m.onset: m.offset for m in video.movements if m.kind is None}
    runs = []
    for onset in onsets:
        if onset - 1 not in onsets.values():
            length = 1
            while (onset := onsets.get(onset, -2) + 1) in onsets:
                length += 1
            runs.append(length)
    return runs


def test_people_talk_and_chew_in_bouts_without_a_label(people, level):
    long = sum(length >= 3 for videos in people for video in videos for length in bouts(video))
    minutes = 40 * 5 * 10 / 60
    difficulty = DIFFICULTIES[level]
    expected = (difficulty.talks_per_minute + difficulty.chews_per_minute) * minutes
    assert 0.5 * expected <= long <= 1.2 * expected


def test_people_look_around_and_their_lids_follow(people, level):
    gaze = np.concatenate([video.gaze for videos in people for video in videos])
    lids = np.concatenate([video.lids for videos in people for video in videos])
    rate = DIFFICULTIES[level].glances_per_minute
    if not rate:
        assert not gaze.any()
        return
    assert 1 < np.mean(np.abs(gaze).max(axis=1) > 0.5) * 60 / rate < 2.5  # seconds each
    assert gaze[:, 0].std() > 1.2 * gaze[:, 1].std()
    down = gaze[:, 1] > 1
    assert lids[down].min() >= 0.05
    assert np.median(lids[gaze[:, 1] <= 0]) == 0


def test_harder_means_more_distraction():
    amounts = {level: [] for level in LEVELS}
    for level in LEVELS:
        people = act(level, subjects=25)
        heads = [(video.pose[:, :2], video.turn) for videos in people for video in videos]
        sway, turns = (np.mean([curve.std(axis=0).mean() for curve in curves]) for curves in zip(*heads, strict=True))
        amounts[level] = [len(movements(people, "macro")), len(movements(people, None)), sway, turns]
    assert (np.diff([amounts[level] for level in LEVELS], axis=0) > 0).all()


@pytest.mark.parametrize("fps", [25.0, 100.0])
def test_events_keep_their_milliseconds_at_other_frame_rates(fps):
    micros = movements(act(frames=int(10 * fps), fps=fps))
    milliseconds = np.array([m.offset - m.onset + 1 for m in micros]) * 1000 / fps
    assert np.median(milliseconds) == pytest.approx(727, rel=0.15)
    assert max(m.apex - m.onset for m in micros) * 1000 / fps <= 380
    blinks = [
        np.diff(video.lids > 0.4, prepend=0).clip(0).sum()
        for videos in act(fps=fps, frames=int(10 * fps))
        for video in videos
    ]
    assert 1 < np.mean(blinks) < 4


def test_course_is_zero_outside_and_one_at_the_apex():
    movement = Movement("macro", "", 5, 9, 30, 4, 2.0, 1.0, (1.0,))
    course = movement.course(40)
    assert not course[:5].any()
    assert not course[31:].any()
    assert (course[5:31] > 0).all()
    np.testing.assert_allclose(course[9:14], 1)
    assert course[22] < 0.5  # long tail: quickly at first
