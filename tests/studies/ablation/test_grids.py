from pathlib import Path

import pytest
import yaml
from made_studies import small_catalog

from memodule.datasets import Catalog
from memodule.errors import UserError
from memodule.intervals import PriorGuided
from memodule.studies.ablation.grid import SECTIONS, read_grid
from memodule.studies.ablation.rule_files import RULES
from memodule.studies.ablation.variants import STUDY
from tests.test_configs import SECTIONS as CONFIG_SECTIONS

ROOT = Path(__file__).parents[3]
ABLATIONS = sorted((ROOT / "experiments" / "ablations").rglob("*.yaml"))
GRIDS = [path for path in ABLATIONS if "variants" in yaml.safe_load(path.read_text())]


def grid_file(folder: Path, variants: dict, **more) -> Path:
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({"variants": variants, **more}, sort_keys=False))
    return path


def test_ablations_are_grids_or_configs_and_nothing_between():
    assert GRIDS
    for path in ABLATIONS:
        keys = set(yaml.safe_load(path.read_text()))
        assert keys <= set(SECTIONS) if path in GRIDS else keys <= CONFIG_SECTIONS, path


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_grid_that_comes_along_decodes(path):
    """Every variant can be built, fitted, calibrated and run on a curve."""
    catalog: Catalog = small_catalog()
    grid = read_grid(path)
    for variant in grid.variants[1:]:
        for candidate in variant.candidates:
            rule = candidate.decoding.build().fit(catalog.expressions, fps=30.0)
            assert rule.detect([0.1] * 40 + [0.9] * 10 + [0.1] * 40).frames.shape[1] == 3


def test_the_grid_of_the_priors_covers_what_the_paper_rests_on_and_every_rule():
    variants = read_grid(ROOT / "experiments" / "ablations" / "interval_priors.yaml").variants
    used = " ".join(candidate.decoding.names for v in variants for candidate in v.candidates)
    assert [name for name in RULES if name not in used] == []
    priors = ("temporal_evolution", "duration")
    switched = {
        (
            *(c.decoding.rule["init_args"].get(prior, True) for prior in priors),
            c.decoding.options.get("filter_neutral", True),
        )
        for v in variants[1:]
        for c in v.candidates
        if c.decoding.names == "PriorGuided"
    }
    assert len(switched) == 8  # each prior alone, each left out, all, none
    assert any(c.decoding.options.get("fitted_on") == "all" for v in variants for c in v.candidates)
    assert any(v.chosen for v in variants)


def test_rows_follow_from_what_is_swept_and_what_is_chosen(tmp_path):
    sweep = {
        "rule": "PriorGuided",
        "parameters": {
            "threshold": {"from": 0.3, "to": 0.9, "steps": 4},
            "duration": [True, False],
            "half_window": {"values": [4, 6], "when": {"duration": True}},
            "nms_iou": 0.3,
        },
    }
    chosen = {**sweep, "choose": ["threshold", "half_window"]}
    grid = read_grid(grid_file(tmp_path, {"swept": sweep, "chosen": chosen, "any": {"choose_from": ["swept"]}}))
    names = [variant.name for variant in grid.variants]
    assert names[0] == STUDY
    assert len([v for v in grid.variants if v.group == "swept"]) == 4 * (2 + 1)
    assert "swept [threshold=0.5, duration=true, half_window=4]" in names
    rows = {v.name: v for v in grid.variants if v.group == "chosen"}
    assert {name: len(v.candidates) for name, v in rows.items()} == {
        "chosen [duration=true]": 8,
        "chosen [duration=false]": 4,
    }
    assert len(grid.variants[-1].candidates) == 12
    assert all(c.decoding.rule["init_args"]["nms_iou"] == 0.3 for v in grid.variants[1:] for c in v.candidates)
    assert isinstance(grid.variants[1].candidates[0].decoding.build(), PriorGuided)


def test_rules_come_from_files_with_rules_inside(tmp_path):
    (tmp_path / "inner.yaml").write_text("class_path: memodule.intervals.RiseFall\ninit_args: {least: 0.2}\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "outer.yaml").write_text(
        "class_path: memodule.intervals.Abstaining\ninit_args: {rule: ../inner.yaml}\n"
    )
    variants = {
        "file": {"rule": "rules/outer.yaml", "parameters": {"rule.least": [0.3, 0.4]}},
        "swapped": {"rule": "rules/outer.yaml", "parameters": {"rule": ["inner.yaml", {"class_path": "FixedWindow"}]}},
        "list": {
            "rule": {"class_path": "memodule.intervals.Calibrated", "init_args": {"rules": ["inner.yaml"]}},
            "parameters": {"rules.0.least": 0.7},
        },
    }
    _, low, high, kept, swapped, listed = read_grid(grid_file(tmp_path, variants)).variants
    assert [v.candidates[0].decoding.build().rule.least for v in (low, high)] == [0.3, 0.4]
    assert kept.candidates[0].decoding.build().rule.least == 0.2
    assert swapped.name == "swapped [rule=FixedWindow]"
    assert listed.candidates[0].decoding.build().rules[0].least == 0.7


