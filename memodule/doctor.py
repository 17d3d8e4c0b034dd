"""What is installed here, which of it is used, and what is missing; every check tries the thing itself."""

import dataclasses
import importlib
import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from memodule.errors import UserError
from memodule.runtime.wandb_environment import MODES, requested_mode

State = Literal["ok", "note", "problem"]
"""A note is worth knowing; a problem makes commands fail."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `text` says what was found and how to fix it."""

    name: str
    state: State
    text: str


def examine() -> Iterator[Finding]:
    """Run all checks; one that raises is reported as a problem and does not stop the others."""
    for name, check in _CHECKS.items():
        try:
            state, text = check()
        except Exception as error:  # a broken installation can fail in any way
            state, text = "problem", f"{type(error).__name__}: {' '.join(str(error).split())}"
        yield Finding(name, state, text)


def _torch() -> tuple[State, str]:
    import torch

    return "ok", f"{torch.__version__}, {torch.get_num_threads()} CPU threads"


def _gpus() -> tuple[State, str]:
    import torch

    if not torch.cuda.is_available():
        return "note", "PyTorch finds none; everything runs on the CPU"
    return "ok", ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def _scan() -> tuple[State, str]:
    """What `auto` selects on the device that the trainer would use."""
    import torch

    from memodule.networks.scan_cuda import cuda_problem

    if torch.cuda.is_available():
        problem = cuda_problem(torch.device("cuda"))
        hint = "optional: install mamba-ssm separately"
        return ("ok", "cuda (mamba-ssm)") if problem is None else ("note", f"torch; no CUDA kernel ({problem}): {hint}")
    try:
        importlib.import_module("memodule.networks.scan_numba")
    except ImportError as error:
        return "note", f"torch; numba, several times as fast, is missing ({error}): pip install 'memodule[fast]'"
    return "ok", f"numba {importlib.metadata.version('numba')}"


def _flow() -> tuple[State, str]:
    from memodule.flow.engines import flow_engine

    name = flow_engine("auto").name
    hint = "" if name == "numba" else "; numba is faster: pip install 'memodule[fast]'"
    return ("note" if hint else "ok"), f"{name}{hint}"


def _landmarks() -> tuple[State, str]:
    import dlib

    from memodule.flow.face import landmark_model

    try:
        model = landmark_model()
    except UserError as error:
        return "problem", str(error)
    dlib.shape_predictor(str(model))
    return "ok", f"dlib {dlib.__version__}, {model.name}"


def _video() -> tuple[State, str]:
    """Write two frames and read them back."""
    import cv2
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "try.avi")
        writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"FFV1"), 25, (64, 48), isColor=False)
        for shade in (40, 200):
            writer.write(np.full((48, 64), shade, np.uint8))
        writer.release()
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        shades = [float(capture.retrieve()[1].mean()) for _ in range(2) if capture.grab()]
        capture.release()
    if len(shades) != 2 or abs(shades[0] - 40) > 3 or abs(shades[1] - 200) > 3:
        return "problem", f"OpenCV {cv2.__version__} cannot write and read video; pip install opencv-python"
    return "ok", f"OpenCV {cv2.__version__} with FFmpeg writes and reads video"


def _wandb() -> tuple[State, str]:
    version = importlib.metadata.version("wandb")
    mode = requested_mode() or "offline"
    if mode not in MODES:
        fix = "unset it, or use online, offline or disabled"
        return "problem", f"{version}; WANDB_MODE={mode} is not a mode: {fix}"
    return "ok", f"{version}, {mode}" + ("" if requested_mode() else " unless a command runs with --online")


def _ray() -> tuple[State, str]:
    return "ok", f"{importlib.metadata.version('ray')}, {os.cpu_count()} processors on this machine"


def _checkpoint() -> tuple[State, str]:
    from memodule.spotting.default import default_checkpoint
    from memodule.training.checkpoints import load_fold_model

    found = default_checkpoint()
    model = load_fold_model(found)
    return "ok", f"{found}: {model.fps / model.flow.frame_step:.4g} samples per second, trained on {model.catalog}"


_CHECKS: Final[dict[str, Callable[[], tuple[State, str]]]] = {
    "torch": _torch,
    "GPUs": _gpus,
    "selective scan": _scan,
    "flow engine": _flow,
    "landmark model": _landmarks,
    "video": _video,
    "W&B": _wandb,
    "Ray": _ray,
    "default checkpoint": _checkpoint,
}
