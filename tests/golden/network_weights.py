"""Weights that depend on nothing but their names, so that golden numbers need no stored checkpoint.

Each tensor is drawn from numpy's frozen RandomState, seeded with the CRC-32 of its key, which makes the values
independent of the order of the keys. A leading `module.` does not count.
"""

import functools
import json
import zlib
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent / "network"


def published_keys(network):
    """The [key, shape, type] rows of the authors' checkpoint of "slowfast" or "metst", in its order."""
    return json.loads((HERE / f"keys_{network}.json").read_text())["keys"]


@functools.cache
def published_state_dict(network):
    """A checkpoint as the authors save it (keys with `module.`, dead ones included), filled from the key names."""
    return {
        key: torch.from_numpy(_values(key.removeprefix("module."), shape)) for key, shape, _ in published_keys(network)
    }


def golden(name):
    """The arrays of golden_<name>.npz."""
    with np.load(HERE / f"golden_{name}.npz") as arrays:
        return dict(arrays)


def _values(name, shape):
    leaf = name.rpartition(".")[2]
    random = np.random.RandomState(zlib.crc32(name.encode()))
    if leaf == "num_batches_tracked":
        return np.ones(shape, np.int64)
    if leaf == "running_var":
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    noise = random.standard_normal(shape)
    if leaf == "running_mean":
        values = 0.1 * noise
    elif leaf == "A_log":
        values = np.log(np.arange(1.0, shape[1] + 1)) + 0.02 * noise
    elif name.endswith("dt_proj.bias"):
        values = 0.5 * noise - 4
    elif leaf == "bias":
        values = 0.05 * noise
    elif len(shape) == 1:  # D and the scales of the norms
        values = 1 + 0.1 * noise
    else:
        values = (0.3 if name.startswith("fc_") else 1.0) * noise / np.sqrt(np.prod(shape[1:]))
    return values.astype(np.float32)
