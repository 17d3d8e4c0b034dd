"""Expressions where a curve has no score are counted as missed, and said to be."""

import dataclasses

from made_studies import make_study, small_catalog

from memodule.decoding.curves import write_curves
from memodule.studies.pooling import pool_study
from memodule.studies.results_view import weaknesses
from memodule.studies.study import Study


def test_a_curve_that_ends_before_an_expression_is_reported(tmp_path):
    folder = make_study(tmp_path, small_catalog(), pooled=False)
    whole = pool_study(Study.open(folder))
    assert "coverage" not in whole
    fold = Study.open(folder).fold("s1", 0)
    last = max(
        (e for e in Study.open(folder).catalog.of({"s1"}).expressions if e.kind == "micro"), key=lambda e: e.onset
    )
    cut = [
        dataclasses.replace(curve, score=curve.score[:end], logits=curve.logits[:end])
        for curve in fold.curves
        for end in [last.onset // curve.frame_step if curve.key == last.key else None]
    ]
    write_curves(fold.folder / "test" / "curves.npz", cut)
    results = pool_study(Study.open(folder))
    assert (results["coverage"]["uncovered"], results["coverage"]["without"]) == (1, [])
    (line,) = (line for line in weaknesses(results) if line.startswith("NOT COVERED"))
    assert f"1 of {results['coverage']['micro']} micro-expressions" in line
