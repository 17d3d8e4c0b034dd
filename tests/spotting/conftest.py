"""Recordings, checkpoints and faces that tests of spotting share."""

import dataclasses
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from memodule.datasets import Expression, synthesize
from memodule.decoding.protocol import Protocol
from memodule.emotions import FRAME_CLASSES
from memodule.flow.parameters import FEATURES_VERSION, FlowParameters
from memodule.intervals import PriorGuided, SelectionRule, describe_rule
from memodule.intervals.prior_source import plain_rows
from memodule.module import SpotRecognizeModule
from memodule.networks import SlowFastMamba


def element(identifier: str, contents: bytes) -> bytes:
    """One element of a Matroska file, its size written in eight bytes."""
    return bytes.fromhex(identifier) + struct.pack(">Q", 1 << 56 | len(contents)) + contents


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def write_matroska(path: Path, frames: Sequence[np.ndarray], milliseconds: Sequence[int]) -> None:
    """A Matroska file of JPEG images shown at any times below 32 s, as a webcam leaves it."""
    height, width = frames[0].shape
    head = element("4282", b"matroska") + element("4287", number(4)) + element("4285", number(2))
    video = element("b0", number(width)) + element("ba", number(height))
    track = element("d7", number(1)) + element("73c5", number(1)) + element("83", number(1))
    track += element("86", b"V_MJPEG") + element("e0", video)
    blocks = b""
    for frame, time in zip(frames, milliseconds, strict=True):
        _, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])
        blocks += element("a3", b"\x81" + struct.pack(">h", time) + b"\x80" + jpeg.tobytes())
    info = element("1549a966", element("2ad7b1", number(1_000_000)))
    cluster = element("1f43b675", element("e7", number(0)) + blocks)
    segment = element("18538067", info + element("1654ae6b", element("ae", track)) + cluster)
    path.write_bytes(element("1a45dfa3", head) + segment)


def shade(number: int) -> np.ndarray:
    """A small plain image whose gray value encodes its number."""
    return np.full((48, 64), 20 + number, np.uint8)


def write_checkpoint(
    path: Path,
    window: int = 10,
    seen: Sequence[Mapping[str, Any]] = (),
    rule: SelectionRule | None = None,
    old: bool = False,
) -> Path:
    """A tiny untrained network whose weights are always the same; `seen` is whom they claim to have learned from.

    An old one holds no expressions to fit other rules on.
    """
    torch.manual_seed(0)
    module = SpotRecognizeModule(SlowFastMamba(fast_width=8, slow_width=16, depth=1, groups=1, state=4))
    durations = [Expression("1", "a", "micro", 10, 14, 19, "negative")]
    protocol = Protocol(filter_neutral=False)
    inference = {
        "flow": dataclasses.asdict(FlowParameters(window=window)),
        "features_version": FEATURES_VERSION,
        "fps": 30.0,
        "frame_classes": list(FRAME_CLASSES),
        "rule": describe_rule((rule or PriorGuided()).fit(durations, fps=30)),
        **({} if old else {"expressions": plain_rows(durations, 1)}),
        "protocol": protocol.as_dict(),
        "batch_size": 32,
        "held_out": "1",
        "catalog": "test",
    }
    torch.save(
        {
            "state_dict": module.state_dict(),
            "hyper_parameters": dict(module.hparams),
            "memodule": inference,
            "seen": [dict(influences) for influences in seen],
        },
        path,
    )
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "model.ckpt")


@pytest.fixture(scope="session")
def face_video(tmp_path_factory):
    """Three seconds of a semi-synthetic face at 30 frames per second."""
    out = tmp_path_factory.mktemp("faces") / "synth"
    catalog = synthesize(out, subjects=1, videos=1, frames=90, fps=30, difficulty="easy", seed=3)
    return catalog.videos[0].path


@pytest.fixture(scope="session")
def face_frames(face_video):
    capture = cv2.VideoCapture(str(face_video))
    frames = []
    while capture.grab():
        frames.append(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2GRAY))
    return frames
