"""The two presets, from Python and from their files."""

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

from memodule.decoding.protocol import Protocol
from memodule.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs" / "protocol"


def parsed_by_jsonargparse(path):
    """What LightningCLI makes of the file."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Protocol, "protocol")
    parsed = parser.parse_object({"protocol": yaml.safe_load(Path(path).read_text())})
    return parser.instantiate(parsed).protocol


@pytest.mark.parametrize("name", ["megc", "published"])
def test_the_files_and_python_say_the_same(name):
    path = CONFIGS / f"{name}.yaml"
    assert Protocol.read(path) == Protocol.preset(name)
    assert parsed_by_jsonargparse(path) == Protocol.preset(name)
    assert list(yaml.safe_load(path.read_text())) == list(Protocol.__dataclass_fields__)  # every option is written out


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "megc"),
        ({"videos": "with_micro"}, "megc with videos=with_micro"),
        ({"emotions": ["negative", "others"], "iou": 0.3}, "megc with iou=0.3, emotions=negative/others"),
        ({"name": "mine", "videos": "with_micro"}, "mine"),
        ({"name": "published"}, "published with videos=all, matching=one_to_one"),
    ],
)
def test_other_rules_do_not_go_by_the_name_of_a_preset(options, name):
    assert Protocol(**options).name.startswith(name)
    assert (Protocol(**options).name == name) == (options.get("name") != "published")


def test_a_copy_with_further_changes_is_named_anew():
    strict = dataclasses.replace(Protocol(iou=0.3), iou=0.7)
    assert strict.name == "megc with iou=0.7"
    assert dataclasses.replace(strict, iou=0.5) == Protocol()
    filtered = dataclasses.replace(Protocol.preset("published"), filter_neutral=True)
    assert (filtered.name, filtered.leaks) == ("published with filter_neutral=True", True)
    assert Protocol.from_dict(json.loads(json.dumps(filtered.as_dict()))) == filtered


def test_only_the_published_protocol_leaks():
    assert Protocol.preset("published").leaks
    assert not Protocol.preset("megc").leaks


@pytest.mark.parametrize("iou", [0, -0.5, 1.01])
def test_an_impossible_iou_is_refused(iou):
    with pytest.raises(UserError, match=r"protocol\.iou"):
        Protocol(iou=iou)


@pytest.mark.parametrize("emotions", [(), ("joy",), ("negative", "negative"), ("neutral",)])
def test_impossible_emotions_are_refused(emotions):
    with pytest.raises(UserError, match=r"protocol\.emotions"):
        Protocol(emotions=emotions)


def test_options_that_a_file_leaves_out_are_those_of_megc(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: four\nemotions: [negative, positive, surprise, others]\n")
    assert Protocol.read(path) == Protocol(name="four", emotions=("negative", "positive", "surprise", "others"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("matching: best", r"mine\.yaml: protocol\.matching: 'best'.*one_to_one, greedy"),
        ("matchin: greedy", r"mine\.yaml: protocol\.matchin .*name, videos, matching"),
        ("- greedy", r"mine\.yaml: .*maps options to values"),
        ("a: [", r"mine\.yaml: .*YAML"),
        ("emotions: 5", r"mine\.yaml: protocol\.emotions"),
        ("filter_neutral: 'false'", r"mine\.yaml: protocol\.filter_neutral: 'false'"),
        ("name: 7", r"mine\.yaml: protocol\.name"),
        ("emotions: [1, [negative]]", r"mine\.yaml: protocol\.emotions"),
        ("iou: high", r"mine\.yaml: protocol\.iou"),
    ],
)
def test_a_wrong_file_is_refused_with_the_fix(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        Protocol.read(path)
