"""Recordings become training material of which a part is held back."""

import numpy as np
import pytest
import torch

from memodule.adaptation.blocks import Mask
from memodule.adaptation.material import Material
from memodule.adaptation.training import Schedule
from memodule.errors import UserError
from memodule.hardening import Hardening
from memodule.losses import SpotRecognizeLoss

from .test_training import Linear

LENGTH, RATE = 10, 10.0
SHORT = Schedule(steps=4, batch_size=8, every=2)


def recording(windows: int, value: float) -> tuple[np.ndarray, np.ndarray]:
    flow = np.full((windows, 36, LENGTH), value, np.float32)
    flow[:, :, 0] = 0
    return flow, np.arange(windows, dtype=np.int64) * LENGTH // 2


def everything(material: Material) -> Mask:
    return np.ones(len(material.flow), bool)


def test_recordings_share_no_frame_and_count_what_they_cover():
    material = Material.of([recording(21, 1.0), recording(11, 2.0)], RATE)
    assert np.diff(material.starts).min() > 0
    assert material.starts[21] >= material.starts[20] + LENGTH
    assert material.seconds(everything(material)) == pytest.approx(11 + 6)
    assert material.seconds(material.flow[:, 0, 1] == 2) == pytest.approx(6)


def test_learned_windows_and_those_held_back_share_no_frame_and_show_a_face(monkeypatch):
    """Every window holds its own number, so that batches tell which windows they came from."""
    flow, starts = recording(60, 0.0)
    flow[:, :, 1:] = 1 + np.arange(60, dtype=np.float32)[:, None, None]
    flow[40:44] = 0
    material = Material.of([(flow, starts)], RATE)
    seen: list[torch.Tensor] = []

    def note(network, loss, draw, held_back, schedule, progress):
        seen.extend([draw(200, np.random.default_rng(0)).flow, held_back.flow])

    monkeypatch.setattr("memodule.adaptation.material.continue_training", note)
    monkeypatch.setattr("memodule.adaptation.material.CHANGES", Hardening())
    usable = np.arange(60) < 50
    material.adapt(Linear(), SpotRecognizeLoss(), SHORT, usable)
    learned, held = ({round(number) - 1 for number in one[:, 0, 1].tolist()} for one in seen)
    assert learned
    assert held
    assert not (learned | held) - (set(range(50)) - set(range(40, 44)))
    frames = [{frame for w in part for frame in range(5 * w, 5 * w + LENGTH)} for part in (learned, held)]
    assert not frames[0] & frames[1]


def test_injections_are_labelled_and_only_some_windows_get_one():
    material = Material.of([recording(40, 0.0)], RATE)
    windows = material._injected(torch.zeros(500, 36, LENGTH))
    share = (windows.spot > 0).any(1).float().mean()
    assert 0.5 < share < 0.8
    assert ((windows.emotion != 4) == (windows.spot > 0)).all()


def test_adapting_is_repeatable_and_its_seed_matters():
    rng = np.random.default_rng(0)
    flow = rng.normal(0, 1, (40, 36, LENGTH)).astype(np.float32)
    material = Material.of([(flow, recording(40, 0)[1])], RATE)
    runs = [
        material.adapt(
            Linear(), SpotRecognizeLoss(), Schedule(steps=4, batch_size=8, every=2, seed=seed), material.with_face
        )
        for seed in (0, 0, 1)
    ]
    assert runs[0].looks == runs[1].looks
    assert runs[0].looks != runs[2].looks


def test_too_little_background_is_refused():
    material = Material.of([recording(10, 1.0)], RATE)
    with pytest.raises(UserError, match=r"5.5 s show a face .* at least 8 s"):
        material.adapt(Linear(), SpotRecognizeLoss(), SHORT, everything(material))
