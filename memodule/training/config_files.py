"""Config files before jsonargparse, which keeps the last of two equal keys and ignores sections of a wrong type."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from memodule.errors import UserError
from memodule.runtime.yaml_files import is_yaml_file, load_yaml, read_yaml, read_yaml_mapping

_CONFIG: Final = ("--config", "-c")
_WANTED: Final = "a YAML file as in experiments/ or configs/"
_SECTIONS: Final = ("model", "data", "trainer", "protocol", "intervals", "interval_selection", "leakage_guard")


@dataclasses.dataclass
class Sources:
    """Where settings come from.

    Attributes:
        files: Config files, in their order.
        keys: Dotted keys that the arguments set themselves.
    """

    files: list[Path] = dataclasses.field(default_factory=list)
    keys: list[str] = dataclasses.field(default_factory=list)

    def file_of(self, key: str) -> Path | None:
        """The config file whose value of a key counts; None if the arguments set it, or nothing does."""
        if any(f"{key}.".startswith(f"{given}.") or given.startswith(f"{key}.") for given in self.keys):
            return None
        return next((path for path in reversed(self.files) if _sets(key.split("."), path)), None)


def check_arguments(argv: Sequence[str]) -> Sources:
    """Read every config file that arguments name, and the files that these name, and all values written as YAML.

    Raises:
        UserError: If a file cannot be read, a key appears twice, or a section is not a mapping.
    """
    sources = Sources()
    for option, value in options(argv):
        sources.keys.append(option.lstrip("-").rstrip("+"))
        if option in _CONFIG:
            sources.files.append(Path(value))
            _check_config(Path(value))
        elif is_yaml_file(value) and Path(value).is_file():
            _check_nested(read_yaml(Path(value), _WANTED), Path(value))
        elif value[:1] in ("{", "["):
            _check_text(option, value)
    return sources


def options(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options and their values, whether these are written with an equals sign or as the next argument."""
    for position, argument in enumerate(argv):
        option, equals, value = argument.partition("=")
        if option.startswith("-"):
            yield option, value if equals else "".join(argv[position + 1 : position + 2])


def _check_config(path: Path) -> None:
    contents = read_yaml_mapping(path, _WANTED)
    for name in _SECTIONS:
        section = contents.get(name)
        if not isinstance(section, Mapping | str | None):
            raise UserError(f"{path}: {name}: {section!r} is not a section; write keys below it, or name a file")
    _check_nested(contents, path)


def _check_nested(value: Any, file: Path, outer: tuple[Any, ...] = ()) -> None:
    """Read the files that a config names, relative to its own folder.

    Args:
        value: A part of the config.
        file: The config.
        outer: Resolved files, and the identities of mappings and lists, that this one is inside of.

    Raises:
        UserError: If one cannot be read, or contains itself.
    """
    if isinstance(value, Mapping | list):
        if id(value) in outer:
            raise UserError(f"{file}: a value contains itself (a YAML alias inside of its anchor); write it out")
        for item in value.values() if isinstance(value, Mapping) else value:
            _check_nested(item, file, (*outer, id(value)))
    elif is_yaml_file(value) and (named := file.parent / value).is_file():
        if named.resolve() in (*outer, file.resolve()):
            raise UserError(f"{file}: {value} leads back to itself; name another file")
        _check_nested(read_yaml(named, _WANTED), named, (*outer, file.resolve()))


def _check_text(option: str, text: str) -> None:
    try:
        load_yaml(text)
    except yaml.YAMLError as error:
        raise UserError(f"{option.lstrip('-')}: cannot be read as YAML ({' '.join(str(error).split())})") from None


def _sets(key: Sequence[str], path: Path) -> bool:
    value = read_yaml(path, _WANTED)
    for position, part in enumerate(key):
        if is_yaml_file(value):
            return _sets(key[position:], path.parent / value)
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True
