"""The closed form of chance equals a simulation of it."""

import numpy as np
import pytest

from memodule.decoding.protocol import Protocol
from memodule.metrics.functional import ChanceVideo, Tally, chance_baselines, score, tally_video


def simulated(videos, protocol, rounds=3000, seed=0):
    """Mean spotting scores of intervals thrown at random and scored like any others."""
    rng = np.random.default_rng(seed)
    sums = np.zeros(3)
    for _ in range(rounds):
        total = Tally()
        for video in videos:
            onsets = rng.integers(0, video.frames - video.length + 1, video.predictions)
            thrown = np.stack([onsets, onsets + video.length - 1], axis=1)
            total += tally_video(thrown, [0] * len(thrown), video.true, video.true_emotions, protocol)
        scores = score(total, protocol)
        sums += [scores["spot_precision"], scores["spot_recall"], scores["spot_f1"]]
    return sums / rounds


@pytest.mark.parametrize("name", ["megc", "published"])
def test_expectation_equals_simulation(name):
    protocol = Protocol.preset(name)
    videos = [
        ChanceVideo(120, 4, 12, [[10, 20], [60, 75]], [0, 2]),
        ChanceVideo(60, 1, 10, [[30, 38]], [0]),
        ChanceVideo(80, 2, 12, [], []),  # its false alarms count under megc only
    ]
    scores = chance_baselines(videos, Tally(), protocol).scores
    expected = [scores["spot_precision"], scores["spot_recall"], scores["spot_f1"]]
    assert simulated(videos, protocol) == pytest.approx(expected, abs=0.006)
    assert 0.1 < scores["spot_f1"] < 0.5


def test_close_truths_make_it_an_upper_bound():
    videos = [ChanceVideo(40, 2, 10, [[10, 19], [12, 21], [14, 23]], [0, 0, 0])]
    chance = chance_baselines(videos, Tally())
    assert simulated(videos, Protocol())[2] <= chance.scores["spot_f1"]
    crowded = [ChanceVideo(12, 1, 10, [[0, 9], [1, 10], [2, 11]], [0, 0, 0])]  # one interval hits one truth, not three
    assert chance_baselines(crowded, Tally()).hits == 1


def test_the_majority_emotion_answers_for_every_hit():
    confusion = np.zeros((4, 5), int)
    confusion[0, 1], confusion[1, 1], confusion[3, 0] = 6, 3, 5
    videos = [ChanceVideo(100, 14, 10, [[i, i + 1] for i in range(19)], [0] * 6 + [1] * 3 + [3] * 10)]
    chance = chance_baselines(videos, Tally(tp=14, confusion=confusion))
    assert chance.emotion == "negative"  # 'others' is more frequent but not scored
    precision, recall = (6 / 9) / 3, 1 / 3
    assert chance.scores["recog_f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert chance.scores["recog_uar"] == pytest.approx(1 / 3)
    assert chance.scores["strs"] == pytest.approx(chance.scores["spot_f1"] * chance.scores["recog_f1"])


@pytest.mark.parametrize(
    "video",
    [
        ChanceVideo(100, 0, 10, [[3, 9]], [0]),
        ChanceVideo(0, 3, 10, [[3, 9]], [0]),
        ChanceVideo(100, 3, 10, [], []),
        ChanceVideo(100, 3, 0, [[60, 10]], [-1]),
    ],
)
def test_where_nothing_can_be_hit_chance_is_0(video):
    assert set(chance_baselines([video], Tally()).scores.values()) == {0.0}
    assert set(chance_baselines([], Tally()).scores.values()) == {0.0}


def test_a_prior_longer_than_the_video_is_the_video():
    assert chance_baselines([ChanceVideo(20, 1, 99, [[0, 19]], [0])], Tally()).scores["spot_f1"] == 1
