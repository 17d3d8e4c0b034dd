"""The benchmark of phases cuts frames from the start of a video without extracting its flow again."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from memodule.data.windows import slice_windows, stitch

PROGRAM = Path(__file__).parents[2] / "experiments" / "benchmarks" / "phases.py"


@pytest.mark.parametrize("way", ["tail", "mean"])
@pytest.mark.parametrize("phases", [1, 2, 6])
def test_curves_with_frames_cut_off_are_those_of_the_shorter_video(way, phases):
    """Scores are arbitrary numbers per window, so that every window counts."""
    functions = runpy.run_path(str(PROGRAM))
    every = np.random.default_rng(0).random((171, 30)).astype(np.float32)  # of 200 frames, one begins at each
    curves = functions["cut_curves"](every, way, phases)
    places = slice_windows(np.arange(200), 30, 15)[:, 0]
    assert places.tolist() == list(range(171))
    for cut in (0, 4, 14):
        starts = cut + slice_windows(np.arange(200 - cut), 30, phases)[:, 0]
        whole = stitch(every[starts], way, phases=phases)
        np.testing.assert_allclose(curves[cut], whole[30 - cut :][: curves.shape[1]], rtol=1e-6)
    if (phases, way) == (1, "mean"):
        assert functions["_correlations"](curves).shape == (105,)


def test_functions_of_the_frame_do_not_depend_on_where_windows_begin():
    functions = runpy.run_path(str(PROGRAM))
    values = np.random.default_rng(1).random(200).astype(np.float32)
    curves = functions["cut_curves"](slice_windows(values, 30, 15), "mean", 2)
    np.testing.assert_allclose(functions["_correlations"](curves), 1)
