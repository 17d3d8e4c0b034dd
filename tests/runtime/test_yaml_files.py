from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from memodule.errors import UserError
from memodule.runtime.yaml_files import did_you_mean, load_yaml, read_yaml, read_yaml_mapping, yaml_text

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abc xyz:#-", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_what_is_written_is_read_again(value: object) -> None:
    assert load_yaml(yaml_text(value)) == value


def test_merge_keys_are_no_repetition() -> None:
    assert load_yaml("base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  x: 3\n")["mine"] == {"x": 3, "y": 2}


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "outer:\n  a: 1\n  b: 2\n  a: 3\n", "{1: x, 1: y}"])
def test_a_repeated_key_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match=r"line .* twice"):
        load_yaml(text)


def test_keys_that_are_collections_end_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("? [a, b]\n: 1\n")
    with pytest.raises(UserError, match=r"odd\.yaml"):
        read_yaml(path, "a grid")


def test_errors_name_the_file_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.yaml: no such file; give a grid"):
        read_yaml(tmp_path / "none.yaml", "a grid")
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(UserError, match=r"list.yaml.*give a grid"):
        read_yaml_mapping(path, "a grid")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"list.yaml"):
        read_yaml(path, "a grid")


def test_a_near_name_is_suggested() -> None:
    assert did_you_mean("learning_rat", ["learning_rate", "loss"]) == " (did you mean learning_rate?)"
    assert did_you_mean("zzz", ["learning_rate"]) == ""


@pytest.mark.parametrize("text", ["a: !!map text", "!!map [a, b]"])
def test_a_mapping_that_is_none_is_not_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)
