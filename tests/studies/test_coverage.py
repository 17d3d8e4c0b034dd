"""Expressions where a curve has no score are counted as missed, and said to be."""

import dataclasses
from pathlib import Path

import numpy as np
from made_studies import make_study, small_catalog

from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.comparison import compared
from memodule.decoding.curves import write_curves
from memodule.decoding.decode import decode
from memodule.decoding.protocol import Protocol
from memodule.decoding.scoring import stitched_curve
from memodule.intervals import FixedWindow
from memodule.metrics.evaluation import tally_subjects
from memodule.studies.ablation.grid import read_grid
from memodule.studies.ablation.run import ablate
from memodule.studies.pooling import pool_study
from memodule.studies.results_view import weaknesses
from memodule.studies.study import Study
from tests.studies.ablation.folders import write_grid


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


def test_an_expression_in_the_tail_of_a_video_can_be_a_hit():
    """Two whole windows end at sample 45; an expression at 46 .. 56 is found in the filled-up one behind them."""
    score = np.zeros((3, 30), np.float32)
    score[2, 16:27] = 1 - np.abs(np.arange(-5, 6)) / 8  # the window that begins at 30
    logits = np.zeros((3, 30, 5), np.float32)
    logits[..., 1] = 3
    catalog = Catalog(
        (Video("s", "v", Path("v"), 30.0, 58),), (Expression("s", "v", "micro", 46, 51, 56, "positive"),), "tail"
    )
    for stitching in ("tail", "mean"):
        curve = stitched_curve(("s", "v"), score, logits, stitching, 30.0, 1, sampled=58)
        protocol = Protocol(stitching=stitching)
        decoded = decode(curve, FixedWindow(half_window=5), protocol)
        tally = tally_subjects([compared(decoded, catalog, protocol)], protocol)["s"]
        assert (tally.tp, tally.fn) == (1, 0), stitching
    cut = stitched_curve(("s", "v"), score[:2], logits[:2], "tail", 30.0, 1, sampled=58)
    missed = tally_subjects(
        [compared(decode(cut, FixedWindow(half_window=5), Protocol()), catalog, Protocol())], Protocol()
    )
    assert (missed["s"].tp, missed["s"].fn) == (0, 1)


def test_an_ablation_of_curves_with_unknown_samples_decodes_as_the_study_does(tmp_path):
    folder = make_study(tmp_path / "runs", small_catalog(), pooled=False)
    for subject in ("s1", "s2", "s3"):
        fold = Study.open(folder).fold(subject, 0)
        masked = []
        for curve in fold.curves:
            known = np.ones(len(curve.score), bool)
            known[60:260] = False  # with the first expression in it
            masked.append(dataclasses.replace(curve, score=np.where(known, curve.score, 1).astype("f4"), known=known))
        write_curves(fold.folder / "test" / "curves.npz", masked)
    study = Study.open(folder)
    results = pool_study(study)
    assert results["coverage"]["uncovered"] > 0
    table = ablate(study, read_grid(write_grid(tmp_path / "grids", {"same": {"rule": "PriorGuided"}})), 1)
    (row,) = (row for row in table.rows if row.name == "same")
    assert {name: getattr(row.pooled, name) for name in ("tp", "fp", "fn")} == {
        name: results["spotting"][name] for name in ("tp", "fp", "fn")
    }
