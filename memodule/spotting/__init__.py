"""A video of one's own in, its micro-expressions out.

The way through: `sources` reads frames with their times, `sampling` brings them to the frame rate of the checkpoint,
`faces` follows one person, `coverage` says which parts could be analysed, `spotter` joins these with flow, network and
selection rule to a `result`; `pictures`, `page` and `annotate` show it.
"""

from memodule.spotting.default import default_checkpoint_path, find_default_checkpoint, install_default_checkpoint

__all__ = ["default_checkpoint_path", "find_default_checkpoint", "install_default_checkpoint"]
