"""Semi-synthetic face videos: a real photograph bent into people, who move by known amounts at known times.

The way through: `difficulty` (every number that decides how hard the data are) and a seed give `faces` (how subjects
look) and `behaviour` (what they do); `action_units` says what moves in an expression; a `puppet` is a face with all
that moves it; `rendering` makes frames; `synthesis` writes the data set.

Such data prove that the pipeline works. They say nothing about accuracy on real micro-expressions: all subjects are one
photograph, movements are smooth fields without wrinkles, and timing is drawn from simple distributions.
"""

from typing import TYPE_CHECKING

from memodule.runtime.lazy import lazy_attributes

if TYPE_CHECKING:
    from memodule.synthetic.difficulty import DIFFICULTIES, Difficulty, Level
    from memodule.synthetic.synthesis import Storage, synthesize

__all__ = ["DIFFICULTIES", "Difficulty", "Level", "Storage", "synthesize"]

__getattr__ = lazy_attributes(
    __name__,
    {
        "DIFFICULTIES": "difficulty",
        "Difficulty": "difficulty",
        "Level": "difficulty",
        "Storage": "synthesis",
        "synthesize": "synthesis",
    },
)
