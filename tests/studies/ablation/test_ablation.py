"""What an ablation computes: the numbers of results.json, honest choices, each decoding once."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_studies import make_study, small_catalog

from memodule.cli import main
from memodule.decoding.decode import decode
from memodule.decoding.fitted import FittedDecoder
from memodule.decoding.protocol import MEGC, Protocol
from memodule.errors import UserError
from memodule.intervals import Abstaining, ChallengeRule, FixedWindow, PriorGuided
from memodule.metrics.evaluation import compare
from memodule.metrics.functional import Tally, score
from memodule.metrics.score_names import pooled_scores
from memodule.studies.ablation import execution
from memodule.studies.ablation.cache import CountCache
from memodule.studies.ablation.choosing import choose
from memodule.studies.ablation.counting import _Counter, count, tally_curves
from memodule.studies.ablation.grid import read_grid
from memodule.studies.ablation.prepared import prepare_study
from memodule.studies.ablation.row_influences import ablation_influences
from memodule.studies.ablation.run import Ablation, ablate
from memodule.studies.ablation.variants import DecodingSpec
from memodule.studies.pooling import pool, pool_study
from memodule.studies.study import Study
from tests.studies.ablation.folders import add_inner_subjects, change_curves, change_labels, write_grid

RULES = "memodule.intervals."
THRESHOLDS = {"from": 0.2, "to": 0.9, "steps": 8}
CHOSEN = {"rule": "PriorGuided", "parameters": {"threshold": THRESHOLDS}, "choose": ["threshold"]}
SWEPT = {"rule": "PriorGuided", "parameters": {"threshold": THRESHOLDS}}


def run(folder: Path, variants: dict, workers: int = 1, **more) -> Ablation:
    return ablate(Study.open(folder), read_grid(write_grid(folder.parent / "grids", variants, **more)), workers)


def row(ablation: Ablation, name: str):
    (found,) = [row for row in ablation.rows if row.name == name]
    return found


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A study of six subjects, whose curves leave something to choose."""
    catalog = small_catalog([f"s{i}" for i in range(1, 7)])
    return make_study(tmp_path_factory.mktemp("original"), catalog)


@pytest.fixture
def study(original, tmp_path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(original, tmp_path / "runs" / original.name))


PUBLISHED = Protocol.preset("published")


@pytest.mark.parametrize("protocol", [MEGC, PUBLISHED, dataclasses.replace(MEGC, neutral="drop")], ids=lambda p: p.name)
@pytest.mark.parametrize("rule", [PriorGuided, ChallengeRule])
def test_the_studys_own_rule_gives_the_numbers_of_results_json(protocol, rule, tmp_path):
    folder = make_study(tmp_path / "runs", small_catalog(), rule=rule, protocol=protocol, frame_step=2, seeds=(0, 1))
    results = json.loads((folder / "results.json").read_text())
    ablation = run(folder, {"same": {"rule": rule.__name__}, "other": {"rule": "FixedWindow"}})
    for name in ("study", "same"):
        found = row(ablation, name)
        assert dict(found.scores) == pooled_scores(results)
        assert {score: list(ends) for score, ends in found.ranges.items()} == results["ci"]
        assert found.pooled.to_dict()["confusion"] == results["recognition"]["confusion"]
        counts = {count: results["spotting"][count] for count in ("tp", "fp", "fn")}
        assert {count: getattr(found.pooled, count) for count in counts} == counts
        assert found.support == results["recognition"]["support"]
        assert found.leak == protocol.leaks
    assert row(ablation, "same").differences["strs"]["difference"] == 0
    assert row(ablation, "other").scores != row(ablation, "study").scores


