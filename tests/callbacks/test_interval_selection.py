import csv

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from memodule.callbacks import IntervalSelection, LeakageGuard
from memodule.data import LosoDataModule, stitch
from memodule.datasets import read_catalog
from memodule.decoding.curves import read_curves
from memodule.decoding.decode import labelled_curve
from memodule.decoding.protocol import Protocol
from memodule.errors import UserError
from memodule.intervals import Abstaining, FixedWindow, PriorGuided
from memodule.metrics.functional import operating_point, precision_recall_curve, spot_then_recognize_score
from memodule.module import SpotRecognizeModule
from memodule.networks import SlowFastMamba

KEYS = ("spot_f1", "spot_precision", "spot_recall", "recog_f1", "recog_uf1", "recog_uar", "strs")

pytestmark = pytest.mark.filterwarnings("ignore")


def trainer(tmp_path, *callbacks, **options) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    options = {"max_epochs": 1, "num_sanity_val_steps": 0, "enable_checkpointing": False, **options}
    return Trainer(default_root_dir=tmp_path, callbacks=list(callbacks), **quiet, **options)


def network() -> SpotRecognizeModule:
    torch.manual_seed(0)
    return SpotRecognizeModule(
        SlowFastMamba(fast_width=8, slow_width=16, depth=1, groups=1, state=4), learning_rate=0.01
    )


def data(planted, **options) -> LosoDataModule:
    return LosoDataModule(str(planted.catalog), str(planted.flow), **{"fold": "002", "window": 10, **options})


@pytest.fixture(scope="module")
def trained(planted, tmp_path_factory):
    """A fold that was trained well enough to find something, with its callback and folder."""
    out = tmp_path_factory.mktemp("fold")
    callback = IntervalSelection(PriorGuided(), Protocol(), out=str(out))
    run = trainer(out, callback, max_epochs=12)
    module, fold = network(), data(planted)
    run.fit(module, fold)
    logged = dict(run.callback_metrics)
    tested = run.test(module, fold, verbose=False)[0]
    return callback, out, logged, tested, module


def test_every_score_is_logged_at_validation_and_test(trained):
    _, _, logged, tested, _ = trained
    assert {f"val/{key}" for key in KEYS} | {"val/loss", "train/loss"} <= set(logged)
    assert {f"test/{key}" for key in KEYS} | {"test/loss"} <= set(tested)
    assert tested["test/spot_f1"] > 0.3


def test_the_logged_scores_are_those_of_the_written_intervals(trained, planted):
    _, out, logged, tested, _ = trained
    catalog = read_catalog(planted.catalog)
    rows = list(csv.DictReader((out / "test" / "intervals.csv").open()))
    assert {row["subject"] for row in rows} == {"002"}
    classes = ("negative", "positive", "surprise", "others", "neutral")
    predicted, predicted_emotions, true, true_emotions = [], [], [], []
    for video in ("a", "b"):
        mine = [row for row in rows if row["video"] == video]
        predicted.append([[int(row[name]) for name in ("onset", "apex", "offset")] for row in mine])
        predicted_emotions.append([classes.index(row["emotion"]) for row in mine])
        truth = catalog.expressions_of(("002", video), "micro")
        true.append([[e.onset, e.offset] for e in truth])
        true_emotions.append([classes.index(e.emotion) for e in truth])
    expected = spot_then_recognize_score(predicted, predicted_emotions, true, true_emotions)
    for key in KEYS:
        assert tested[f"test/{key}"] == pytest.approx(expected[key])
        assert float(logged[f"val/{key}"]) == pytest.approx(expected[key])  # the same subject was watched


