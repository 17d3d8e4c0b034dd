"""Weights and features in the authors' formats -> a scored study, with one command."""

import html
import json
import pickle
import re
import shutil

import numpy as np
import pytest
import torch
import yaml
from network_weights import published_state_dict

from memodule.cli import main
from memodule.data import stitch
from memodule.datasets import read_catalog
from memodule.decoding.protocol import Protocol
from memodule.flow import FlowParameters, FlowStore
from memodule.flow.published_cache import published_order
from memodule.intervals import PriorGuided
from memodule.networks import METST, SlowFastMamba, load_published_weights
from memodule.studies.study import Study
from memodule.training.checkpoints import load_fold_model

BATCH = 8


def save_weights(folder, network, subjects):
    """One file per subject, as the published code saves them; each with another bias."""
    folder.mkdir()
    for number, subject in enumerate(subjects):
        state = dict(published_state_dict(network))
        state["module.fc_spot.0.bias"] = state["module.fc_spot.0.bias"] + 0.3 * number
        torch.save(state, folder / f"subject_{subject}.pkl")
    return folder


def save_cache(path, data):
    """The planted features as the published code pickles them: float64, no names, only videos with expressions."""
    store, catalog = FlowStore(data.flow, FlowParameters(10)), read_catalog(data.catalog)
    videos = [[np.array(window, np.float64) for window in store.get(*v.key).windows] for v in published_order(catalog)]
    path.write_bytes(pickle.dumps(videos))
    return path