@pytest.mark.slow
def test_a_trained_study_with_inner_subjects_and_its_redecodings_agree(planted, tmp_path):
    """Calibrated on inner subjects, in training, by `loso --curves` and here."""
    rules = {
        name: {"class_path": "memodule.intervals.Abstaining", "init_args": {"rule": {"class_path": f"{RULES}{name}"}}}
        for name in ("PriorGuided", "RelativeHeight")
    }
    network = {"fast_width": 8, "slow_width": 16, "depth": 1, "groups": 1, "state": 4}
    config = {
        "model": {"network": {"class_path": "memodule.networks.SlowFastMamba", "init_args": network}},
        "data": {"catalog": str(planted.catalog), "flow": str(planted.flow), "window": 10}
        | {"inner_validation_subjects": 1},
        "trainer": {"max_epochs": 4, "enable_checkpointing": False, "logger": False},
        "intervals": rules["PriorGuided"],
    }
    paths = [tmp_path / "tiny.yaml", tmp_path / "other.yaml"]
    paths[0].write_text(yaml.safe_dump(config | {"model": {**config["model"], "learning_rate": 0.01}}))
    paths[1].write_text(yaml.safe_dump({"intervals": rules["RelativeHeight"]}))
    words = ["--runs", str(tmp_path / "runs"), "--no-checkpoints", "--quiet"]
    assert main(["loso", "--config", str(paths[0]), *words]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    again = [word for path in paths for word in ("--config", str(path))]
    assert main(["loso", *again, *words, "--curves", str(folder)]) == 0
    (other,) = set((tmp_path / "runs").iterdir()) - {folder}
    ablation = run(folder, {name: {"rule": rule} for name, rule in rules.items()} | {"chosen": CHOSEN})
    for name, decoded in (("study", folder), ("PriorGuided", folder), ("RelativeHeight", other)):
        results = json.loads((decoded / "results.json").read_text())
        assert dict(row(ablation, name).scores) == pooled_scores(results)
        assert row(ablation, name).pooled.fp == results["spotting"]["fp"]
    folds = ablation.prepared.folds
    assert all(len(fold.inner) == 1 and set(fold.validation) == set(fold.inner) for fold in folds)


def test_a_variant_gives_what_decoding_fold_by_fold_gives(study):
    ablation = run(study, {"x": {"rule": "FixedWindow", "parameters": {"threshold": 0.4}}})
    opened, decoded = Study.open(study), []
    for subject in opened.subjects:
        known = [e for e in opened.catalog.expressions if e.subject != subject]
        rule = FixedWindow(threshold=0.4).fit(known, fps=30.0)
        decoded += [decode(curve, rule, MEGC) for curve in opened.fold(subject, 0).curves]
    assert dict(row(ablation, "x").scores) == pooled_scores(pool({0: decoded}, opened.catalog, MEGC))


def test_differences_are_those_of_the_paired_test(study):
    ablation = run(study, {"base": {"rule": "FixedWindow"}, "x": {"rule": "RiseFall"}}, reference="base")
    x, base = row(ablation, "x"), row(ablation, "base")
    assert x.differences == compare(x.tallies, base.tallies, MEGC)
    assert base.differences is None
    assert row(ablation, "study").differences is not None


def test_fitting_on_all_uses_the_held_out_labels_and_says_so(study):
    variants = {
        "honest": {"rule": "FixedWindow"},
        "leak": {"rule": "FixedWindow", "protocol": {"fitted_on": "all"}},
    }
    before = run(study, variants)
    assert [row(before, name).leak for name in ("honest", "leak")] == [False, True]
    # the held-out subject's labels are ten times as long: only a prior that sees them changes what is found in its fold
    widened = "s1"
    change_labels(
        study, widened, lambda e: dataclasses.replace(e, apex=None, offset=e.onset + 3 * (e.offset - e.onset))
    )
    found = {}
    for name in ("honest", "leak"):
        decoding = row(before, name).variant.candidates[0].decoding
        prepared = prepare_study(Study.open(study))
        fold = next(fold for fold in prepared.folds if fold.subject == widened)
        found[name] = [
            _Counter(decoding, m)._fitted(fold).rule.timing.half_window
            for m, fold in ((before.prepared, before.prepared.folds[0]), (prepared, fold))
        ]
    assert found["honest"][0] == found["honest"][1]
    assert found["leak"][0] != found["leak"][1]


# ------------------------------------------------------------------------------------------------------ nested choice


def choices(folder: Path, objective: str = "strs", variant: dict | None = None) -> dict[str, str]:
    """What each fold chose."""
    found = row(run(folder, {"chosen": variant or CHOSEN}, choose_by=objective), "chosen")
    return {fold: json.dumps(dict(candidate.label)) for fold, candidate in found.choice.items()}


def lost(expression):
    """A label of one frame: what was found is now false, and another threshold is best."""
    return dataclasses.replace(expression, apex=None, offset=expression.onset, emotion="others")


def reversed_curve(curve):
    return dataclasses.replace(curve, score=np.ascontiguousarray(1 - curve.score[::-1]))


@pytest.mark.parametrize("inner", [False, True], ids=["out of fold", "inner"])
def test_the_held_out_subject_moves_nothing_that_its_fold_chooses(study, inner):
    if inner:
        add_inner_subjects(study)
    before = choices(study)
    moved = set()
    for subject in Study.open(study).subjects:
        changed = Path(shutil.copytree(study, study.parent / f"without-{subject}" / study.name))
        change_labels(changed, subject, lost)
        change_curves(Study.open(changed).fold(subject, 0).folder / "test" / "curves.npz", reversed_curve)
        after = choices(changed)
        assert after[f"seed0/{subject}"] == before[f"seed0/{subject}"]
        moved |= {fold for fold in after if after[fold] != before[fold]}
    assert moved  # other subjects' labels do decide


def test_inner_curves_decide_where_there_are_some(study):
    add_inner_subjects(study)
    before = choices(study)
    path = Study.open(study).fold("s1", 0).folder / "val" / "curves.npz"
    change_curves(path, reversed_curve)
    after = choices(study)
    assert {fold for fold in after if after[fold] != before[fold]} == {"seed0/s1"}


def test_inner_curves_are_each_folds_own_even_where_two_folds_fit_alike(study):
    prepared = prepare_study(Study.open(study))
    first, second = prepared.folds[:2]
    shown = prepared.folds[2].test
    turned = [dataclasses.replace(v, curve=dataclasses.replace(v.curve, score=1 - v.curve.score)) for v in shown]
    alike = [
        dataclasses.replace(fold, known=first.known, inner=("s3",), validation={"s3": curves})
        for fold, curves in ((first, shown), (second, turned))
    ]
    decoding = DecodingSpec({"class_path": "memodule.intervals.PriorGuided", "init_args": {}})
    chooser = count(decoding, dataclasses.replace(prepared, folds=alike), choosing=True).chooser
    assert chooser["seed0/s1"] != chooser["seed0/s2"]


def test_watched_curves_of_the_held_out_subject_are_no_inner_curves(study):
    before = choices(study)
    for subject in Study.open(study).subjects:
        fold = Study.open(study).fold(subject, 0).folder
        (fold / "val").mkdir()
        shutil.copy(
            fold / "test" / "curves.npz", fold / "val" / "curves.npz"
        )  # what training without inner ones leaves
    assert choices(study) == before
    prepared = prepare_study(Study.open(study))
    assert all(not fold.validation and fold.subject not in prepared.choosers(fold) for fold in prepared.folds)


def test_curves_of_a_subject_that_a_fold_must_not_see_are_refused(study):
    add_inner_subjects(study)
    opened = Study.open(study)
    shutil.copy(opened.fold("s1", 0).folder / "test" / "curves.npz", opened.fold("s1", 0).folder / "val" / "curves.npz")
    with pytest.raises(UserError, match=r"s1.*curves of subject s1"):
        prepare_study(opened)


def test_each_fold_takes_the_best_on_its_choosers(study):
    grid = read_grid(write_grid(study.parent / "grids", {"chosen": CHOSEN}, choose_by="spot_f1"))
    variant = grid.variants[1]
    prepared = prepare_study(Study.open(study))
    swept = run(study, {"swept": SWEPT})
    by_threshold = {r.variant.parameters["threshold"]: r.tallies for r in swept.rows if r.variant.group == "swept"}
    ablation = ablate(Study.open(study), grid, 1)
    counts = execution.count_all(grid, prepared, _no_cache(study), 1).counts
    for fold, candidate in choose(variant, counts, prepared, "spot_f1").items():
        others = [s for s in Study.open(study).subjects if s != fold.removeprefix("seed0/")]
        f1 = {}
        for threshold in by_threshold:
            rule = PriorGuided(threshold=threshold).fit(
                [e for e in prepared.catalog.expressions if e.subject in others], fps=30.0, frame_step=1
            )
            f1[threshold] = _spot_f1(rule, prepared, others)
        assert f1[candidate.label["threshold"]] == max(f1.values())
    honest = row(ablation, "chosen").scores["spot_f1"]
    assert honest <= max(r.scores["spot_f1"] for r in swept.rows) + 1e-12


def _spot_f1(rule, prepared, subjects) -> float:
    folds = [fold for fold in prepared.folds if fold.subject in subjects]
    return score(sum((tally_curves(FittedDecoder(rule, MEGC), fold.test) for fold in folds), Tally()), MEGC)["spot_f1"]


def _no_cache(study: Path):
    return CountCache(study.parent / "elsewhere", "another")


def test_a_choice_among_variants_takes_over_their_counts(study):
    variants = {"swept": SWEPT, "fixed": {"rule": "FixedWindow"}, "any": {"choose_from": ["swept", "fixed"]}}
    ablation = run(study, variants)
    found = row(ablation, "any")
    assert sum(found.chosen.values()) == 6
    for fold, candidate in found.choice.items():
        subject = fold.removeprefix("seed0/")
        taken = row(ablation, candidate.label["variant"])
        assert found.tallies[subject] == taken.tallies[subject]


def test_rules_are_calibrated_out_of_fold_unless_the_grid_insists_on_inner_subjects(study):
    rule = {"class_path": "Abstaining", "init_args": {"rule": {"class_path": "PriorGuided"}}}
    variants = {way: {"rule": rule, "calibrate": way} for way in ("inner", "nested")}
    ablation = run(study, {**variants, "auto": {"rule": rule}})
    assert row(ablation, "inner").tallies == row(ablation, "study").tallies
    assert row(ablation, "auto").tallies == row(ablation, "nested").tallies
    prepared = ablation.prepared
    for fold in prepared.folds:
        known = [e for e in prepared.catalog.expressions if e.subject != fold.subject]
        expected = Abstaining(PriorGuided()).fit(known, fps=30.0)
        expected.calibrate([v.labelled for f in prepared.folds if f is not fold for v in f.test])
        assert row(ablation, "nested").tallies[fold.subject] == tally_curves(FittedDecoder(expected, MEGC), fold.test)


def test_a_rule_is_not_judged_by_the_curves_that_it_was_calibrated_on(study, monkeypatch):
    from memodule.studies.ablation import counting

    learned: dict[int, set] = {}
    judged, alive = [], []  # a rule that is kept keeps its id for itself
    calibrate = Abstaining.calibrate

    def watch_calibration(self, curves):
        learned[id(self)] = {id(c) for c in curves}
        alive.append(self)
        return calibrate(self, curves)

    def watch_tally(decoder, curves):
        alive.append(decoder.rule)
        judged.append(learned.get(id(decoder.rule), set()) & {id(video.labelled) for video in curves})
        return tally(decoder, curves)

    tally = counting.tally_curves
    monkeypatch.setattr(Abstaining, "calibrate", watch_calibration)
    monkeypatch.setattr(counting, "tally_curves", watch_tally)
    rule = {"class_path": "Abstaining", "init_args": {"rule": {"class_path": "PriorGuided"}}}
    levels = {"rule": rule, "parameters": {"rule.threshold": [0.4, 0.5]}, "choose": ["rule.threshold"]}
    run(study, {"chosen": {**levels, "calibrate": "nested"}})
    assert learned
    assert judged
    assert not any(judged)


def test_provenance_names_who_influenced_what(study):
    add_inner_subjects(study)
    rule = {"class_path": "Abstaining", "init_args": {"rule": {"class_path": "PriorGuided"}}}
    variants = {
        "plain": {"rule": "FixedWindow"},
        "leak": {"rule": "FixedWindow", "protocol": {"fitted_on": "all"}},
        "learns": {"rule": rule},
        "chosen": CHOSEN,
    }
    ablation = run(study, variants)
    told = ablation_influences(ablation.grid, ablation.prepared, ablation.rows)
    assert told["folds"]["seed0/s1"] == {"held_out": "s1", "training": ["s4", "s5", "s6"], "inner": ["s2", "s3"]}
    every = {name: told["rows"][name]["every fold"] for name in ("plain", "leak", "learns")}
    assert every["plain"] == {"prior_fitted_on": "training", "calibrated_on": "none", "chosen_on": "none"}
    assert every["leak"]["prior_fitted_on"] == "all"
    assert every["learns"]["calibrated_on"] == "inner"
    assert told["rows"]["chosen"]["seed0/s1"]["chosen_on"] == "inner"
    assert "threshold" in told["rows"]["chosen"]["seed0/s1"]["chosen"]


# -------------------------------------------------------------------------------------------------------------- cache


def test_only_what_is_new_is_decoded(study):
    assert run(study, {"swept": SWEPT}).computed == 1 + 8
    again = run(study, {"swept": SWEPT})
    assert again.computed == 0
    wider = {"rule": "PriorGuided", "parameters": {"threshold": {"from": 0.2, "to": 0.9, "steps": 15}}}
    assert run(study, {"renamed": wider, "fixed": {"rule": "FixedWindow"}}).computed == 7 + 1
    chosen = run(study, {"chosen": CHOSEN})
    assert chosen.computed == 8  # a choice needs the training subjects' curves as well
    assert run(study, {"swept": SWEPT, "chosen": CHOSEN}).computed == 0


def test_the_cache_gives_what_computing_gives(study):
    variants = {"swept": SWEPT, "chosen": CHOSEN}
    first, second = run(study, variants), run(study, variants)
    assert second.computed == 0
    assert [r.name for r in second.rows] == [r.name for r in first.rows]
    assert [r.tallies for r in second.rows] == [r.tallies for r in first.rows]
    assert [r.chosen for r in second.rows] == [r.chosen for r in first.rows]


def test_other_curves_labels_and_code_are_computed_anew(study, monkeypatch):
    variants = {"fixed": {"rule": "FixedWindow"}}
    assert run(study, variants).computed == 2
    change_curves(Study.open(study).fold("s2", 0).folder / "test" / "curves.npz", reversed_curve)
    assert run(study, variants).computed == 2
    change_labels(study, "s2", lost)
    assert run(study, variants).computed == 2
    assert run(study, variants).computed == 0
    monkeypatch.setattr("memodule.studies.ablation.cache.code_digest", lambda: "other code")
    assert run(study, variants).computed == 2


def test_a_killed_run_goes_on_where_it_was(study, monkeypatch):
    count, done = execution.count, []

    def dying(*arguments):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return count(*arguments)

    monkeypatch.setattr(execution, "count", dying)
    with pytest.raises(KeyboardInterrupt):
        run(study, {"swept": SWEPT})
    monkeypatch.setattr(execution, "count", count)
    assert run(study, {"swept": SWEPT}).computed == 9 - 3


def test_a_broken_file_of_the_cache_is_computed_again(study):
    first = run(study, {"swept": SWEPT})
    broken = sorted((study / "ablations" / ".cache").iterdir())[:2]
    broken[0].write_text('{"held_out": {"seed0/s1"')
    broken[1].write_text("{}")
    second = run(study, {"swept": SWEPT})
    assert second.computed == 2
    assert [r.tallies for r in second.rows] == [r.tallies for r in first.rows]


@pytest.mark.slow
def test_several_processes_give_what_one_gives(study):
    variants = {"swept": SWEPT, "chosen": CHOSEN}
    one = run(study, variants)
    shutil.rmtree(study / "ablations")
    two = run(study, variants, workers=2)
    assert two.computed == one.computed
    assert [(r.name, r.tallies, r.chosen) for r in two.rows] == [(r.name, r.tallies, r.chosen) for r in one.rows]


# ------------------------------------------------------------------------------------------------------ missing folds


def test_finished_folds_of_a_partial_study_are_decoded_and_called_partial(tmp_path, capsys):
    """As `memodule report` shows such a study: the numbers of its results.json, and PARTIAL wherever scores are."""
    gone = [("s2", 0), ("s4", 0), ("s4", 1)]
    folder = make_study(
        tmp_path / "runs", small_catalog([f"s{i}" for i in range(1, 6)]), seeds=(0, 1), without=gone, pooled=False
    )
    results = pool_study(Study.open(folder))
    assert not results["complete"]
    grid = write_grid(tmp_path / "grids", {"same": {"rule": "PriorGuided"}, "chosen": CHOSEN})
    assert main(["ablate", str(folder), "--grid", str(grid), "--workers", "1"]) == 0
    assert "PARTIAL: 7 of 10 folds" in capsys.readouterr().out
    table = json.loads((folder / "ablations" / "grid" / "table.json").read_text())
    told = json.loads((folder / "ablations" / "grid" / "provenance.json").read_text())
    rows = {row["variant"]: row for row in table["rows"]}
    for name in ("study", "same"):
        assert {score: rows[name][score] for score in pooled_scores(results)} == pooled_scores(results)
    assert table["subjects"] == 4
    assert (
        table["partial"]
        == told["partial"]
        == {
            "finished": "7 of 10 folds",
            "missing": ["s2 (seed 0)", "s4 (seed 0)", "s4 (seed 1)"],
        }
    )
    assert any(note.startswith("PARTIAL: 7 of 10 folds") for note in table["notes"])
    assert len(told["folds"]) == 7
    assert len(rows["chosen"]["choice_by_fold"]) == 7
    page = (folder / "ablations" / "grid" / "index.html").read_text()
    assert "PARTIAL" in page
    assert "7 of 10 folds" in page


def test_a_finished_study_is_not_called_partial(study):
    ablation = run(study, {"fixed": {"rule": "FixedWindow"}})
    assert ablation.prepared.partial is None
    assert "partial" not in ablation.to_dict()
    assert not any("PARTIAL" in note for note in ablation.notes)


def test_a_study_without_finished_folds_is_refused(tmp_path):
    catalog = small_catalog()
    folder = make_study(tmp_path / "runs", catalog, without=[(s, 0) for s in catalog.subjects], pooled=False)
    with pytest.raises(UserError, match="no fold is finished"):
        run(folder, {"fixed": {"rule": "FixedWindow"}})


@pytest.mark.parametrize(
    "variant", [CHOSEN, {"rule": "SemiMarkov", "calibrate": "nested"}], ids=["choose", "calibrate"]
)
def test_a_lone_fold_has_nothing_to_choose_on(tmp_path, variant):
    catalog = small_catalog()
    folder = make_study(tmp_path / "runs", catalog, without=[(s, 0) for s in catalog.subjects[1:]], pooled=False)
    run(folder, {"fixed": {"rule": "FixedWindow"}})
    with pytest.raises(UserError, match=r"seed0/s1.*no other finished fold"):
        run(folder, {"nested": variant})
