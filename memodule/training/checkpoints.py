"""Checkpoints of folds: everything needed to score a new video, read from one file."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

import memodule.networks  # noqa: F401 - so that checkpoints can name its classes
from memodule.datasets.catalog import Expression
from memodule.decoding.protocol import Protocol
from memodule.emotions import FRAME_CLASSES
from memodule.errors import UserError
from memodule.flow.parameters import FEATURES_VERSION, FlowParameters
from memodule.intervals import SelectionRule
from memodule.intervals.description import build_rule, describe_rule
from memodule.intervals.prior_source import read_rows
from memodule.networks.description import build_network
from memodule.networks.weight_files import read_plain
from memodule.runtime.atomic import replacing
from memodule.runtime.class_paths import imported_class
from memodule.runtime.own_parts import class_paths, remember, without_folders

_LIGHTNING_WORDS: Final = ("null", "best", "last", "hpc", "registry")


@dataclasses.dataclass(frozen=True, eq=False)
class FoldModel:
    """A trained fold, ready for videos that it has never seen.

    Attributes:
        network: Maps flow (B, 36, k) to scores (B, k) and logits (B, k, 5); on the CPU and in evaluation mode.
        windows_per_pass: Windows that go through the network at once.
        flow: How the features were computed that the network was trained on.
        fps: Frame rate of the videos that it was trained on.
        frame_classes: Classes of the logits, in order; neutral last.
        rule: Score curve -> intervals, with its interval prior.
        protocol: The rules it was scored under; inference uses `stitching` and `neutral`.
        batch_size: Windows per batch in training (published stitching depends on it).
        seen: Subjects that the weights have learned from, one mapping per training (`LosoDataModule.influences`); empty
            where the checkpoint does not say.
        expressions: What the interval prior was fitted on, without subjects; empty in checkpoints of older versions.
    """

    network: nn.Module
    windows_per_pass: int
    flow: FlowParameters
    fps: float
    frame_classes: tuple[str, ...]
    rule: SelectionRule
    protocol: Protocol
    batch_size: int
    held_out: str
    catalog: str
    seen: tuple[Mapping[str, Any], ...]
    expressions: tuple[Expression, ...] = ()


def load_fold_model(path: Path | str) -> FoldModel:
    """Load a checkpoint that `memodule fit`, `loso` or `import-published` wrote, onto the CPU.

    The file is read without running any code in it, so it may come from anywhere. Import your own networks and
    selection rules first (`memodule.runtime.own_parts.import_part`, or `--import` on the command line).

    Raises:
        UserError: If the file is missing, damaged, not a fold's checkpoint, made for other features or classes, or
            names a network or selection rule that is not known here.
    """
    path = Path(path)
    saved = read_plain(path, "a checkpoint (model.ckpt of a fold's folder)")
    carried = saved.get("memodule") if isinstance(saved, dict) else None
    if not isinstance(carried, dict):
        raise UserError(f"{path}: not the checkpoint of a fold; use the model.ckpt that `memodule fit` or `loso` wrote")
    try:
        remember(saved.get("parts", ()))
        _require_known_features(path, carried)
        return FoldModel(
            _network(path, saved),
            int(saved["hyper_parameters"].get("windows_per_pass", 256)),
            FlowParameters(**carried["flow"]),
            float(carried["fps"]),
            tuple(carried["frame_classes"]),
            build_rule(carried["rule"], str(path)),
            Protocol.from_dict(carried["protocol"], str(path)),
            int(carried["batch_size"]),
            str(carried["held_out"]),
            str(carried["catalog"]),
            tuple(saved.get("seen", ())),
            read_rows(carried.get("expressions", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path}: not what this version of memodule writes ({type(error).__name__}: {error}); train the fold again"
        ) from None


def write_with_rule(checkpoint: Path, rule: SelectionRule, target: Path, local: bool = True) -> None:
    """Write a checkpoint with another fitted selection rule, in one step; `target` may be the checkpoint itself.

    Args:
        local: Whether to keep what names folders of this machine: settings of the data module, and your own files.

    Raises:
        UserError: If it is not a fold's checkpoint.
    """
    saved = read_plain(checkpoint, "a fold's model.ckpt")
    if not local:
        saved = {key: value for key, value in saved.items() if not key.startswith("datamodule")}
        if "parts" in saved:
            saved["parts"] = without_folders(saved["parts"])
    with replacing(target) as aside:
        torch.save({**saved, "memodule": {**saved["memodule"], "rule": describe_rule(rule)}}, aside)


def require_known_network(given: str) -> None:
    """Refuse a `ckpt_path` that is missing or damaged, or whose classes are not imported.

    Lightning would import whatever module the checkpoint names.

    Args:
        given: A file, or one of Lightning's words for a checkpoint that the trainer itself wrote.

    Raises:
        UserError: If the file cannot be used.
    """
    if not given:
        raise UserError("--ckpt_path: no file is named; pass the model.ckpt of a fold, or leave the option out")
    if given in _LIGHTNING_WORDS and not Path(given).is_file():
        return
    saved = read_plain(Path(given), "a checkpoint that `memodule fit` or `loso` wrote")
    hyper_parameters = saved.get("hyper_parameters", {}) if isinstance(saved, dict) else None
    if not isinstance(hyper_parameters, dict):
        raise UserError(f"{given}: not a checkpoint of a fold; use the model.ckpt that `memodule fit` or `loso` wrote")
    # A dotted key or a bare class path would be read as a class too.
    if odd := [name for name in hyper_parameters if not (isinstance(name, str) and name.isidentifier())]:
        raise UserError(f"{given}: hyper_parameters.{odd[0]} is not a setting; train the fold again")
    if "_class_path" in hyper_parameters or not isinstance(hyper_parameters.get("network", {}), dict):
        raise UserError(f"{given}: its network is not described by class_path and init_args; train the fold again")
    remember(saved.get("parts", ()))
    for path in class_paths(hyper_parameters):
        imported_class(path, nn.Module, given)


def _require_known_features(path: Path, carried: Mapping[str, Any]) -> None:
    if carried["features_version"] != FEATURES_VERSION:
        raise UserError(
            f"{path}: trained on version {carried['features_version']} of the flow features, this is version "
            f"{FEATURES_VERSION}; train the fold again"
        )
    if tuple(carried["frame_classes"]) != FRAME_CLASSES:
        raise UserError(
            f"{path}: its classes are {', '.join(carried['frame_classes'])}, not {', '.join(FRAME_CLASSES)}; train the "
            "fold again"
        )


def _network(path: Path, saved: Mapping[str, Any]) -> nn.Module:
    """The network alone: the Lightning module around it takes seconds to import and is only needed for training."""
    network = build_network(saved["hyper_parameters"]["network"], str(path))
    prefix = "network."
    weights = {name.removeprefix(prefix): w for name, w in saved["state_dict"].items() if name.startswith(prefix)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise UserError(f"{path}: its weights do not fit its network ({first}); train the fold again") from None
    return network.eval()
