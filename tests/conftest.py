"""What many tests need: a small Catalog with flow features in which expressions leave a trace that can be learnt."""

import os

os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import dataclasses
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from memodule.datasets import Catalog, Expression, Video
from memodule.emotions import EMOTIONS
from memodule.flow import FlowParameters, FlowStore

# A busy processor is no failure, and the same code gives the same verdict; `--hypothesis-profile=default` explores.
hypothesis.settings.register_profile("any machine", deadline=None, derandomize=True)
hypothesis.settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it in the background; tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent / "golden"))  # where network_weights.py lies
sys.path.insert(0, str(Path(__file__).parent / "report"))  # browser.py and made_studies.py
sys.path.insert(0, str(Path(__file__).parent / "helpers"))  # tiny.py and wandb_files.py


@dataclasses.dataclass(frozen=True)
class PlantedData:
    """A Catalog folder and a flow store with planted movements."""

    catalog: Path
    flow: Path
    subjects: tuple[str, ...]


def plant(
    folder: Path,
    subjects: int | Sequence[str] = 3,
    videos: int = 2,
    frames: int = 180,
    window: int = 10,
    amplitude: float = 1.5,
    free_videos: int = 0,
    seed: int = 0,
    frame_step: int = 1,
    phases: int = 1,
) -> PlantedData:
    """Write a Catalog and features of noise (sd .2) with a bump per micro-expression.

    The emotion decides which quarter of the 36 channels moves; the first `free_videos` videos of each subject hold no
    expression. Features are relative to each window's first frame, as real ones are. `frames` and `window` are sampled
    ones.
    """
    rng = np.random.default_rng(seed)
    parameters = FlowParameters(window=window, frame_step=frame_step, phases=phases)
    store = FlowStore(folder / "flow", parameters)
    names = [f"{i + 1:03d}" for i in range(subjects)] if isinstance(subjects, int) else list(subjects)
    fps = 30.0 * frame_step
    all_videos, expressions = [], []
    for number, subject in enumerate(names):
        for v in range(videos):
            code = "abcdefghij"[v]
            movement = np.zeros((36, frames), np.float32)
            for slot in range(0 if v < free_videos else frames // 60):
                onset = 60 * slot + int(rng.integers(8, 30))
                length = int(rng.integers(12, 20))
                emotion = int((number + v + slot) % len(EMOTIONS))
                shape = np.sin(np.linspace(0, np.pi, length + 1)) ** 0.7
                movement[9 * emotion : 9 * emotion + 9, onset : onset + length + 1] += amplitude * shape
                sampled = (onset, onset + length // 2, onset + length)
                span = [frame_step * frame for frame in sampled]
                expressions.append(Expression(subject, code, "micro", *span, EMOTIONS[emotion]))
            movement += rng.normal(0, 0.2, movement.shape)
            source = frame_step * frames
            starts = parameters.starts(parameters.windows(source))
            windows = np.stack([movement[:, s : s + window] - movement[:, s : s + 1] for s in starts])
            all_videos.append(Video(subject, code, folder / "videos" / f"{subject}_{code}.avi", fps, source))
            store.put(subject, code, windows, fps=fps, frames=source, source={"kind": "planted by a test"})
    Catalog(tuple(all_videos), tuple(expressions)).write(folder / "catalog")
    return PlantedData(folder / "catalog", folder / "flow", tuple(names))


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> PlantedData:
    """Three subjects with two videos each, read-only by convention."""
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="session")
def planting() -> Callable[..., PlantedData]:
    """The function that plants, for tests that need data of their own."""
    return plant


@pytest.fixture(scope="session")
def page():
    """A page of a headless browser."""
    from browser import browser_page, find_browser

    program = find_browser()
    if program is None:
        pytest.skip("no Chromium: install the package chromium, or name the program in CHROMIUM")
    with browser_page(program) as page:
        yield page