@pytest.fixture(scope="module")
def released(planting, tmp_path_factory):
    """Two subjects with three videos each, one of them without an expression; METST weights, the cache, a config."""
    folder = tmp_path_factory.mktemp("released")
    data = planting(folder, subjects=2, videos=3, frames=120, free_videos=1)
    cache = save_cache(folder / "SAMMLV_dataset.pkl", data)
    weights = save_weights(folder / "weights", "metst", data.subjects)
    config = {
        "model": {"network": {"class_path": "memodule.networks.METST"}},
        "data": {"catalog": str(data.catalog), "flow": str(folder / "new"), "window": 10, "batch_size": BATCH},
        "trainer": {"accelerator": "cpu", "logger": False, "enable_checkpointing": False},
        "intervals": {"class_path": "memodule.intervals.PriorGuided"},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    return folder, weights, cache


def imported(folder, weights, cache, runs, *words):
    given = [weights, *([cache] if cache else []), "--config", folder / "tiny.yaml", "--runs", runs, "--quiet"]
    return main(["import-published", *map(str, given), *words])


def only(runs):
    (folder,) = runs.iterdir()
    return Study.open(folder)


def expected_curves(network, weights, store, keys):
    """The published stitching of the published network's scores, computed without the study."""
    load_published_weights(network.eval(), weights)
    curves, offset = [], 0
    for key in keys:
        windows = torch.from_numpy(store.get(*key).windows.copy())
        with torch.no_grad():
            spot = network(windows)[0].numpy()
        curves.append(stitch(spot, "published", BATCH, offset))
        offset += len(windows)
    return curves


@pytest.mark.parametrize(("keys", "build"), [("metst", METST), ("slowfast", SlowFastMamba)], ids=["metst", "slowfast"])
def test_the_authors_networks_are_scored_on_their_features(keys, build, released, tmp_path):
    folder, weights, cache = released
    words = []
    if keys == "slowfast":
        weights = save_weights(tmp_path / "weights", keys, ("001", "002"))
        words = ["--set", "model.network=memodule.networks.SlowFastMamba"]
    assert imported(folder, weights, cache, tmp_path / "runs", *words) == 0
    study = only(tmp_path / "runs")
    store = FlowStore(folder / "new", FlowParameters(10, motion_compensation="published"))
    everyone = PriorGuided().fit(study.catalog.expressions, fps=30)
    for subject in ("001", "002"):
        curves = study.fold(subject, 0).curves
        assert [curve.key for curve in curves] == [(subject, "b"), (subject, "c")]  # "a" holds no expression
        file = weights / f"subject_{subject}.pkl"
        for ours, theirs in zip(curves, expected_curves(build(), file, store, [c.key for c in curves]), strict=True):
            np.testing.assert_allclose(ours.score, theirs, atol=1e-6)
        assert (curves[1].score[:5] == 0).all()  # window 23 of the subject opens no batch: its first half is lost
        assert study.fold(subject, 0).rule.state() == everyone.state()  # k_p over all subjects, as published
        model = load_fold_model(study.fold(subject, 0).folder / "model.ckpt")
        assert isinstance(model.network, build)
        assert model.flow.motion_compensation == "published"
        (seen,) = model.seen
        assert (seen["held_out"], seen["training"]) == (subject, [s for s in ("001", "002") if s != subject])
    results = json.loads((study.folder / "results.json").read_text())
    assert results["complete"]
    assert study.protocol == Protocol.preset("published")
    assert results["protocol"] == "published"
    assert results["leak"]
    assert results["spotting"]["tp"] + results["spotting"]["fn"] == len(study.catalog.expressions) == 8


def test_an_imported_study_has_a_page(released, tmp_path, capsys):
    folder, weights, cache = released
    runs = tmp_path / "runs"
    assert imported(folder, weights, cache, runs, "--no-checkpoints") == 0
    assert imported(folder, weights, cache, runs, "--no-checkpoints", "--set", "protocol.filter_neutral=true") == 0
    studies = sorted(runs.iterdir())
    assert len(studies) == 2
    assert main(["report", *map(str, studies), "--out", str(tmp_path / "page.html"), "--quiet"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
    assert "LEAK (protocol published)" in words
    assert "training none here: the authors' weights, subject_001.pkl, subject_002.pkl" in words
    assert "B is not comparable with A other protocol: filter_neutral" in words
    assert "loss on watched subjects" not in words  # nothing was trained, so there is no training curve
    results = json.loads((studies[0] / "results.json").read_text())
    assert f"{results['spotting']['tp']} hits" in words


def test_other_weights_make_another_study_and_the_same_ones_are_not_scored_again(released, tmp_path, capsys):
    folder, weights, cache = released
    runs = tmp_path / "runs"
    assert imported(folder, weights, cache, runs, "--no-checkpoints") == 0
    study = only(runs)
    result = study.fold("001", 0).folder / "result.json"
    before = result.stat().st_mtime_ns
    assert not (result.parent / "model.ckpt").exists()
    assert json.loads(result.read_text())["weights"]["file"] == "subject_001.pkl"
    capsys.readouterr()
    assert imported(folder, weights, None, runs, "--json") == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["results"] == json.loads((study.folder / "results.json").read_text())
    assert reported["folder"] == str(study.folder) == str(only(runs).folder)
    assert reported["complete"]
    assert result.stat().st_mtime_ns == before
    save_weights(tmp_path / "swapped", "metst", ("002", "001"))
    assert imported(folder, tmp_path / "swapped", None, runs, "--no-checkpoints") == 0
    assert len(list(runs.iterdir())) == 2


def test_the_neutral_filter_and_single_folds_are_options(released, tmp_path):
    folder, weights, cache = released
    words = ("--set", "protocol.filter_neutral=true", "--folds", "002", "--no-checkpoints", "--name", "filtered")
    assert imported(folder, weights, cache, tmp_path / "runs", *words) == 0
    study = only(tmp_path / "runs")
    assert study.description["name"] == "filtered"
    assert study.protocol.filter_neutral
    assert study.finished(0) == ("002",)


class Trap:
    def __reduce__(self):
        return pytest.fail, ("code from a released file was run",)


def test_mistakes_are_reported_in_one_line(released, tmp_path, capsys):
    folder, weights, cache = released

    def complaint(weights, cache, *words):
        assert imported(folder, weights, cache, tmp_path / "runs", *words) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        return message

    assert "nowhere: no such folder" in complaint(tmp_path / "nowhere", cache)
    assert "fold_001.pt: no such file, so subject 001 and 1 more has no weights" in complaint(
        weights, cache, "--pattern", "fold_{subject}.pt"
    )
    assert "--pattern weights.pkl: needs {subject} or {number}" in complaint(weights, cache, "--pattern", "weights.pkl")
    assert "--pattern {fold}.pkl: needs {subject} or {number}" in complaint(weights, cache, "--pattern", "{fold}.pkl")
    assert "not the weights of this SlowFastMamba" in complaint(
        weights, cache, "--set", "model.network=memodule.networks.SlowFastMamba"
    )
    assert f"{tmp_path / 'none.yaml'}: no such" in complaint(weights, cache, "--config", str(tmp_path / "none.yaml"))
    trapped = tmp_path / "trapped"
    trapped.mkdir()
    for subject in ("001", "002"):
        torch.save({"module.fc_spot.0.bias": Trap()}, trapped / f"subject_{subject}.pkl")
    assert "subject_001.pkl: cannot be read as plain weights" in complaint(trapped, cache)
    (trapped / "cache.pkl").write_bytes(pickle.dumps([[Trap()]]))
    assert "cache.pkl" in complaint(weights, trapped / "cache.pkl")


@pytest.mark.parametrize("broken", ["absent", "damaged", "of another network"])
@pytest.mark.parametrize("with_cache", [True, False])
def test_weights_are_looked_at_before_anything_is_written(released, tmp_path, capsys, broken, with_cache):
    """The second file, too: nothing is left of the study, and with a cache nothing of the features."""
    folder, weights, cache = released
    mine = shutil.copytree(weights, tmp_path / "weights")
    if broken == "absent":
        (mine / "subject_002.pkl").unlink()
    elif broken == "damaged":
        (mine / "subject_002.pkl").write_bytes((mine / "subject_001.pkl").read_bytes()[:1000])
    else:
        torch.save(published_state_dict("slowfast"), mine / "subject_002.pkl")
    store = tmp_path / "store"
    words = ["--set", f"data.flow={store}"]
    if not with_cache:
        shutil.copytree(only_features(folder, weights, cache, tmp_path / "before"), store)
    before = sorted(store.rglob("*"))
    capsys.readouterr()
    assert imported(folder, mine, cache if with_cache else None, tmp_path / "runs", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "subject_002.pkl: " in line
    assert not (tmp_path / "runs").exists()
    assert sorted(store.rglob("*")) == before


def only_features(folder, weights, cache, runs):
    """The flow store that the cache fills."""
    if not (folder / "new").exists():
        assert imported(folder, weights, cache, runs, "--no-checkpoints") == 0
    return folder / "new"


def test_files_are_found_by_what_follows_the_last_full_stop(tmp_path):
    from memodule.studies.imported import find_weights

    for name in ("subject_1.pkl", "subject_10.pkl", "fold spNO.1.pt", "fold spNO.10.pt"):
        (tmp_path / name).touch()
    subjects = ("spNO.1", "spNO.10")
    assert [file.name for file in find_weights(tmp_path, subjects).values()] == ["subject_1.pkl", "subject_10.pkl"]
    named = find_weights(tmp_path, subjects, "fold {subject}.pt")
    assert named["spNO.10"].name == "fold spNO.10.pt"
