"""`memodule import-curves`: formats, frames, what is refused, and the study that comes out."""

import base64
import csv
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from memodule.cli import main
from memodule.commands.study_outcome import results_text
from memodule.datasets import Catalog, Expression, Video
from memodule.decoding.curves import VideoCurve, curve_key, read_curves, write_curves
from memodule.errors import UserError
from memodule.intervals import PriorGuided
from memodule.report import ReportedStudy
from memodule.report.browser_data import browser_data
from memodule.studies.foreign.curves import Sampling, video_curves
from memodule.studies.foreign.files import read_curve_files
from memodule.studies.foreign.samples import SampledScores
from memodule.studies.results_view import weaknesses
from memodule.studies.study import Study
from memodule.studies.summary import summary_values

SUBJECTS = ("a", "b", "c")
LENGTH, FPS = 240, 30
MICRO = {"a": (40, 53), "b": (90, 103), "c": (150, 164)}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    """Three subjects with two videos each; the first one holds a micro-expression."""
    folder = tmp_path_factory.mktemp("catalog")
    videos = [Video(s, f"v{n}", Path(f"{s}{n}"), FPS, LENGTH) for s in SUBJECTS for n in (1, 2)]
    micro = [
        Expression(s, "v1", "micro", onset, None, offset, emotion)
        for (s, (onset, offset)), emotion in zip(MICRO.items(), ("negative", "surprise", "positive"), strict=True)
    ]
    Catalog(tuple(videos), tuple(micro), "small").write(folder)
    return folder


def scores() -> dict[tuple[str, str], np.ndarray]:
    """Curves with a bump at every label."""
    found = {}
    for subject in SUBJECTS:
        for name in ("v1", "v2"):
            curve = np.random.default_rng(len(found)).uniform(0, 0.1, LENGTH)
            if name == "v1":
                onset, offset = MICRO[subject]
                curve[onset : offset + 1] += np.hanning(offset - onset + 1) * 0.8
            found[subject, name] = curve
    return found


def classes(curve: np.ndarray) -> np.ndarray:
    """Probabilities: negative as likely as the score, all others even."""
    rest = (1 - curve) / 4
    return np.stack([curve, rest, rest, rest, rest], axis=1)


def import_curves(curves: Path, catalog: Path, runs: Path, *more: object) -> int:
    return main(["import-curves", *map(str, (curves, "--catalog", catalog, "--runs", runs, *more)), "--quiet"])


def study_of(runs: Path) -> Study:
    (folder,) = runs.iterdir()
    return Study.open(folder)


def one_npz(path: Path, curves: dict, **more) -> Path:
    np.savez(path, **{"/".join(key): curve for key, curve in curves.items()}, **more)
    return path


def _write_folder(folder: Path) -> Path:
    for n, ((subject, video), curve) in enumerate(scores().items()):
        path = folder / subject / video if n % 2 else folder / f"{subject}_{video}"
        path.parent.mkdir(parents=True, exist_ok=True)
        match n % 5:
            case 0:
                np.save(path.with_suffix(".npy"), curve)
            case 1:
                np.savez(path.with_suffix(".npz"), score=curve)
            case 2:
                path.with_suffix(".csv").write_text("score\n" + "\n".join(map(str, curve)))
            case 3:
                np.savetxt(path.with_suffix(".csv"), curve, delimiter=",")
            case 4:
                path.with_suffix(".pkl").write_bytes(pickle.dumps(curve))
    return folder


def _write_csv(path: Path) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["video", "subject", "score", "frame"])
        for (subject, video), curve in scores().items():
            rows.writerows([video, subject, value, frame] for frame, value in enumerate(curve))
    return path


def _write_joined(path: Path) -> Path:
    curves = scores()
    ends = np.cumsum([0, *map(len, curves.values())])
    names = {name: [key[i] for key in curves] for i, name in enumerate(("subjects", "videos"))}
    frames = np.concatenate([np.arange(len(curve)) for curve in curves.values()])
    np.savez(path, scores=np.concatenate(list(curves.values())), frames=frames, offsets=ends, **names)
    return path


