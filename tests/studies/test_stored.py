"""A study that version 0.1.0 wrote, before modules moved, is opened, pooled to the same bytes, and reported."""

import json
from pathlib import Path

from memodule.intervals import PriorGuided
from memodule.report import ReportedStudy, report_page
from memodule.runtime.atomic import write_json
from memodule.studies.pooling import pool_study, provenance
from memodule.studies.study import Study

STORED = Path(__file__).parent / "stored" / "stored-8f1a0974"


def test_it_is_pooled_to_the_same_bytes(tmp_path):
    write_json(tmp_path / "results.json", pool_study(Study.open(STORED)))
    named = b'"protocol": "megc with stitching=tail"'  # the rules that it was scored under are no longer the preset's
    expected = (STORED / "results.json").read_bytes().replace(b'"protocol": "megc"', named)
    assert (tmp_path / "results.json").read_bytes() == expected


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
