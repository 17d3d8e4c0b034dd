"""Each parameter of the simulated curves does what it says, measured on curves; equal seeds give equal curves."""

import dataclasses

import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.emotions import EMOTIONS, NEUTRAL
from memodule.synthetic.curve_statistics import simulated_statistics
from memodule.synthetic.score_curves import ScoreModel, simulate_curves
from memodule.synthetic.timelines import simulate_timelines

PLAIN = ScoreModel(amplitude=0.5, blur_ms=1e-6, base=0.1, confusion=0.0)
"""Bumps of .5 on a base of .1 and nothing else; each test turns one knob."""

MICRO = [(100 * i + 40, 100 * i + 50, 100 * i + 70) for i in range(9)]
MACRO = [(100 * i + 40, 100 * i + 50, 100 * i + 70) for i in range(9, 18)]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """Twenty subjects with 5 videos of 2,000 frames at 100 fps: 900 micro- and 900 macro-expressions."""
    folder = tmp_path_factory.mktemp("simulated")
    keys = [(f"{s:03d}", f"{v}") for s in range(20) for v in range(5)]
    videos = [Video(*key, folder / f"{key[0]}_{key[1]}", 100.0, 2000) for key in keys]
    expressions = [Expression(*key, "micro", *row, EMOTIONS[i % 4]) for key in keys for i, row in enumerate(MICRO)] + [
        Expression(*key, "macro", *row, "") for key in keys for row in MACRO
    ]
    return Catalog(tuple(videos), tuple(expressions))


def scores(catalog, seed=0, **changed):
    """(videos, T) curves of `PLAIN` with some parameters changed."""
    labelled = simulate_curves(catalog, dataclasses.replace(PLAIN, **changed), seed=seed)
    return np.stack([one.curve for one in labelled.values()])


def at(curves, rows, place=1):
    """(n,) scores at the apexes of all expressions."""
    return curves[:, [row[place] for row in rows]].ravel()


def test_the_plain_curve_is_a_box_on_inner_frames_and_flat_elsewhere(catalog):
    curves = scores(catalog)
    expected = np.full(2000, 0.1)
    for onset, _, offset in MICRO:
        expected[onset + 1 : offset] = 0.6
    np.testing.assert_allclose(curves, np.broadcast_to(expected, curves.shape), atol=1e-9)


def correlation(noise, lag):
    return np.mean(noise[:, lag:] * noise[:, :-lag]) / np.mean(noise**2)


@pytest.mark.parametrize("level", [0.05, 0.1])
def test_noise_has_the_given_size_and_forgets_each_part_exponentially(catalog, level):
    base = 0.5  # far from 0 and 1, where scores are cut
    mixed = {"noise_ms": (0.0, 50.0, 400.0), "noise_shares": (1, 2, 1)}
    noise = scores(catalog, noise=level, base=base, missed=1.0, **mixed) - base
    assert noise.std() == pytest.approx(level, rel=0.05)
    for lag in (1, 5, 20, 60):  # 10 ms each
        expected = 0.5 * np.exp(-lag / 5) + 0.25 * np.exp(-lag / 40)
        assert correlation(noise, lag) == pytest.approx(expected, abs=0.03)


def test_parts_of_many_seconds_are_drift(catalog):
    """What a walk of 30 s keeps within a video of 20 s: its level in each quarter differs, its neighbours do not."""
    noise = scores(catalog, noise=0.1, base=0.5, missed=1.0, noise_ms=(30000.0,)) - 0.5
    quarters = noise.reshape(len(noise), 4, -1).mean(axis=2)
    assert quarters.std(axis=1).mean() > 0.02
    assert np.abs(np.diff(noise, axis=1)).mean() < 0.004


def test_heights_spread_as_given(catalog):
    heights = at(scores(catalog, amplitude_sd=0.1), MICRO) - 0.1
    assert heights.mean() == pytest.approx(0.5, abs=0.015)
    assert heights.std() == pytest.approx(0.1, rel=0.1)
    assert np.ptp(at(scores(catalog), MICRO)) < 1e-9


def test_the_given_share_is_missed(catalog):
    for share in (0.1, 0.4):
        heights = at(scores(catalog, missed=share), MICRO)
        assert (heights < 0.11).mean() == pytest.approx(share, abs=0.05)
        assert (np.isclose(heights, 0.6) | np.isclose(heights, 0.1)).all()


def test_macro_expressions_leak_as_given_and_nothing_else_does(catalog):
    quiet, leaking = scores(catalog), scores(catalog, macro_leak=0.3)
    assert np.allclose(at(quiet, MACRO), 0.1)
    assert (at(leaking, MACRO) - 0.1).mean() == pytest.approx(0.3, abs=0.02)
    assert (at(leaking, MACRO) - 0.1).std() == pytest.approx(0.15, rel=0.15)
    assert np.allclose(leaking[:, :900], quiet[:, :900])


def test_a_bump_fades_towards_its_offset(catalog):
    curves = scores(catalog, fade=0.4)
    assert at(curves, MICRO).mean() == pytest.approx(0.6)
    last = curves[:, [offset - 1 for _, _, offset in MICRO]]
    assert last.mean() == pytest.approx(0.1 + 0.5 * (1 - 0.4 * 19 / 20))
    assert curves[:, [onset + 1 for onset, _, _ in MICRO]].mean() == pytest.approx(0.6)


def test_blur_smooths_edges_over_the_given_time(catalog):
    """A blurred step rises from 16 to 84 % within one standard deviation on either side."""
    for ms, sd in ((40.0, 4), (80.0, 8)):
        curve = (scores(catalog, blur_ms=ms)[0] - 0.1) / 0.5
        edge = 40.5
        below, above = (np.interp(edge + side * sd, np.arange(2000), curve) for side in (-1, 1))
        assert below == pytest.approx(0.16, abs=0.03)
        assert above == pytest.approx(0.84, abs=0.04)


