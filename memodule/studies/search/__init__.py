"""Searching settings: Ray Tune runs trials fold by fold, Optuna proposes them, inner validation subjects judge them."""

from memodule.studies.search.planning import Search
from memodule.studies.search.space import Space

__all__ = ["Search", "Space"]
