"""Networks as plain values, as checkpoints keep them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from memodule.errors import UserError
from memodule.networks.compiling import refuse_wrapped
from memodule.runtime.class_paths import class_path, imported_class


def describe_network(network: nn.Module) -> dict[str, Any]:
    """The mapping (class_path, init_args) from which a checkpoint builds the network again, whose arguments are plain.

    Raises:
        UserError: If the network does not keep its constructor arguments in `hparams`, or is wrapped by torch.compile.
    """
    refuse_wrapped(network)
    hparams = getattr(network, "hparams", None)
    if not isinstance(hparams, dict):
        raise UserError(
            f"model.network: {type(network).__name__} keeps no constructor arguments in `hparams`; a checkpoint needs "
            "them"
        )
    return {"class_path": class_path(type(network)), "init_args": dict(hparams)}


def build_network(network: nn.Module | Mapping[str, Any], where: str = "checkpoint") -> nn.Module:
    """The network that `describe_network` described; one that is built already stays unchanged.

    Raises:
        UserError: If its class is not known here.
    """
    if isinstance(network, nn.Module):
        return network
    kind = imported_class(str(network.get("class_path")), nn.Module, where)
    return kind(**network.get("init_args", {}))