def test_curves_are_the_stitched_scores_of_the_network(trained, planted):
    callback, out, _, _, module = trained
    fold = data(planted)
    fold.setup("test")
    for curve, batch in zip(read_curves(out / "test" / "curves.npz"), fold.test_dataloader(), strict=True):
        assert curve.key == batch["key"]
        with torch.no_grad():
            spot, logits = module.eval()(batch["flow"])
        np.testing.assert_allclose(curve.score, stitch(spot.numpy(), "mean"), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(curve.logits, stitch(logits.numpy(), "mean"), rtol=1e-4, atol=1e-5)
    assert [curve.key for curve in callback.curves["test"]] == [("002", "a"), ("002", "b")]


def test_the_prior_is_fitted_on_training_subjects_unless_the_protocol_leaks(planted, tmp_path):
    fold = data(planted)
    fold.setup("fit")
    for protocol, subjects in ((Protocol(), ("001", "003")), (Protocol(fitted_on="all"), ("001", "002", "003"))):
        callback = IntervalSelection(FixedWindow(), protocol, out=str(tmp_path))
        run = trainer(tmp_path, callback)
        run.fit(network(), fold)
        expected = FixedWindow().fit(fold.catalog.of(subjects).expressions, fps=30)
        assert callback.rule.state() == expected.state()


def test_rules_are_calibrated_on_inner_validation_curves_before_the_held_out_subject(planted, tmp_path):
    calls = []

    class Recording(FixedWindow):
        def _calibrate(self, curves):
            calls.append(curves)

    callback = IntervalSelection(Recording(), out=str(tmp_path))
    fold = data(planted, inner_validation_subjects=["003"])
    run = trainer(tmp_path, callback)
    module = network()
    run.fit(module, fold)
    assert calls == []
    run.test(module, fold, verbose=False)
    (curves,) = calls
    truth = read_catalog(planted.catalog)
    assert [len(curve.micro) for curve in curves] == [len(truth.expressions_of(("003", v), "micro")) for v in "ab"]


def test_the_threshold_of_a_study_is_the_operating_point_of_its_inner_validation_subjects(planted, tmp_path, trained):
    """As `memodule evaluate --details` would find it on those subjects; it decides what the held-out one gets."""
    callback = IntervalSelection(
        Abstaining(PriorGuided(threshold=0.1)), Protocol(frames="sampled", filter_neutral=False), out=str(tmp_path)
    )
    fold, module = data(planted, inner_validation_subjects=["003"]), trained[4]
    run = trainer(tmp_path, callback)
    run.validate(module, fold, verbose=False)
    assert callback.rule.learned is None  # inner subjects are scored before anything is chosen on them
    run.test(module, fold, verbose=False)
    inner, catalog = callback.curves["val"], read_catalog(planted.catalog)
    assert {curve.key[0] for curve in inner} == {"003"}
    proposed = [callback.rule.rule.detect(curve.score) for curve in inner]
    truths = [labelled_curve(curve, catalog).micro for curve in inner]
    ranking = precision_recall_curve((d.frames, d.confidence, t) for d, t in zip(proposed, truths, strict=True))
    point = operating_point(ranking)
    assert point.recall > 0
    assert callback.rule.learned == point.confidence
    assert module.inference["rule"]["state"]["least"] == point.confidence  # so a checkpoint carries it
    for curve, video in zip(callback.curves["test"], callback.decoded["test"], strict=True):
        everything = callback.rule.rule.detect(curve.score)
        assert video.confidence.tolist() == [c for c in everything.confidence.tolist() if c >= point.confidence]
    assert sum(len(callback.rule.rule.detect(c.score)) for c in callback.curves["test"]) > sum(
        len(video.confidence) for video in callback.decoded["test"]
    )


def test_predict_writes_intervals_and_scores_nothing(planted, tmp_path, trained):
    callback = IntervalSelection(PriorGuided(), out=str(tmp_path))
    run = trainer(tmp_path, callback)
    run.predict(trained[4], data(planted))
    assert (tmp_path / "predict" / "intervals.csv").read_text() == (trained[1] / "test" / "intervals.csv").read_text()
    assert not run.callback_metrics


def test_published_stitching_sees_the_batches_of_the_subject(planted, tmp_path, trained):
    callback = IntervalSelection(PriorGuided(), Protocol(stitching="published"), out=str(tmp_path))
    run = trainer(tmp_path, callback)
    run.test(trained[4], data(planted), verbose=False)
    first, second = callback.curves["test"]
    assert first.score[0] > 0  # opens the first batch of 32
    assert (second.score[:5] == 0).all()  # window 35 of the subject: its first half is lost
    assert (second.score[5:] > 0).all()


def test_some_phases_or_all_of_them_are_scored(planting, tmp_path, trained):
    phased = planting(tmp_path / "phased", phases=2)
    curves = {}
    for phases in (None, 1, 2):
        callback = IntervalSelection(PriorGuided(), Protocol(phases=phases), out=str(tmp_path / str(phases)))
        trainer(tmp_path, callback).test(trained[4], data(phased, phases=2), verbose=False)
        curves[phases] = callback.curves["test"]
    for one, both, every, single in zip(
        curves[1], curves[2], curves[None], read_curves(trained[1] / "test" / "curves.npz"), strict=True
    ):
        np.testing.assert_allclose(one.score, single.score, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(both.score, every.score)
        assert np.abs(both.score - one.score).max() > 0.01
        assert np.isfinite(one.spread[5:175]).all()
        assert np.isnan(one.spread[[0, 4, 175, 179]]).all()
        assert np.isfinite(both.spread[2:177]).all()


@pytest.mark.parametrize(
    ("options", "remedy"), [({"stitching": "published"}, "phases: 1"), ({"phases": 3}, "--phases 3")]
)
def test_phases_that_cannot_be_scored_are_refused(planting, tmp_path, trained, options, remedy):
    callback = IntervalSelection(PriorGuided(), Protocol(**options), out=str(tmp_path))
    phased = planting(tmp_path / "phased", phases=2)
    with pytest.raises(UserError, match=remedy):
        trainer(tmp_path, callback).test(trained[4], data(phased, phases=2), verbose=False)


def test_a_checkpoint_carries_what_inference_needs(planted, tmp_path):
    callback = IntervalSelection(PriorGuided(threshold=0.4), out=str(tmp_path))
    run = trainer(tmp_path, callback)
    module = network()
    run.fit(module, data(planted))
    run.save_checkpoint(tmp_path / "model.ckpt")
    carried = torch.load(tmp_path / "model.ckpt", weights_only=True)["memodule"]
    assert carried["flow"] == {"window": 10, "frame_step": 1, "motion_compensation": "corrected", "phases": 1}
    assert carried["fps"] == 30
    assert carried["frame_classes"] == ["negative", "positive", "surprise", "others", "neutral"]
    assert carried["rule"]["class_path"].endswith("PriorGuided")
    assert carried["rule"]["init_args"]["threshold"] == 0.4
    again = PriorGuided(**carried["rule"]["init_args"]).load_state(carried["rule"]["state"])
    assert again.state() == callback.rule.state()
    assert Protocol.from_dict(carried["protocol"]) == Protocol()


def test_the_sanity_check_is_not_scored(planted, tmp_path):
    callback = IntervalSelection(PriorGuided(), out=str(tmp_path))
    run = trainer(tmp_path, callback, num_sanity_val_steps=1)
    run.fit(network(), data(planted))
    assert [curve.key for curve in callback.curves["val"]] == [("002", "a"), ("002", "b")]


@pytest.mark.parametrize(
    "choosing",
    [lambda d: ModelCheckpoint(dirpath=d, monitor="val/strs", mode="max"), lambda d: EarlyStopping("val/loss")],
)
def test_choosing_by_the_held_out_subject_is_refused_with_the_two_ways_out(planted, tmp_path, choosing):
    guarded = [IntervalSelection(PriorGuided(), out=str(tmp_path)), LeakageGuard()]
    run = trainer(tmp_path, *guarded, choosing(tmp_path), enable_checkpointing=True)
    with pytest.raises(UserError, match=r"held-out subject 002.*data.inner_validation_subjects.*train/"):
        run.fit(network(), data(planted))


@pytest.mark.parametrize(("monitor", "inner"), [("val/strs", ["003"]), ("train/loss", 0)])
def test_choosing_by_inner_validation_subjects_or_training_losses_is_fine(planted, tmp_path, monitor, inner):
    checkpoint = ModelCheckpoint(dirpath=tmp_path, monitor=monitor)
    guarded = [IntervalSelection(PriorGuided(), out=str(tmp_path)), LeakageGuard(), checkpoint]
    run = trainer(tmp_path, *guarded, enable_checkpointing=True)
    run.fit(network(), data(planted, inner_validation_subjects=inner))
    assert checkpoint.best_model_path


def test_choosing_by_test_metrics_is_never_fine(planted, tmp_path):
    checkpoint = ModelCheckpoint(dirpath=tmp_path, monitor="test/strs")
    run = trainer(tmp_path, LeakageGuard(), checkpoint, enable_checkpointing=True)
    with pytest.raises(UserError, match="held-out subject 002"):
        run.fit(network(), data(planted, inner_validation_subjects=["003"]))


def test_a_foreign_data_module_is_named(tmp_path):
    with pytest.raises(UserError, match="needs a LosoDataModule"):
        trainer(tmp_path, IntervalSelection(PriorGuided())).fit(network(), torch.utils.data.DataLoader([1]))
