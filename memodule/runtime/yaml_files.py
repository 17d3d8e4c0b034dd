"""YAML files written by people: plain values, no repeated key, and errors that name the file."""

import difflib
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from typing_extensions import override

from memodule.errors import UserError


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a repeated key; YAML itself would silently keep the last value."""

    @override
    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):  # such as `!!map text`; refused there
            return super().construct_mapping(node, deep)
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.YAMLError(f"line {key_node.start_mark.line + 1}: the key {key} appears twice; remove one")
            seen.add(key if isinstance(key, Hashable) else str(key))
        return super().construct_mapping(node, deep)


def is_yaml_file(value: Any) -> bool:
    """Whether a value is the name of a YAML file."""
    return isinstance(value, str) and value.endswith((".yaml", ".yml"))


def load_yaml(text: str) -> Any:
    """Parse YAML text into plain values.

    Raises:
        yaml.YAMLError: If the text is not YAML, or a mapping has a key twice.
    """
    return yaml.load(text, _UniqueKeyLoader)


def read_yaml(path: Path, wanted: str) -> Any:
    """Read a YAML file into plain values.

    Raises:
        UserError: If the file is missing, not UTF-8 YAML, or has a key twice; the remedy is to pass what is `wanted`.
    """
    try:
        return load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give {wanted}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())}); give {wanted}") from None


def read_yaml_mapping(path: Path, wanted: str) -> Mapping[str, Any]:
    """Read a YAML file that must hold a mapping; otherwise like `read_yaml`."""
    contents = read_yaml(path, wanted)
    if not isinstance(contents, Mapping):
        raise UserError(f"{path}: does not hold a mapping of keys to values; give {wanted}")
    return contents


def yaml_text(value: Any) -> str:
    """Plain values as YAML, with keys in insertion order."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=False)
    return text


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint to append to a misspelt name: " (did you mean X?)", or "" if it resembles none of `known`."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""
