"""Features without faces: the layout of the extractor, and signals that neither shout nor whisper."""

import numpy as np
import pytest

from memodule.datasets.catalog import Catalog, Expression
from memodule.flow.parameters import FlowParameters
from memodule.synthetic import DIFFICULTIES
from memodule.synthetic.action_units import HALVES
from memodule.synthetic.camera import draw_camera
from memodule.synthetic.face_rig import build_rig
from memodule.synthetic.faces import draw_face
from memodule.synthetic.flow_features import simulate_flow
from memodule.synthetic.movements import Movement
from memodule.synthetic.performance import Performance
from memodule.synthetic.region_responses import region_responses
from memodule.synthetic.rendering import render
from memodule.synthetic.timelines import simulate_timelines

WINDOW, STEP = 30, 7


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    everything = simulate_timelines("samm_lv", 2)
    return everything.of(everything.subjects[:10])


@pytest.fixture(scope="module")
def features(catalog) -> dict:
    return {v.key: windows for v, windows in simulate_flow(catalog, window=WINDOW, frame_step=STEP, seed=2)}


def within(expression: Expression) -> list[tuple[int, int, int, int]]:
    """Windows that hold onset to offset: (window, onset, apex, offset) within it, in sampled frames."""
    onset, apex, offset = (frame // STEP for frame in (expression.onset, expression.apex, expression.offset))
    starts = range(0, offset, WINDOW // 2)
    return [(i, onset - s, apex - s, offset - s) for i, s in enumerate(starts) if onset - s >= 2 and offset - s < 28]


def test_layout_is_the_extractors(catalog, features):
    parameters = FlowParameters(window=WINDOW, frame_step=STEP)
    for video in catalog.videos:
        windows = features[video.key]
        assert windows.shape == (parameters.windows(video.frames), 36, WINDOW)
        assert windows.dtype == np.float32
        assert not windows[:, :, 0].any()
        assert windows[:, :, 1:].any(axis=(1, 2)).all()


def test_a_video_shorter_than_a_window_has_none(catalog):
    short = Catalog(tuple(v for v in catalog.videos[:1]), ())
    ((video, windows),) = simulate_flow(short, window=2000, frame_step=STEP)
    assert windows.shape == (0, 36, 2000)
    assert video.frames < 2000 * STEP


def test_the_seed_decides_everything(catalog):
    few = catalog.of(catalog.subjects[:2])
    first, same, other = (
        np.concatenate([w.ravel() for _, w in simulate_flow(few, window=30, frame_step=7, seed=seed)])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_micro_expressions_stand_out_at_their_apex_but_not_of_the_crowd(catalog, features):
    rise = []
    for expression in catalog.expressions:
        if expression.kind == "micro" and expression.apex is not None:
            for window, onset, apex, _ in within(expression):
                curves = features[expression.key][window]
                rise.append(np.abs(curves[:, apex] - curves[:, max(onset - 1, 0)]).max())
    assert len(rise) > 20
    crowd = np.concatenate([free_of_micros(catalog, video.key, features[video.key]) for video in catalog.videos])
    assert np.median(rise) > 2 * np.median(crowd)
    found = np.median(rise)  # a threshold that finds every second one ...
    assert (crowd > found).sum() > 2 * (rise > found).sum()  # ... errs more often: other movements look alike
    assert (crowd > found).mean() < 0.05


def free_of_micros(catalog: Catalog, key: tuple[str, str], windows: np.ndarray) -> np.ndarray:
    """The largest change from frame 15 to frame 20 of every window, where no micro-expression is near."""
    changes = np.abs(windows[:, :, 20] - windows[:, :, 15]).max(axis=1)
    begin = STEP * (WINDOW // 2) * np.arange(len(windows))
    near = np.zeros(len(windows), bool)
    for e in catalog.expressions_of(key, "micro"):
        near |= (begin + 13 * STEP <= e.offset) & (begin + 22 * STEP >= e.onset)
    return changes[~near]


def test_errors_of_overlapping_windows_are_as_large_as_measured_ones(catalog, features):
    """The published features of overlapping halves differ by .29 px rms once re-referenced."""
    differences = []
    for windows in features.values():
        late, early = windows[:-1, :, 15:], windows[1:, :, :15]
        differences.append((late - late[:, :, :1] - early)[:, :, 1:].ravel())
    assert np.concatenate(differences).std() == pytest.approx(0.29, abs=0.08)


def test_a_smile_lifts_the_corners_of_the_mouth():
    """Positive expressions, over many people: left corner to the left, right to the right, both up."""
    everything = simulate_timelines("samm_lv", 0)
    total = np.zeros(36)
    features = {v.key: w for v, w in simulate_flow(everything, window=WINDOW, frame_step=STEP)}
    for expression in everything.expressions:
        if expression.emotion == "positive" and expression.apex is not None:
            for window, onset, apex, _ in within(expression):
                curves = features[expression.key][window]
                total += curves[:, apex] - curves[:, max(onset - 1, 0)]
    x, y = total[0::2], total[1::2]
    assert x[9] < 0 < x[10]
    assert max(y[9], y[10]) < min(y[0], y[4])


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["AU1", "AU4", "AU7", "AU12", "AU25"])
def test_regions_answer_as_the_extractor_measures_them_on_rendered_faces(unit):
    from memodule.flow import FlowExtractor

    rig = build_rig(draw_face(np.random.default_rng(3)))
    weights = tuple(float(name == unit) for name, _ in HALVES)
    acted = Movement("micro", "negative", 5, 12, 25, 0, 1.0, 1.5, weights)
    performance = Performance((acted,), np.zeros(30), *(np.zeros((30, n)) for n in (2, 4, 2, 2)))
    rng, difficulty = np.random.default_rng(0), DIFFICULTIES["easy"]
    frames = np.array(list(render(rig, performance, difficulty, draw_camera(rng, difficulty), 30, rng)))
    window = FlowExtractor(window=30, engine="opencv").extract(frames)[0]  # numba would compile for 15 s
    measured = window[:, 12] - window[:, 3]
    simulated = rig.apex_strengths(acted) @ region_responses(rig).halves
    size = np.linalg.norm(measured) / np.linalg.norm(simulated)
    assert size == pytest.approx(1, abs=0.35)
    assert measured @ simulated / np.linalg.norm(measured) / np.linalg.norm(simulated) > 0.9
