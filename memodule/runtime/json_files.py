"""JSON files that this package wrote, read back with errors that name the file."""

import json
from pathlib import Path
from typing import Any

from memodule.errors import UserError


def read_json_mapping(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON file that must hold an object.

    Raises:
        UserError: If the file cannot be read, or holds anything else; ends with the `remedy`.
    """
    try:
        contents: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); {remedy}") from None
    if not isinstance(contents, dict):
        raise UserError(f"{path}: holds no mapping; {remedy}")
    return contents