def test_distractors_come_as_often_as_high_and_as_long_as_given(catalog):
    """Samples after 1,800 contain no expression; one a second at random covers them as Poisson's law says."""
    for milliseconds in (200.0, 400.0):
        curves = scores(catalog, distractors=60.0, distractor_height=0.1, distractor_ms=milliseconds)[:, 1800:] - 0.1
        risen = curves > 1e-9
        assert risen.mean() == pytest.approx(1 - np.exp(-60 / 60 * (milliseconds / 1000 - 0.01)), abs=0.05)
        assert curves[risen].mean() == pytest.approx(0.1, rel=0.25)


def test_base_lines_differ_between_subjects_and_between_their_videos(catalog):
    for between, within in ((0.5, 0.0), (0.0, 0.5), (0.3, 0.3)):
        bases = np.log(scores(catalog, base=0.05, base_spread=(between, within))[:, 1950].reshape(20, 5) / 0.05)
        assert bases.std(axis=1, ddof=1).mean() == pytest.approx(within, rel=0.25)
        assert bases.std() == pytest.approx(np.hypot(between, within), rel=0.3)


def test_the_gain_is_that_of_noise_and_not_of_expressions(catalog):
    noisy = {"noise": 0.02, "base": 0.4}
    varied = scores(catalog, **noisy, gain_spread=(0.4, 0.3))
    sizes = np.log(varied[:, 1800:].std(axis=1)).reshape(20, 5)
    assert sizes.std(axis=1, ddof=1).mean() == pytest.approx(0.3, rel=0.3)
    assert sizes.std() == pytest.approx(0.5, rel=0.3)
    heights = varied[:, [row[1] for row in MICRO]].mean(axis=1) - 0.4
    assert abs(np.corrcoef(sizes.ravel(), heights)[0, 1]) < 0.3
    linked = scores(catalog, **noisy, base_spread=(0.3, 0.0), gain_by_base=1.5)[:, 1800:]
    slope = np.polyfit(np.log(linked.mean(axis=1)), np.log(linked.std(axis=1)), 1)[0]
    assert slope == pytest.approx(1.5, abs=0.3)


def test_linear_outputs_are_cut_off_and_sigmoid_ones_never_reach_the_ends(catalog):
    loud = {"noise": 3.0, "amplitude": 6.0}
    cut, smooth = (scores(catalog, **loud, output=output) for output in ("linear", "sigmoid"))
    assert (cut == 0).mean() > 0.2
    assert (cut == 1).mean() > 0.2
    assert 0 < smooth.min() < 0.001
    assert 0.999 < smooth.max() < 1
    quiet = scores(catalog, output="sigmoid", amplitude=3.0)
    assert quiet[0, 50] == pytest.approx(1 / (1 + 9 * np.exp(-3)))  # logit(.1) = -ln 9
    assert quiet[0, 1950] == pytest.approx(0.1)


def test_class_evidence_follows_the_emotion_unless_confused(catalog):
    def share_right(confusion):
        model = dataclasses.replace(PLAIN, confusion=confusion, evidence=20.0)
        labelled = simulate_curves(catalog, model).values()
        seen = [one.probabilities[[row[1] for row in one.micro]].argmax(axis=1) == one.emotions for one in labelled]
        return np.mean(seen)

    assert share_right(0.0) == 1.0
    assert share_right(0.4) == pytest.approx(1 - 0.4 * 3 / 4, abs=0.05)


def test_neutral_gives_way_as_the_score_rises(catalog):
    one = next(iter(simulate_curves(catalog, PLAIN).values()))
    assert np.allclose(one.probabilities.sum(axis=1), 1)
    inside = np.concatenate([one.probabilities[on + 1 : off, NEUTRAL] for on, _, off in one.micro])
    assert inside.mean() < 0.15 < 0.5 < one.probabilities[1500:, NEUTRAL].mean()


def test_truths_are_those_of_the_catalog_in_sampled_frames(catalog):
    one = next(iter(simulate_curves(catalog, PLAIN, frame_step=7).values()))
    assert one.curve.shape == (286,)
    assert one.micro.tolist() == [[frame // 7 for frame in row] for row in MICRO]
    assert one.macro.tolist() == [[frame // 7 for frame in row] for row in MACRO]
    assert one.emotions.tolist() == [i % 4 for i in range(9)]


@pytest.mark.parametrize("like", ["samm_lv", "casme3"])
def test_a_seed_fixes_every_curve_and_another_one_moves_them(like):
    timelines = simulate_timelines(like, seed=1)
    timelines = timelines.of(set(timelines.subjects[:3]))
    model = ScoreModel.level("published_network")
    first, again, other = (simulate_curves(timelines, model, frame_step=7, seed=s) for s in (4, 4, 5))
    assert list(first) == [video.key for video in timelines.videos]
    for key, one in first.items():
        np.testing.assert_array_equal(one.curve, again[key].curve)
        np.testing.assert_array_equal(one.probabilities, again[key].probabilities)
        assert not np.array_equal(one.curve, other[key].curve)
        assert one.curve.min() >= 0
        assert one.curve.max() <= 1


def test_levels_differ_in_how_well_samples_of_expressions_can_be_told_apart():
    timelines = simulate_timelines("samm_lv", seed=1)
    areas = [
        simulated_statistics(ScoreModel.level(level), timelines, 7, range(2))["ROC area within videos"]
        for level in ("published_network", "between", "demo")
    ]
    assert 0.55 < areas[0] < areas[1] - 0.05
    assert areas[1] < areas[2] - 0.05
