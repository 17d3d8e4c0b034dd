"""A study that version 0.1.0 wrote, before modules moved, is opened, pooled to the same numbers, and reported."""

import json
from pathlib import Path
from typing import Any

from memodule.intervals import PriorGuided
from memodule.report import ReportedStudy, report_page
from memodule.runtime.atomic import write_json
from memodule.studies.pooling import pool_study, provenance
from memodule.studies.study import Study

STORED = Path(__file__).parent / "stored" / "stored-8f1a0974"


def rounded(text: str) -> dict[str, Any]:
    """JSON whose numbers have twelve digits: further ones depend on the processor."""
    return json.loads(text, parse_float=lambda number: f"{float(number):.12g}")


def test_it_is_pooled_to_the_same_numbers(tmp_path):
    write_json(tmp_path / "results.json", pool_study(Study.open(STORED)))
    pooled = rounded((tmp_path / "results.json").read_text(encoding="utf-8"))
    expected = rounded((STORED / "results.json").read_text(encoding="utf-8"))
    assert pooled.pop("protocol") == "megc with stitching=tail"  # the rules of that time are no longer the preset's
    assert expected.pop("protocol") == "megc"
    assert pooled == expected
    assert list(pooled) == list(expected)


def test_its_folds_are_read():
    study = Study.open(STORED)
    assert study.finished(0) == ("s1", "s2")
    fold = study.fold("s2", 0)
    assert isinstance(fold.rule, PriorGuided)
    assert len(fold.curves) == len(fold.decoded) == 1
    assert provenance(study)["seed0"]["s2"]["network"] == ["s1"]


def test_its_page_shows_its_scores():
    run = ReportedStudy.of_study(Study.open(STORED))
    assert run.results == json.loads((STORED / "results.json").read_text())
    assert "stored-8f1a0974" in report_page([run])
