import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest
import yaml
from tiny import NETWORK

from memodule.cli import main
from memodule.datasets import Catalog, Video, read_catalog
from memodule.decoding.curves import VideoCurve
from memodule.decoding.decode import Decoded, decode
from memodule.inference.submission import average, find_problems, write_submission
from memodule.intervals import SemiMarkov
from memodule.studies.study import Study

from ..spotting.conftest import write_checkpoint

NEGATIVE, POSITIVE, SURPRISE, OTHERS, NEUTRAL = range(5)


def decoded(key, rows, emotions, step=1):
    sampled = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Decoded(key, sampled, np.array(emotions), np.ones(len(sampled)), step)


@pytest.fixture
def samm(tmp_path):
    """One SAMM video at 200 frames per second, sampled every 7th frame, with something of every class."""
    catalog = Catalog((Video("004", "004_3", tmp_path / "004_3", 200.0, 100),))
    rows = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (8, 9, 10), (13, 14, 14)]
    return catalog, [decoded(("004", "004_3"), rows, [NEGATIVE, POSITIVE, OTHERS, NEUTRAL, SURPRISE], step=7)]


def written(path):
    with path.open() as file:
        return list(csv.reader(file))


def test_sampled_frames_become_source_frames_from_1_on(samm, tmp_path):
    catalog, videos = samm
    path, count = write_submission(tmp_path, "samm", "2025", videos, catalog)
    assert path.name == "samm_pred.csv"
    # sampled frame i covers the source frames 7 i .. 7 i + 6, which are 7 i + 1 .. 7 i + 7 in the file; others and
    # neutral are left out, and the end of the video (100) is not passed
    assert written(path) == [
        ["subject", "video", "onset", "offset", "emotion"],
        ["004", "004_3", "1", "21", "negative"],
        ["004", "004_3", "22", "42", "positive"],
        ["004", "004_3", "92", "100", "surprise"],
    ]
    assert count == 3


@pytest.mark.parametrize(("year", "columns"), [("2022", ("pred_onset", "pred_offset")), ("2023", ("onset", "offset"))])
def test_the_earlier_formats_name_a_type(samm, tmp_path, year, columns):
    catalog, videos = samm
    path, count = write_submission(tmp_path, "samm", year, videos, catalog)
    assert count == 4  # others is a micro-expression there
    assert written(path)[:2] == [["vid", *columns, "type"], ["004_3", "1", "21", "me"]]


def test_a_video_of_the_cas_part_is_named_with_its_subject(tmp_path):
    catalog = Catalog((Video("dzw", "d1", tmp_path, 30.0, 60),))
    path, _ = write_submission(tmp_path, "cas", "2023", [decoded(("dzw", "d1"), [(5, 8, 45)], [NEGATIVE])], catalog)
    assert written(path)[1] == ["dzw_d1", "6", "46", "me"]


