"""The networks: optical flow in; a spotting score and class logits for every frame out."""

from memodule.networks.metst import METST
from memodule.networks.published_weights import load_published_weights
from memodule.networks.slowfast import SlowFastMamba

__all__ = ["METST", "SlowFastMamba", "load_published_weights"]
