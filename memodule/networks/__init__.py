"""The networks: optical flow in, a spotting score and class logits for every frame out."""

from memodule.networks.published_weights import load_published_weights
from memodule.networks.slowfast import SlowFastMamba

__all__ = ["SlowFastMamba", "load_published_weights"]
