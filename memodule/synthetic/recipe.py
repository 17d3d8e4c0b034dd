"""The file beside generated data that says how they were made, and keeps other folders safe."""

import json
from pathlib import Path
from typing import Any, Final

from memodule.errors import UserError
from memodule.runtime.atomic import write_json

RECIPE: Final = "synthetic.json"
"""File beside the CSVs of generated data: their arguments."""


def claim(out: Path, recipe: dict[str, Any]) -> None:
    """Make an empty or absent folder ours, or see that it already holds data of the same recipe.

    Raises:
        UserError: If it holds anything else.
    """
    path = out / RECIPE
    if path.is_file():
        if _read(path) != json.loads(json.dumps(recipe)):
            raise UserError(f"{path}: the folder holds data made with other arguments; give another folder or empty it")
    elif out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; give a folder")
    elif out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out}: the folder holds something else; give another folder or empty it")
    else:
        write_json(path, recipe)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
