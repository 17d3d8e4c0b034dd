"""A user's video in, its micro-expressions out.

`video_source` reads frames with their times, `sampling` brings them to the frame rate of the checkpoint, `faces`
follows one person, `coverage` says which parts could be analysed, and `spotter` combines these with flow, network and
selection rule into a `result`; `pictures` and `annotate` show it, and so does `memodule.report`.
"""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.spotting.default import default_checkpoint, demo_checkpoint_path, install_demo_checkpoint
    from memodule.spotting.faces import FaceChoice
    from memodule.spotting.result import Section, SpottedExpression, SpottedVideo
    from memodule.spotting.spotter import Spotter

__all__ = [
    "FaceChoice",
    "Section",
    "SpottedExpression",
    "SpottedVideo",
    "Spotter",
    "default_checkpoint",
    "demo_checkpoint_path",
    "install_demo_checkpoint",
]

__getattr__ = lazy_attributes(
    __name__,
    {
        "FaceChoice": "faces",
        "Section": "result",
        "SpottedExpression": "result",
        "SpottedVideo": "result",
        "Spotter": "spotter",
        "default_checkpoint": "default",
        "demo_checkpoint_path": "default",
        "install_demo_checkpoint": "default",
    },
)
