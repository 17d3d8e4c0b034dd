"""The authors' checkpoints: which of their keys is which of our parameters."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor, nn

from memodule.errors import UserError
from memodule.networks.weight_files import read_plain

_NAMES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^stem\.", "Stem."),
    (r"^slow_stem\.", "Stem_slow."),
    (r"^slow\.(\d+)\.", lambda match: f"block{int(match[1]) + 1}."),
    (r"^fast\.(\d+)\.", lambda match: f"block{int(match[1]) + 1}_fast."),
    (r"^fusions\.(\d+)\.", lambda match: f"fuse_{int(match[1]) + 1}.conv."),
    (r"^blocks\.", "blocks_spot."),
    (r"\.pre_norm\.", ".attn.norm."),
    (r"\.mixer\.", ".attn.mamba."),
    (r"\.post_norm\.", ".norm1."),
    (r"^spot_head\.", "fc_spot.0."),
    (r"^recognition_head\.", "fc_recog.0."),
)
"""Patterns in our names and their replacements in the authors' names."""

_DEAD = re.compile(r"^blocks_recog\.|\.norm2\.(weight|bias)$")
"""Parameters that the published networks save but never use."""


def published_name(name: str) -> str:
    """The authors' key (without `module.`) of one entry of the state dict of `SlowFastMamba` or `METST`."""
    for pattern, theirs in _NAMES:
        name = re.sub(pattern, theirs, name)
    return name


def load_published_weights(network: nn.Module, weights: Mapping[str, Tensor] | str | Path) -> None:
    """Load weights saved by the published code into a `SlowFastMamba` or `METST` of the published sizes.

    A file of weights is read without running any code in it. Keys may start with `module.`; the parts that the
    published networks never run (`norm2`, `blocks_recog`) are optional. The network is changed only if everything fits.

    Raises:
        UserError: If the file is not a state dict, or keys are missing, surplus, of another shape, or duplicate (with
            and without `module.`).
    """
    source = "published weights" if isinstance(weights, Mapping) else str(weights)
    saved = weights if isinstance(weights, Mapping) else read_plain(Path(weights), "the authors' weight file")
    if not isinstance(saved, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in saved.items()
    ):
        raise UserError(f"{source}: is not a state dict (names and tensors); pass the authors' weight file")
    theirs = {key.removeprefix("module."): value for key, value in saved.items()}
    ours = {published_name(name): name for name in network.state_dict()}
    shapes = {published_name(name): value.shape for name, value in network.state_dict().items()}
    complaints = {
        "missing": [key for key in ours if key not in theirs],
        "surplus": [key for key in theirs if key not in ours and not _DEAD.search(key)],
        "of another shape": [
            f"{key} {tuple(theirs[key].shape)} instead of {tuple(shape)}"
            for key, shape in shapes.items()
            if key in theirs and theirs[key].shape != shape
        ],
        "duplicate": [key for key in saved if "module." + key in saved],
    }
    found = [_complaint(kind, keys) for kind, keys in complaints.items() if keys]
    if found:
        raise UserError(
            f"{source}: not the weights of this {type(network).__name__}: {'; '.join(found)};"
            " build the network with the sizes that the weights were trained with"
        )
    network.load_state_dict({name: theirs[key] for key, name in ours.items()})


def _complaint(kind: str, keys: Iterable[str], shown: int = 8) -> str:
    keys = list(keys)
    rest = f" and {len(keys) - shown} more" if len(keys) > shown else ""
    return f"{len(keys)} {kind} ({', '.join(keys[:shown])}{rest})"
