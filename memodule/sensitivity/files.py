"""The files of sensitivity tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from memodule.errors import UserError
from memodule.runtime.json_files import read_json_mapping

FORMAT: Final = "memodule sensitivity 1"
"""The value of `format` in the JSON files."""

_FILE: Final = "sensitivity.json"


def read_study_sensitivity(folder: Path) -> Mapping[str, Any] | None:
    """What `memodule sensitivity --study` wrote into the folder of a study; None if it was never run.

    Raises:
        UserError: If the file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    remedy = f"delete it, or run `memodule sensitivity --study {folder}` again"
    summary = read_json_mapping(path, remedy)
    if summary.get("format") != FORMAT:
        raise UserError(f"{path}: not of the format {FORMAT!r}; {remedy}")
    return summary