FORMATS = {
    "folder": _write_folder,
    "all.csv": _write_csv,
    "joined.npz": _write_joined,
    "named.npz": lambda path: one_npz(path, scores()),
    "dict.pkl": lambda path: _pickled(path, {"/".join(key): curve for key, curve in scores().items()}),
    "tuples.pkl": lambda path: _pickled(path, scores()),
    "rows.pkl": lambda path: _pickled(path, [(*key, curve.tolist()) for key, curve in scores().items()]),
    "nested.pkl": lambda path: _pickled(path, {s: {v: scores()[s, v] for v in ("v1", "v2")} for s in SUBJECTS}),
}


def _pickled(path: Path, value: object) -> Path:
    path.write_bytes(pickle.dumps(value))
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_curves(form, tmp_path):
    keys = list(scores())
    found = {own.key: own for own in read_curve_files(FORMATS[form](tmp_path / form), keys)}
    assert sorted(found) == sorted(keys)
    for key, curve in scores().items():
        np.testing.assert_allclose(found[key].scores, curve)
        assert found[key].classes is None
        assert (found[key].frames is not None) == (form in ("all.csv", "joined.npz"))


def test_a_study_finds_the_bumps(catalog, tmp_path, capsys):
    assert import_curves(one_npz(tmp_path / "all.npz", scores()), catalog, tmp_path / "runs", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["complete"]
    assert printed["results"]["spotting"]["tp"] == 3
    study = study_of(tmp_path / "runs")
    for subject in SUBJECTS:
        fold = study.fold(subject, 0)
        assert subject not in fold.result["provenance"]["network"]
        others = [e for e in study.catalog.expressions if e.subject != subject]
        assert fold.rule.timing == PriorGuided().fit(others, fps=FPS).timing


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_command_keeps_the_study_and_completes_it(catalog, tmp_path):
    curves, runs = one_npz(tmp_path / "all.npz", scores()), tmp_path / "runs"
    assert import_curves(curves, catalog, runs) == 0
    (folder,) = runs.iterdir()
    before = contents(folder)
    (folder / "folds/seed0/b/result.json").unlink()
    assert import_curves(curves, catalog, runs) == 0
    assert import_curves(curves, catalog, runs) == 0
    again = contents(folder)
    timed = "folds/seed0/b/result.json"
    assert {k: v for k, v in again.items() if k != timed} == {k: v for k, v in before.items() if k != timed}
    changed = scores()
    changed["a", "v1"][0] += 0.01
    assert import_curves(one_npz(tmp_path / "all.npz", changed), catalog, runs) == 0
    assert import_curves(curves, catalog, runs, "--lag", 1) == 0
    assert len(list(runs.iterdir())) == 3
    assert contents(folder) == again


def sampled(scores, frames: int, n: int = 1, lag: int = 0, step: int = 3, given=None) -> VideoCurve:
    """The curve of one video of that many frames."""
    catalog = Catalog((Video("a", "v1", Path(), 90, frames),))
    own = SampledScores("file", ("a", "v1"), np.array(scores, float), None, given)
    return video_curves([own], catalog, Sampling(n, lag, step))["a", "v1"]


def test_samples_are_averaged_at_their_frames():
    curve = sampled([1, 2, 4, 6, 3, np.nan, 5, 9], frames=15, lag=2)
    # frames 2 | 3 4 5 | 6 (7) 8 | 9 | nothing
    np.testing.assert_allclose(curve.score, [1, 4, 4, 9])
    assert curve.known is None
    curve = sampled([1, 2, 4, 6, 3], frames=19, n=2, lag=5, step=4)
    # frames nothing | 5 7 | 9 11 | 13 | nothing
    np.testing.assert_allclose(curve.score, [1.5, 1.5, 5, 3])
    assert curve.known.tolist() == [False, True, True, True]
    curve = sampled([1, 2, 4], frames=9, step=3, given=np.array([8, 6, 0]))
    np.testing.assert_allclose(curve.score, [4, 2.75, 1.5])
    assert curve.known.tolist() == [True, False, True]
    assert sampled([1, 2, 3], frames=3, step=1).known is None


def test_the_frame_step_leaves_about_thirty_samples_a_second():
    def step(fps, **more):
        return Sampling.of(Catalog((Video("a", "v1", Path(), fps, 99),)), **more).frame_step

    assert [step(fps) for fps in (200, 100, 30, 25, 10)] == [7, 3, 1, 1, 1]
    assert step(30, frames_per_sample=8) == 8
    with pytest.raises(UserError, match=r"--frame-step 7.* every 8 frames"):
        step(30, frames_per_sample=8, frame_step=7)
    with pytest.raises(UserError, match="25 and of 30 frames per second"):
        Sampling.of(Catalog((Video("a", "1", Path(), 25, 99), Video("a", "2", Path(), 30, 99))))


def test_named_frames_say_how_far_samples_are_apart(catalog, tmp_path):
    rows = [(*key, frame, curve[frame]) for key, curve in scores().items() for frame in range(0, LENGTH, 8)]
    with (tmp_path / "all.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("subject", "video", "frame", "score"), *rows])
    assert import_curves(tmp_path / "all.csv", catalog, tmp_path / "runs") == 0
    study = study_of(tmp_path / "runs")
    assert study.config["data"]["frame_step"] == 8
    np.testing.assert_allclose(study.fold("a", 0).curves[0].score, scores()["a", "v1"][::8], rtol=1e-6)


def test_probabilities_become_logits_and_logits_stay(catalog):
    key, curve = ("a", "v1"), scores()["a", "v1"]
    shares = classes(curve)
    videos = Catalog((Video(*key, Path(), FPS, LENGTH),))
    for given, expected in ((shares, shares), (np.log(shares) + 7, shares)):
        own = SampledScores("file", key, curve, given)
        found = video_curves([own], videos, Sampling(1, 0, 1))[key]
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(found.logits, np.log(shares) + 7, rtol=1e-5)
    with pytest.raises(UserError, match="neither probabilities"):
        video_curves([SampledScores("file", key, curve, shares * 2)], videos, Sampling(1, 0, 1))


def test_curves_without_classes_and_with_unknown_parts_are_read_as_written(tmp_path):
    known = np.array([False, True, True])
    pair = [
        VideoCurve("a", "1", np.arange(3, dtype=np.float32), None, 30.0, 7, known),
        VideoCurve("a", "2", np.arange(2, dtype=np.float32), None, 30.0, 7),
        VideoCurve("a", "3", np.empty(0, np.float32), None, 30.0, 7),
    ]
    write_curves(tmp_path / "curves.npz", pair)
    assert [curve_key(curve) for curve in read_curves(tmp_path / "curves.npz")] == [curve_key(own) for own in pair]
    assert pair[0].probabilities is None


WRONG = {
    "too long": (np.zeros(LENGTH + 40), ["reach frame 279", "has 240", "--lag"]),
    "other rate": (np.zeros(LENGTH // 8), ["end at frame 29", "--frames-per-sample 8"]),
    "too large": (np.full(LENGTH, 1e300), ["sample 0 is infinite"]),
    "infinite": (np.full(LENGTH, np.inf), ["sample 0 is infinite"]),
    "wrong shape": (np.zeros((LENGTH, 3)), ["(240, 3)", "samples, 6"]),
    "text": (np.array(["much"] * LENGTH), ["not hold numbers"]),
    "classes unknown": (np.full((LENGTH, 6), [1, np.nan, 0, 0, 0, 0]), ["sample 0"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_a_curve_of_the_video_is_refused_before_anything_is_written(what, catalog, tmp_path, capsys):
    curve, said = WRONG[what]
    file = one_npz(tmp_path / "all.npz", scores() | {("b", "v2"): curve})
    assert import_curves(file, catalog, tmp_path / "runs") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(part in line for part in ["all.npz, b/v2", *said]), line
    assert not (tmp_path / "runs").exists()


def test_unknown_videos_are_refused_with_the_nearest_name(catalog, tmp_path, capsys):
    curves = scores()
    curves["b", "v3"] = curves.pop(("b", "v2"))
    assert import_curves(one_npz(tmp_path / "all.npz", curves), catalog, tmp_path / "runs") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no video b/v3" in line
    assert "did you mean b/v" in line
    folder = _write_folder(tmp_path / "folder")
    np.save(folder / "a_v9.npy", np.zeros(LENGTH))
    assert import_curves(folder, catalog, tmp_path / "runs") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "a_v9.npy" in line
    assert "did you mean a_v" in line
    (folder / "a_v9.npy").rename(folder / "a_v1.npz")
    assert import_curves(folder, catalog, tmp_path / "runs") == 2
    assert "a_v1.n" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_pattern_names_the_files(catalog, tmp_path, capsys):
    for subject, video in scores():
        path = tmp_path / "out" / f"{subject}-{video}" / "spotting.npy"
        path.parent.mkdir(parents=True)
        np.save(path, scores()[subject, video])
    (tmp_path / "out" / "notes.csv").write_text("anything")
    pattern = "{subject}-{video}/spotting.npy"
    assert import_curves(tmp_path / "out", catalog, tmp_path / "runs", "--pattern", pattern) == 0
    assert import_curves(tmp_path / "out", catalog, tmp_path / "other", "--pattern", "{video}.npy") == 2
    assert "{subject}/{video}" in capsys.readouterr().err
    assert import_curves(tmp_path / "out", catalog, tmp_path / "other", "--pattern", "{video}/{subject}.npy") == 2
    assert "v1/a.npy: no such file" in capsys.readouterr().err


class _Evil:
    def __reduce__(self):
        return os.system, ("touch was-run",)


HOSTILE = {
    "all.pkl": lambda path: path.write_bytes(pickle.dumps({"a/v1": _Evil()})),
    "all.npz": lambda path: np.savez(path, **{"a/v1": np.array([_Evil()], object)}),
    "cut.npz": lambda path: path.write_bytes(one_npz(path, scores()).read_bytes()[:500]),
    "empty.csv": lambda path: path.write_text(""),
    "rows.csv": lambda path: path.write_text("subject,video,score\na,v1,high\n"),
    "twice.csv": lambda path: path.write_text("subject,video,frame,score\n" + "a,v1,3,1\n" * 2),
    "bare.npy": lambda path: np.save(path, np.zeros(LENGTH)),
    "list.pkl": lambda path: path.write_bytes(pickle.dumps([np.zeros(LENGTH)])),
    "rows.npz": lambda path: np.savez(
        path, scores=np.zeros(9), offsets=[0, 9], subjects=["a"], videos=["v1"], frames=np.arange(8)
    ),
    "ends.npz": lambda path: np.savez(path, scores=np.zeros(9), offsets=[0, 10], subjects=["a"], videos=["v1"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_damaged_files_are_refused_in_one_line(name, catalog, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOSTILE[name](tmp_path / name)
    assert import_curves(tmp_path / name, catalog, tmp_path / "runs") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / name) in line
    assert ("row 2" in line) == (name == "rows.csv")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_not_covered_is_reported(catalog, tmp_path, capsys):
    curves = scores()
    del curves["a", "v2"], curves["c", "v1"], curves["c", "v2"]
    curves["b", "v1"][80:] = np.nan  # its label is at 90
    file = one_npz(tmp_path / "all.npz", curves)
    assert main(["import-curves", str(file), "--catalog", str(catalog), "--runs", str(tmp_path / "runs")]) == 0
    printed = capsys.readouterr()
    assert "no curve of subject c" in printed.err
    assert "no curve of video a/v2" in printed.err
    assert "2 of 3 micro-expressions" in printed.err
    assert "PARTIAL: 2 of 3 folds" in printed.out
    study = study_of(tmp_path / "runs")
    results = json.loads((study.folder / "results.json").read_text())
    assert results["coverage"]["without"] == ["a/v2"]
    assert results["coverage"]["uncovered"] == 1
    assert results["coverage"]["share"] == pytest.approx((240 + 80 + 240) / 960)
    assert results["spotting"]["fn"] == 1
    assert any(line.startswith("NOT COVERED: 1 of 4 videos") for line in weaknesses(results))
    # what is decoded again is as partial as its source
    assert main(["loso", "-q", "--curves", str(study.folder), "--runs", str(tmp_path / "again")]) == 0
    assert study_of(tmp_path / "again").missing() == [("c", 0)]


@pytest.mark.parametrize("rule", ["fixed_window", "prior_guided"])
def test_nothing_is_found_where_there_is_no_score(rule, catalog, tmp_path):
    curves = scores()
    for (_, video), curve in curves.items():
        if video == "v1":
            curve[20:60] = curve[85:110] = curve[140:170] = np.nan  # every label
        else:
            curve[100:200] = np.linspace(0.1, 0.9, 100) + np.random.default_rng(0).normal(0, 0.05, 100)
            curve[150:160] = np.nan
    assert import_curves(one_npz(tmp_path / "all.npz", curves), catalog, tmp_path / "runs", "--rule", rule) == 0
    study = study_of(tmp_path / "runs")
    found = [(own, row) for s in SUBJECTS for own in study.fold(s, 0).decoded for row in own.sampled.tolist()]
    assert found
    assert all(np.isfinite(curves[own.key][apex]) for own, (_, apex, _) in found)


GRID = """
variants:
  chosen:
    rule: FixedWindow
    parameters: {threshold: [.3, .7]}
    choose: [threshold]
  weighed:
    rule: {class_path: Calibrated, init_args: {rules: [{class_path: RiseFall}]}}
    calibrate: nested
"""


@pytest.fixture(scope="module")
def imported(catalog, tmp_path_factory):
    """Two studies of the same scores, without and with classes."""
    folder = tmp_path_factory.mktemp("imported")
    own = scores()
    with_classes = {key: np.column_stack([curve, classes(curve)]) for key, curve in own.items()}
    assert import_curves(one_npz(folder / "none.npz", own), catalog, folder / "runs") == 0
    assert import_curves(one_npz(folder / "five.npz", with_classes), catalog, folder / "runs") == 0
    (folder / "grid.yaml").write_text(GRID)
    five, none = sorted((folder / "runs").iterdir())
    return folder, none, five


def test_without_classes_recognition_is_not_given_anywhere(imported, tmp_path, capsys):
    folder, study, _ = imported
    results = json.loads((study / "results.json").read_text())
    nothing = ("recognition", "strs", "recognition_at_labels")
    assert [results[name] for name in nothing] == [None, None, None]
    assert results["by_subject"]["a"]["recog_f1"] is results["sweep"]["0.5"]["strs"] is results["ci"]["strs"] is None
    assert results["spotting"]["f1"] == results["by_seed"]["0"]["spot_f1"] > 0
    assert None not in summary_values(results).values()
    assert "not given" in results_text(results)
    rows = list(csv.DictReader((study / "predictions.csv").open()))
    assert {row["emotion"] for row in rows} == {""}

    assert main(["ablate", str(study), "--grid", str(folder / "grid.yaml"), "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert "chose by spotting F1" in printed
    assert "STRS [95 %]" not in printed
    table = json.loads((study / "ablations/grid/table.json").read_text())
    assert table["choose_by"] == "spot_f1"
    assert [row["strs"] for row in table["rows"]] == [None] * 3
    assert next(row for row in table["rows"] if row["variant"] == "study")["spot_f1"] == results["spotting"]["f1"]
    cells = list(csv.DictReader((study / "ablations/grid/table.csv").open()))
    assert {(row["strs"], row["recog_f1_low"], row["recognition_support"]) for row in cells} == {("not given",) * 3}
    assert "recognition F1" not in (study / "ablations/grid/index.html").read_text()

    command = ["evaluate", str(study / "predictions.csv"), str(study / "truth.csv"), "--json", "--per-subject"]
    assert main([*command, "--videos", str(study / "catalog/videos.csv")]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["spotting"] == results["spotting"]
    assert evaluated["recognition"] is evaluated["strs"] is evaluated["subjects"]["a"]["strs"] is None
    assert main([*command[:3], "--details", "--against", str(study / "predictions.csv")]) == 0
    assert "not given" in capsys.readouterr().out
    assert main(["submit", str(study), "--part", "samm", "--out", str(tmp_path)]) == 2
    assert "--format 2023" in capsys.readouterr().err


def test_curves_with_and_without_classes_share_a_report(imported, tmp_path):
    _, none, five = imported
    for studies in ([none], [five], [five, none]):
        assert main(["report", "-q", *map(str, studies), "--out", str(tmp_path / "page.html")]) == 0
        page = (tmp_path / "page.html").read_text()
        assert ("not given" in page) == (none in studies)
        assert ("recognition F1" in page) == (five in studies)
        assert "not seen the held-out subject" in page


def test_with_classes_everything_is_scored(imported, capsys):
    folder, _, five = imported
    results = json.loads((five / "results.json").read_text())
    assert results["recognition"]["confusion"][0][0] == 1  # the only negative one is recognised
    assert results["strs"] > 0
    assert main(["ablate", str(five), "--grid", str(folder / "grid.yaml"), "--workers", "1", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["choose_by"] == "strs"
    assert next(row for row in table["rows"] if row["variant"] == "study")["strs"] == results["strs"]


def test_a_study_is_decoded_again_under_its_own_config(imported, tmp_path, capsys):
    _, study, _ = imported
    decode = ["loso", "-q", "--curves", str(study), "--runs", str(tmp_path)]
    assert main([*decode, "--set", "intervals=fixed_window", "intervals.threshold=0.3", "protocol.iou=0.3"]) == 0
    again = study_of(tmp_path)
    assert again.config["intervals"]["init_args"]["threshold"] == 0.3
    assert again.protocol.iou == 0.3
    assert again.fold("a", 0).result["curves_from"] == study.name
    assert again.fold("a", 0).rule.timing == Study.open(study).fold("a", 0).rule.timing
    assert json.loads((again.folder / "results.json").read_text())["strs"] is None
    for wrong, said in {
        "model.depth=3": "would need other curves",
        "intervals.treshold=.3": "did you mean threshold?",
        "intervals=fixed_windo": "fixed_windo",
        "protocol.iou=2": "protocol.iou",
        "protocol.videos=with_micro": "protocol.videos",
    }.items():
        assert main([*decode, "--set", wrong]) == 2
        assert said in capsys.readouterr().err
    assert main(["loso", "-q"]) == 2
    assert "--curves RUN_DIR" in capsys.readouterr().err


def test_rules_are_read_from_files_and_by_name(catalog, tmp_path):
    (tmp_path / "rule.yaml").write_text("class_path: RelativeHeight\ninit_args: {least: 0.2}\n")
    (tmp_path / "protocol.yaml").write_text("iou: 0.4\n")
    more = ("--rule", tmp_path / "rule.yaml", "--protocol", tmp_path / "protocol.yaml", "--name", "mine")
    assert import_curves(one_npz(tmp_path / "all.npz", scores()), catalog, tmp_path / "runs", *more) == 0
    study = study_of(tmp_path / "runs")
    assert study.config["intervals"]["class_path"] == "memodule.intervals.RelativeHeight"
    assert study.config["intervals"]["init_args"]["least"] == 0.2
    assert study.protocol.iou == 0.4
    assert study.name.startswith("mine-")


@pytest.mark.parametrize("name", ["calibrated", "semi_markov"])
def test_rules_that_learn_from_curves_are_calibrated_on_the_others(name, catalog, tmp_path):
    assert import_curves(one_npz(tmp_path / "all.npz", scores()), catalog, tmp_path / "runs", "--rule", name) == 0
    study = study_of(tmp_path / "runs")
    for subject in SUBJECTS:
        rule, provenance = study.fold(subject, 0).rule, study.fold(subject, 0).result["provenance"]
        assert (rule.calibration.videos, rule.calibration.micro) == (4, 2)
        assert set(provenance["calibrated_on"]) == set(SUBJECTS) - {subject}


def test_the_page_draws_curves_of_any_range_with_gaps(catalog, tmp_path):
    curves = {key: 4 * curve - 1 for key, curve in scores().items()}
    curves["a", "v2"][100:110] = np.nan
    assert import_curves(one_npz(tmp_path / "all.npz", curves), catalog, tmp_path / "runs") == 0
    study = ReportedStudy.of_study(study_of(tmp_path / "runs"))
    packed = browser_data([study], ["A"])["curves"][1]
    low, high = packed["range"]
    assert (low, high) == (pytest.approx(np.nanmin(curves["a", "v2"]), abs=1e-6), 1)
    levels, halves = (np.frombuffer(base64.b64decode(packed[name]), np.uint8) for name in ("score", "emotion"))
    known = np.isfinite(curves["a", "v2"])
    np.testing.assert_allclose(low + levels[known] / 255 * (high - low), curves["a", "v2"][known], atol=0.01)
    numbers = np.stack([halves >> 4, halves & 15], axis=1).ravel()
    assert numbers.tolist() == [5 if there else 15 for there in known]
