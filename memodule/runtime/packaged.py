"""Finds the configs and experiments included with the package, by name and from any working folder.

In a checkout they are the top-level folders `configs/` and `experiments/`; a wheel holds copies of them next to this
package's modules. A file of the user's always wins over an included one.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from memodule.errors import UserError
from memodule.runtime.yaml_files import did_you_mean, is_yaml_file

FOLDERS: Final = ("configs", "experiments")

_PACKAGE: Final = Path(__file__).parents[1]
ROOT: Final = _PACKAGE if (_PACKAGE / "configs").is_dir() else _PACKAGE.parent
"""The folder that contains `configs/` and `experiments/`."""

_SECTIONS: Final = ("data", "intervals", "model", "protocol", "trainer", "trainer.logger")
"""Config keys whose values can be a file of `configs/<last part of the key>/`."""


def packaged_file(given: Path | str, folder: str, option: str = "") -> Path:
    """The file that a user means: their own, or one included with the package.

    Args:
        given: Path of a file, or the name of an included one: `demo`, `baselines/metst`, `experiments/demo.yaml`.
        folder: Where short names are looked up, such as `experiments` or `configs/datasets`.
        option: Command-line option to name in the message.

    Returns:
        An existing file; `given` unchanged if it exists.

    Raises:
        UserError: If there is neither; the message lists the included files.
    """
    path = Path(given)
    if path.is_file():
        return path
    name = path.as_posix().removeprefix(f"{folder}/")
    known = packaged_names(folder)
    stem = name.removesuffix(path.suffix) if is_yaml_file(path.name) else name
    found = [known[stem]] if stem in known else [file for file in known.values() if file.stem == stem]
    if len(found) == 1:
        return found[0]
    if path.exists():  # a folder, which its reader refuses
        return path
    hint = did_you_mean(stem, [*known, *(file.stem for file in known.values())])
    where = f"{option} {given}" if option else f"{given}"
    raise UserError(f"{where}: no such file{hint}; use a YAML file or one of {', '.join(known)}")


def packaged_names(folder: str) -> dict[str, Path]:
    """The included YAML files below a folder, such as `experiments` or `configs/datasets`.

    Returns:
        Name (path below the folder, without suffix) -> file; files directly in the folder come first.
    """
    files = sorted((ROOT / folder).rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    return {path.relative_to(ROOT / folder).with_suffix("").as_posix(): path for path in files}


def packaged_setting(key: str, value: str) -> str:
    """The value of a config key, in which the name of an included file becomes its path.

    Args:
        value: As written on the command line: `--set intervals=fixed_window`.

    Returns:
        `value` unchanged if the key is not a section, or the value is neither a name nor a file name.

    Raises:
        UserError: If it is one, and there is no such file.
    """
    is_name = re.fullmatch(r"[a-z]\w*", value) and value not in ("true", "false", "null")
    if key not in _SECTIONS or not (is_name or is_yaml_file(value)):
        return value
    if key == "trainer.logger" and value in ("none", "no", "off"):
        raise UserError(f"{key}: {value}: use false to log nowhere")
    return str(packaged_file(value, f"configs/{key.rpartition('.')[2]}", f"{key}:"))


def with_packaged_files(argv: Sequence[str]) -> list[str]:
    """Replace names of included files in the arguments of `fit` and its like: `--config demo --model=slowfast`."""
    located, option = [], ""
    for argument in argv:
        if argument.startswith(("--", "-c")):
            name, equals, value = argument.partition("=")
            located.append(f"{name}={_value(name, value)}" if equals else argument)
            option = "" if equals else name
        else:
            located.append(_value(option, argument))
            option = ""
    return located


def _value(option: str, value: str) -> str:
    if option in ("--config", "-c"):
        return str(packaged_file(value, "experiments", option))
    return packaged_setting(option.removeprefix("--"), value)
