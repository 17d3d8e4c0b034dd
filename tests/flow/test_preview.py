import dataclasses

import cv2
import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.flow import FlowParameters, FlowStore, extract_catalog
from memodule.flow.preview import draw_previews, preview_figure
from memodule.synthetic.frame_files import write_images


@pytest.fixture(scope="module")
def extracted(tmp_path_factory, golden_frames):
    """A Catalog of a face that is there after a while and a video without one, and its features."""
    folder = tmp_path_factory.mktemp("preview")
    frames = golden_frames("late_face_k30")[30:50]
    write_images(folder / "late", frames)
    write_images(folder / "blank", np.zeros_like(frames))
    videos = tuple(Video("s", name, folder / name, 10, len(frames)) for name in ("late", "blank"))
    catalog = Catalog(videos, (Expression("s", "late", "micro", 4, 6, 9, "surprise"),))
    store = FlowStore(folder / "store", FlowParameters(4))
    extract_catalog(catalog, store)
    return catalog, store


def drawn(extracted, name):
    catalog, store = extracted
    key = "s", name
    return preview_figure(catalog.video(key), store.get(*key), catalog.expressions_of(key))


def test_flow_over_time_is_that_of_every_second_window(extracted):
    windows = extracted[1].get("s", "late").windows
    figure = drawn(extracted, "late")
    for axes, direction in ((figure.axes[1], 0), (figure.axes[3], 1)):
        shown = axes.images[0].get_array()
        assert shown.shape == (18, 20)
        for i in range(0, len(windows), 2):
            np.testing.assert_array_equal(shown[:, 2 * i : 2 * i + 4], windows[i][direction::2])
        assert axes.images[0].get_extent()[1] == 2.0  # seconds


def test_even_numbers_of_windows_are_drawn_to_the_end(tmp_path):
    store = FlowStore(tmp_path, FlowParameters(4))
    windows = np.random.default_rng(0).normal(size=(4, 36, 4)).astype(np.float32)
    store.put("s", "v", windows, fps=1, frames=10, source={"kind": "elsewhere"})
    shown = preview_figure(Video("s", "v", tmp_path, 1, 10), store.get("s", "v")).axes[1].images[0].get_array()
    np.testing.assert_array_equal(shown, np.concatenate([windows[0], windows[2], windows[3][:, 2:]], axis=1)[::2])


def test_stretches_without_a_face_are_hatched(extracted):
    late, blank = (drawn(extracted, name).axes[1].patches for name in ("late", "blank"))
    assert len(blank) == 5
    assert 0 < len(late) < 5


def test_face_is_drawn_with_its_landmarks_and_regions(extracted):
    face = drawn(extracted, "late").axes[0]
    landmarks = extracted[1].get("s", "late").quality["face"]["landmarks"]
    np.testing.assert_array_equal(np.stack(face.lines[0].get_data(), 1), landmarks)
    assert len(face.patches) == 7 + 18
    assert face.images[0].get_array().std() > 10


def test_labels_are_drawn_where_they_are(extracted):
    figure = drawn(extracted, "late")
    [bar] = figure.axes[1].collections[-1:]
    left, right = bar.get_paths()[0].vertices[:, 0].min(), bar.get_paths()[0].vertices[:, 0].max()
    assert (left, right) == pytest.approx((0.4, 1.0))


def test_title_says_whether_it_worked(extracted):
    catalog, store = extracted
    assert "no face in any of its 20 sampled frames" in drawn(extracted, "blank").get_suptitle()
    assert "late" in drawn(extracted, "late").get_suptitle()
    record = store.get("s", "late")
    good = dataclasses.replace(record, quality={**record.quality, "remarks": []})
    assert "good: face in " in preview_figure(catalog.video(("s", "late")), good).get_suptitle()


def test_pictures_are_drawn_once_and_again_after_new_features(extracted, monkeypatch):
    catalog, store = extracted
    folder = draw_previews(catalog, store)
    pictures = sorted(folder.iterdir())
    assert [path.stem for path in pictures] == sorted(
        store.description_path("s", name).stem for name in ("late", "blank")
    )
    assert all(cv2.imread(str(path)).shape[1] > 1000 for path in pictures)
    times = [path.stat().st_mtime_ns for path in pictures]
    draw_previews(catalog, store)
    assert [path.stat().st_mtime_ns for path in pictures] == times
    record = store.get("s", "late")
    store.describe(record, fps=20, source=record.source)
    draw_previews(catalog, store)
    assert sum(path.stat().st_mtime_ns != time for path, time in zip(pictures, times, strict=True)) == 1


def test_imported_features_without_frames_are_drawn(tmp_path):
    store = FlowStore(tmp_path, FlowParameters(4))
    store.put("s", "v", np.ones((3, 36, 4)), fps=1, frames=8, source={"kind": "elsewhere"})
    figure = preview_figure(Video("s", "v", tmp_path / "none", 1, 8), store.get("s", "v"))
    assert "features from elsewhere" in figure.get_suptitle()
    assert (figure.axes[1].images[0].get_array() == 1).all()
