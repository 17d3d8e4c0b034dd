"""Training windows made harder: what other cameras, faces and recordings would have done to them.

Everything acts on a batch of windows (B, 36, k), on its device, with PyTorch's random numbers, while it is trained on;
evaluation sees features as they were measured. `options` says what is done and how much, `harden` does it in order:
`timing` (speed, lost frames) and `mirroring`, then `movements` (expressions into expression-free windows, and other
movements, which are none), then `disturbances` (motion, noise, drift, gain, failing flow) and regions that are lost.
"""

from memodule.hardening.harden import harden
from memodule.hardening.options import Hardening

__all__ = ["Hardening", "harden"]