HEADER = "subject,video,onset,offset,emotion\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "row 1: the header is nothing"),
        (
            "vid,onset,offset,type\n",
            "row 1: the header is vid,onset,offset,type; the format of 2025 needs subject,video",
        ),
        (HEADER + "a,1,1,2\n", "row 2: 4 fields instead of 5"),
        (HEADER + "a,1,0,2,negative\n", "row 2: onset 0: frames count from 1"),
        (HEADER + "a,1,1,2.5,negative\n", "row 2: offset '2.5' is not a whole number"),
        (HEADER + "a,1,9,2,negative\n", "row 2: offset 2 is before onset 9"),
        (HEADER + "a,1,1,2,others\n", "row 2: emotion 'others' is not one of negative, positive, surprise"),
        (HEADER + "a,1,1,2,negative\na,1,1,2,negative\n", "row 3: repeats a row"),
        (HEADER + "b,1,1,2,negative\n", "row 2: the Catalog has no video b/1"),
        (HEADER + "a,1,1,51,negative\n", "row 2: offset 51 is past the last frame 50 of a/1"),
        (HEADER + ",1,1,2,negative\n", "row 2: no video is named"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_row(tmp_path, capsys, text, problem):
    Catalog((Video("a", "1", tmp_path / "a.avi", 30.0, 50),)).write(tmp_path / "catalog")
    (tmp_path / "x.csv").write_text(text)
    words = ["submit", "--validate", str(tmp_path / "x.csv"), "--catalog", str(tmp_path / "catalog")]
    assert main(words) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{tmp_path / 'x.csv'}, {problem}")
    assert main([*words, "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["problems"]
    assert line == f"{tmp_path / 'x.csv'}, {told}"


def test_a_valid_file_passes(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("vid,onset,offset,type\ndzw_d1,6,46,mae\n004_3,2086,2163,me\n")
    assert find_problems(tmp_path / "x.csv", "2023") == []
    assert main(["submit", "--validate", str(tmp_path / "x.csv"), "--format", "2023"]) == 0
    assert "valid in the format of 2023" in capsys.readouterr().out
    assert main(["submit", "--validate", str(tmp_path / "x.csv"), "--format", "2023", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": str(tmp_path / "x.csv"), "format": "2023", "valid": True, "problems": []}


def test_curves_of_folds_are_averaged_frame_by_frame():
    curves = [
        VideoCurve("a", "1", np.full(3, value, np.float32), np.full((3, 5), value, np.float32), 30.0, 1)
        for value in (0.2, 0.6)
    ]
    mean = average(curves)
    assert mean.score == pytest.approx([0.4] * 3)
    assert mean.logits == pytest.approx(np.full((3, 5), 0.4))
    with pytest.raises(ValueError, match="same video"):
        average([curves[0], VideoCurve("b", "1", curves[1].score, curves[1].logits, 30.0, 1)])


def test_an_ensemble_scores_unseen_videos(planted, tmp_path, capsys):
    checkpoints = [str(write_checkpoint(tmp_path / f"{name}.ckpt")) for name in "ab"]
    store = ["--catalog", str(planted.catalog), "--flow", str(planted.flow)]
    for words in (checkpoints[:1], checkpoints):
        out = tmp_path / str(len(words))
        assert main(["submit", *words, "--part", "cas", "--format", "2023", *store, "--out", str(out), "-q"]) == 0
    one, two = (written(tmp_path / count / "cas_pred.csv") for count in "12")
    assert len(one) > 1
    assert one == two  # the mean of two equal folds
    capsys.readouterr()
    words = ["--part", "cas", "--format", "2023", *store, "--out", str(tmp_path / "1"), "--json"]
    assert main(["submit", checkpoints[0], *words]) == 0
    told = json.loads(capsys.readouterr().out)
    videos = len(read_catalog(planted.catalog).videos)
    file = str(tmp_path / "1" / "cas_pred.csv")
    values = {"file": file, "format": "2023", "expressions": len(one) - 1, "videos": videos}
    assert told == {**values, "voters": "mean of 1 checkpoint"}
    assert find_problems(tmp_path / "1" / "cas_pred.csv", "2023") == []
    assert {row[0].split("_")[0] for row in one[1:]} <= set(planted.subjects)


def test_half_fitted_rules_of_voters_are_reported(planted, tmp_path, capsys):
    half = str(write_checkpoint(tmp_path / "half.ckpt", rule=SemiMarkov()))
    store = ["--catalog", str(planted.catalog), "--flow", str(planted.flow), "--out", str(tmp_path)]
    assert main(["submit", half, "--part", "cas", "--format", "2023", *store, "--json"]) == 0
    printed = capsys.readouterr()
    assert "UNCALIBRATED" in json.loads(printed.out)["voters"]
    assert "UNCALIBRATED" in printed.err


@pytest.fixture(scope="module")
def study(planting, tmp_path_factory):
    """A study of two seeds that was trained, of videos at 200 frames per second sampled every 7th frame; its data."""
    folder = tmp_path_factory.mktemp("submission")
    data = planting(folder, frame_step=7)
    experiment = {
        "model": {
            "network": NETWORK,
            "learning_rate": 0.01,
        },
        "data": {"catalog": str(data.catalog), "flow": str(data.flow), "window": 10, "frame_step": 7},
        "trainer": {"max_epochs": 16, "enable_checkpointing": False, "logger": False},
        "intervals": {"class_path": "memodule.intervals.PriorGuided"},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
    assert (
        main(["loso", "--config", str(folder / "tiny.yaml"), "--runs", str(folder / "runs"), "--seeds", "0,1", "-q"])
        == 0
    )
    (run,) = (folder / "runs").iterdir()
    return run, data


@pytest.mark.slow
@pytest.mark.parametrize("year", ["2022", "2023", "2025"])
def test_a_trained_study_is_written_in_each_format(study, tmp_path, year, capsys):
    run, data = study
    words = ["submit", str(run), "--seed", "0", "--part", "samm", "--format", year, "--out", str(tmp_path), "-q"]
    assert main(words) == 0
    path = tmp_path / "samm_pred.csv"
    capsys.readouterr()
    assert main(["submit", "--validate", str(path), "--format", year, "--catalog", str(data.catalog)]) == 0
    with (run / "predictions.csv").open() as file:
        found = list(csv.DictReader(file))
    assert len(found) > 3
    # predictions.csv counts from 0 in source frames: one more is the frame of the submission, an end behind the video
    # (the last sampled frame may stand for frames that are not there) is the last frame
    last = {(v.subject, v.video): v.frames for v in read_catalog(data.catalog).videos}
    expected = []
    for row in found:
        ends = int(row["onset"]) + 1, min(int(row["offset"]) + 1, last[row["subject"], row["video"]])
        if row["emotion"] == "neutral" or (year == "2025" and row["emotion"] == "others"):
            continue
        name = (row["subject"], row["video"]) if year == "2025" else (f"{row['subject']}_{row['video']}",)
        expected.append([*name, *map(str, ends), row["emotion"] if year == "2025" else "me"])
    _, *rows = written(path)
    assert sorted(rows) == sorted(expected)
    assert all((int(row[-3]) - 1) % 7 == 0 for row in rows)  # sampled frame i begins with source frame 7 i + 1


@pytest.mark.slow
def test_held_out_videos_are_decoded_from_the_mean_curve_of_all_seeds(study, tmp_path, capsys):
    run, _ = study
    words = ["submit", str(run), "--part", "cas", "--format", "2023"]
    assert main([*words, "--out", str(tmp_path / "all")]) == 0
    assert "; held-out videos, seeds 0, 1" in capsys.readouterr().err
    opened, expected = Study.open(run), []
    for subject in opened.subjects:
        lengths = [opened.fold(subject, seed).rule.timing.half_window for seed in (0, 1)]
        rule = opened.fold(subject, int(lengths[1] >= lengths[0])).rule
        for one, two in zip(opened.fold(subject, 0).curves, opened.fold(subject, 1).curves, strict=True):
            mean = dataclasses.replace(one, score=(one.score + two.score) / 2, logits=(one.logits + two.logits) / 2)
            expected.append(decode(mean, rule, opened.protocol))
    write_submission(tmp_path / "expected", "cas", "2023", expected, opened.catalog)
    together = written(tmp_path / "all" / "cas_pred.csv")
    assert together == written(tmp_path / "expected" / "cas_pred.csv")
    for seed in "01":
        assert main([*words, "--seed", seed, "--out", str(tmp_path / seed), "-q"]) == 0
        assert together != written(tmp_path / seed / "cas_pred.csv")


@pytest.mark.slow
def test_all_folds_of_a_trained_study_score_unseen_videos(study, planting, tmp_path, capsys):
    run, _ = study
    new = planting(tmp_path / "new", subjects=["101", "102"], frame_step=7, seed=5)
    store = ["--catalog", str(new.catalog), "--flow", str(new.flow), "--part", "cas", "--format", "2023"]
    files = {seed: sorted(str(path) for path in run.glob(f"folds/seed{seed}/*/model.ckpt")) for seed in (0, 1)}
    assert [len(paths) for paths in files.values()] == [3, 3]
    ways = {
        "study": ([str(run)], "mean of 6 checkpoints, seeds 0, 1"),
        "files": (files[0] + files[1], "mean of 6 checkpoints"),
        "seed": ([str(run), "--seed", "1"], "mean of 3 checkpoints, seed 1"),
        "its files": (files[1], "mean of 3 checkpoints"),
        "one": (files[0][:1], "mean of 1 checkpoint"),
    }
    rows = {}
    for name, (sources, told) in ways.items():
        assert main(["submit", *sources, *store, "--out", str(tmp_path / name)]) == 0
        assert capsys.readouterr().err.splitlines()[-1].endswith(f"; {told}")
        rows[name] = written(tmp_path / name / "cas_pred.csv")
    assert rows["study"] == rows["files"]
    assert rows["seed"] == rows["its files"]
    assert len({str(rows[name]) for name in ("study", "seed", "one")}) == 3
    truth = {(f"{e.subject}_{e.video}", e.onset + 1, e.offset + 1) for e in read_catalog(new.catalog).expressions}
    close = [row for row in rows["study"][1:] if any(_iou(row, true) >= 0.5 for true in truth)]
    assert len(close) >= len(truth) / 3  # intervals lie where the movements were planted, not shifted


@pytest.mark.slow
def test_a_subject_is_scored_only_by_folds_that_have_not_learned_from_it(study, tmp_path, capsys):
    """With the study's own videos the folds that held them out are left, which give what they gave before."""
    run, data = study
    words = ["--part", "cas", "--format", "2023", "--out"]
    own = ["--catalog", str(data.catalog), "--flow", str(data.flow)]
    assert main(["submit", str(run), *own, *words, str(tmp_path / "again")]) == 0
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.endswith("seeds 0, 1; 3 of 3 subjects only by those that have not learned from them")
    assert main(["submit", str(run), *words, str(tmp_path / "held_out")]) == 0
    assert written(tmp_path / "again" / "cas_pred.csv") == written(tmp_path / "held_out" / "cas_pred.csv")
    capsys.readouterr()
    two = [str(run / "folds" / "seed0" / name / "model.ckpt") for name in ("001", "003")]
    assert main(["submit", *two, *own, *words, str(tmp_path / "two")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    reason = "the weights that held out 001 were trained on it, and no other of the 2 checkpoints held it out"
    assert line.startswith(f"memodule: error: subject 002: {reason}; their intervals there would differ from those of")
    assert line.endswith("the checkpoint of the fold that held out 002, or a --catalog without it")
    assert not (tmp_path / "two").exists()


@pytest.mark.slow
def test_a_study_that_is_not_whole_is_refused_with_the_folds_that_are_missing(study, tmp_path, capsys):
    whole, data = study
    run = shutil.copytree(whole, tmp_path / "run")
    (run / "folds" / "seed1" / "002" / "result.json").unlink()
    own = ["--catalog", str(data.catalog), "--flow", str(data.flow)]
    for more in ([], own):
        assert main(["submit", str(run), "--part", "cas", *more, "--out", str(tmp_path / "out")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{run}: 1 of 6 folds are missing: 002 (seed 1); repeat the `memodule loso` command" in line
        assert "--seed 0" in line
        assert (
            main(["submit", str(run), "--seed", "0", "--part", "cas", *more, "--out", str(tmp_path / "out"), "-q"]) == 0
        )
    assert main(["submit", str(run), "--seed", "2", "--part", "cas"]) == 2
    assert f"--seed 2: {run} has 0, 1; choose one of these" in capsys.readouterr().err
    (run / "folds" / "seed0" / "003" / "model.ckpt").unlink()
    assert main(["submit", str(run), "--seed", "0", "--part", "cas", *own]) == 2
    assert "no such file; the study ran with --no-checkpoints" in capsys.readouterr().err


def test_a_video_is_known_by_code_and_length_whatever_the_catalog_is_called(planted, tmp_path, capsys):
    def claim(name, **known):
        seen = {"catalog": "elsewhere", "held_out": "9", "training": [], "chosen_on": [], "videos": [], **known}
        return str(write_checkpoint(tmp_path / f"{name}.ckpt", seen=[seen]))

    words = ["--part", "cas", "--catalog", str(planted.catalog), "--flow", str(planted.flow), "--out", str(tmp_path)]
    assert main(["submit", claim("other", training=["001"], videos=[["001", "a", 181]]), *words, "-q"]) == 0
    for known, how in (
        ({"training": ["001"], "videos": [["001", "a", 180]]}, "were trained on it"),
        ({"chosen_on": ["001"], "catalog": planted.catalog.name}, "were chosen by the score of it"),
        ({"adapted_on": [{"name": "001_a", "frames": 181, "sha256": ""}]}, "were adapted on a recording of it"),
    ):
        assert main(["submit", claim("same", **known), *words]) == 2
        assert f"subject 001: the weights that held out 9 {how}; their" in capsys.readouterr().err
    assert main(["submit", str(write_checkpoint(tmp_path / "mute.ckpt")), *words]) == 0
    assert "mute.ckpt: does not say whom it was trained on" in capsys.readouterr().err


def _iou(row, true):
    name, onset, offset = row[0], int(row[1]), int(row[2])
    both = min(offset, true[2]) - max(onset, true[1]) + 1
    return 0 if name != true[0] else both / (max(offset, true[2]) - min(onset, true[1]) + 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--part", "cas"], "name a study or checkpoints"),
        (["a.ckpt", "--part", "cas", "--catalog", "{catalog}"], "--catalog needs --flow"),
        (["absent", "--part", "cas"], "absent: not a study folder"),
        (["absent", "--part", "cas", "--seed", "0"], "--seed 0: chooses among the seeds of a study"),
        (["--validate", "absent.csv"], "absent.csv: no such file; give a submission file"),
    ],
)
def test_mistakes_get_one_line(planted, words, message, capsys):
    assert main(["submit", *(word.format(catalog=planted.catalog) for word in words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
