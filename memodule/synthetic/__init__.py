"""Everything generated: face videos, label timelines, flow features and score curves.

Face videos (`memodule synth`): a seed and a `difficulty` (every number that decides how hard the data are) give `faces`
(how subjects look, made from `photographs`), `behaviour` (what they do when) and a `camera`. `action_units` says what
moves in an expression, `movements` how one develops, `performance` all that happens in a video. A `face_rig` is a face
with all that moves it, `rendering` makes frames of it, `face_videos` writes the data set with `frame_files` and a
`recipe`.

Stand-ins for a whole data set: `label_statistics` -> `timelines` (labels without pixels) -> `flow_features` for
networks, both written by `stand_in` (`memodule synth --like`), or `score_curves` for selection rules, like those of
networks, by `curve_estimates` and `curve_statistics`.

Generated data prove that the pipeline works. They say nothing about accuracy on real micro-expressions: all subjects
are two photographs, movements are smooth fields without wrinkles, and timing is drawn from simple distributions.
"""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.synthetic.difficulty import DIFFICULTIES, Difficulty, Level
    from memodule.synthetic.face_videos import Storage, synthesize

__all__ = ["DIFFICULTIES", "Difficulty", "Level", "Storage", "synthesize"]

__getattr__ = lazy_attributes(
    __name__,
    {
        "DIFFICULTIES": "difficulty",
        "Difficulty": "difficulty",
        "Level": "difficulty",
        "Storage": "face_videos",
        "synthesize": "face_videos",
    },
)