FIXED = {"rule": "FixedWindow"}
WRONG = {
    "unknown rule": ({"a": {"rule": "PriorGuide"}}, "a.rule: there is no rule PriorGuide (did you mean PriorGuided"),
    "unknown class": ({"a": {"rule": "some.where.Rule"}}, "variants.a.rule: some.where.Rule"),
    "no rule at all": ({"a": {"rule": "pathlib.Path"}}, "variants.a.rule: pathlib.Path"),
    "missing file": ({"a": {"rule": "absent.yaml"}}, "absent.yaml: no such file"),
    "missing rule": ({"a": {"parameters": {"threshold": 0.5}}}, "variants.a.rule: missing"),
    "unknown parameter": (
        {"a": {**FIXED, "parameters": {"treshold": [0.5]}}},
        "variants.a.parameters.treshold: FixedWindow has no parameter treshold (did you mean threshold",
    ),
    "unknown nested parameter": (
        {"a": {"rule": {"class_path": "Abstaining", "init_args": {"rule": {"class_path": "FixedWindow"}}},
               "parameters": {"rule.nms": 1}}},
        "variants.a.parameters.rule.nms: FixedWindow has no parameter nms",
    ),
    "unknown argument": ({"a": {"rule": {"class_path": "FixedWindow", "init_args": {"x": 1}}}}, "has no parameter x"),
    "impossible value": (
        {"a": {**FIXED, "parameters": {"threshold": [0.5, 2]}}}, "variants.a with threshold=2: intervals.threshold: 2",
    ),
    "impossible together": (
        {"a": {"rule": "PriorGuided", "parameters": {"half_window": 4, "duration": [True, False]}}},
        "variants.a with half_window=4, duration=false",
    ),
    "empty list": ({"a": {**FIXED, "parameters": {"threshold": []}}}, "variants.a.parameters.threshold: the list is"),
    "range": (
        {"a": {**FIXED, "parameters": {"threshold": {"from": 0.5, "to": 0.5, "steps": 3}}}},
        "variants.a.parameters.threshold: the range is empty",
    ),
    "unknown key": ({"a": {**FIXED, "parameter": {}}}, "variants.a: unknown key parameter (did you mean parameters"),
    "scoring": ({"a": {**FIXED, "protocol": {"iou": [0.3]}}}, "variants.a.protocol: unknown key iou"),
    "option": ({"a": {**FIXED, "protocol": {"fitted_on": "everyone"}}}, "everyone"),
    "choose nothing": ({"a": {**FIXED, "choose": []}}, "variants.a.choose: give a list"),
    "choose what is fixed": ({"a": {**FIXED, "choose": ["threshold"]}}, "variants.a.choose: threshold has only one"),
    "draw": ({"a": {**FIXED, "parameters": {"threshold": {"uniform": [0.3, 0.5]}}}}, "variants.a.parameters.threshold"),
    "choose the leak": (
        {"a": {**FIXED, "protocol": {"fitted_on": ["training", "all"]}, "choose": ["protocol.fitted_on"]}},
        "variants.a.choose: protocol.fitted_on",
    ),
    "choose from nothing": ({"a": FIXED, "b": {"choose_from": ["c"]}}, "variants.b.choose_from: c is not a variant"),
    "choose from itself": ({"a": FIXED, "b": {"choose_from": ["b"]}}, "variants.b.choose_from: b is not a variant"),
    "choose from one": ({"a": FIXED, "b": {"choose_from": ["a"]}}, "variants.b.choose_from: only one"),
    "choose from leaks": (
        {"a": FIXED, "l": {**FIXED, "protocol": {"fitted_on": "all"}}, "b": {"choose_from": ["a", "l"]}},
        "variants.b.choose_from: some are fitted_on all",
    ),
    "calibrate": ({"a": {**FIXED, "calibrate": "outer"}}, "variants.a.calibrate: 'outer' is not one of"),
    "reserved name": ({"study": FIXED}, "variants.study"),
    "no variants": ({}, "variants: there is none"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_grid_is_refused_as_a_whole_with_file_and_key(case, tmp_path):
    variants, told = WRONG[case]
    path = grid_file(tmp_path, {"good": FIXED, **variants} if variants else {})
    with pytest.raises(UserError) as refused:
        read_grid(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert told in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"reference": "god"}, "reference: there is no variant god (did you mean good"),
        ({"reference": "sweep"}, "reference: sweep has 2 rows; name one of them, such as 'sweep [threshold=0.3]'"),
        ({"choose_by": "recog_f1"}, "choose_by: 'recog_f1' is not one of strs, spot_f1"),
        ({"referense": "good"}, "unknown key referense (did you mean reference"),
    ],
)
def test_the_top_of_a_grid_is_checked_too(more, told, tmp_path):
    sweep = {**FIXED, "parameters": {"threshold": [0.3, 0.4]}}
    with pytest.raises(UserError) as refused:
        read_grid(grid_file(tmp_path, {"good": FIXED, "sweep": sweep}, **more))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("variants:\n  a: {rule: FixedWindow}\n  a: {rule: RiseFall}\n", "line 3: the key a appears twice"),
        ("variants: [", "cannot be read as YAML"),
        ("- a", "variants"),
    ],
)
def test_broken_files_are_told_in_one_line(text, told, tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as refused:
        read_grid(path)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_absent_grid_is_told(tmp_path):
    with pytest.raises(UserError, match=r"no such file.*grid"):
        read_grid(tmp_path / "absent.yaml")
