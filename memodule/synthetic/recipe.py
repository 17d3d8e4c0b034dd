"""The file next to generated data that records how they were made, and protects other folders."""

import json
from pathlib import Path
from typing import Any, Final

from memodule.errors import UserError
from memodule.runtime.atomic import write_json

RECIPE: Final = "synthetic.json"
"""Name of the file with the arguments of generated data, next to their CSV files."""


def claim(out: Path, recipe: dict[str, Any]) -> None:
    """Mark an empty or absent folder as ours, or check that it holds data of the same recipe.

    Raises:
        UserError: If it holds anything else.
    """
    path = out / RECIPE
    if path.is_file():
        if _read(path) != json.loads(json.dumps(recipe)):
            raise UserError(f"{path}: the folder holds data made with other arguments; use another folder or empty it")
    elif out.exists() and not out.is_dir():
        raise UserError(f"{out}: not a folder but a file; use a folder")
    elif out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out}: the folder holds something else; use another folder or empty it")
    else:
        write_json(path, recipe)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
