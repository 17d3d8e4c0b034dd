"""`memodule evaluate`: counts by hand, the published numbers through CSV files, and one-line errors."""

import csv
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from memodule.cli import main
from memodule.emotions import FRAME_CLASSES
from memodule.metrics.functional import SCORES

GOLDEN = Path(__file__).parents[1] / "golden" / "decoding" / "metrics.json"

HEAD = "subject,video,onset,offset,emotion\n"
TRUTH = """\
subject,video,onset,offset,emotion
006,a,100,119,negative
006,a,300,319,positive
006,b,50,69,surprise
007,a,10,14,others
007,a,200,219,negative
"""
PRED = """\
subject,video,onset,offset,emotion
006,a,102,121,negative
006,a,305,319,negative
006,b,500,519,surprise
006,b,51,69,neutral
006,c,10,29,positive
"""
VIDEOS = """\
subject,video,path,fps,frames
006,a,a.mp4,30,1000
006,b,b.mp4,30,1000
006,c,c.mp4,30,1000
007,a,a.mp4,30,1000
008,a,a.mp4,30,1000
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"truth": TRUTH, "pred": PRED, "videos": VIDEOS}.items():
        Path(f"{name}.csv").write_text(text)
    return tmp_path


def evaluated(capsys, *words, pred="pred.csv", truth="truth.csv"):
    assert main(["evaluate", pred, truth, *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_counts_scores_and_keys(files, capsys):
    result = evaluated(capsys, "--videos", "videos.csv")
    assert list(result) == ["protocol", "leak", "spotting", "recognition", "strs", "ci", "baselines"]
    assert result["protocol"] == "megc"
    # Two hits; false alarms in 006/b and in 006/c, which has no truth; the neutral one is no detection.
    # 006/b, and all of subject 007, are missed.
    spotting = {"tp": 2, "fp": 2, "fn": 3, "precision": 2 / 4, "recall": 2 / 5, "f1": 4 / 9}
    assert result["spotting"] == pytest.approx(spotting)
    recognition = result["recognition"]
    assert recognition.pop("confusion") == [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0] * 5, [0] * 5]
    precision, recall = (1 / 2) / 3, 1 / 3
    f1 = 2 * precision * recall / (precision + recall)
    uf1 = (2 / 3) / 3
    expected = {"f1": f1, "uf1": uf1, "uar": recall, "precision": precision, "recall": recall, "support": 2}
    assert recognition == pytest.approx(expected)
    assert result["strs"] == pytest.approx(f1 * 4 / 9)
    assert list(result["ci"]) == list(SCORES)
    for name, value in (("spot_f1", 4 / 9), ("recog_f1", f1), ("strs", f1 * 4 / 9)):
        assert result["ci"][name][0] <= value <= result["ci"][name][1]
    peaks = result["baselines"]["random_peaks"]
    assert (peaks["length"], peaks["video_frames"]) == (20, "given")
    assert peaks["recall"] == pytest.approx((2 * (1 - (1 - 13 / 981) ** 2) + 13 / 981) / 5)  # 2 and 1 thrown
    assert result["baselines"]["majority_emotion"]["emotion"] == "negative"


def test_neutral_predictions_count_as_detections_only_where_they_are_kept(files, capsys):
    kept = evaluated(capsys, "--protocol", "published")
    assert (kept["spotting"]["tp"], kept["spotting"]["fp"], kept["spotting"]["fn"]) == (3, 1, 2)  # 006/c is not scored
    assert kept["recognition"]["confusion"][2][4] == 1
    assert kept["protocol"] == "published"


def test_videos_without_truth_count_with_or_without_a_list_of_videos(files, capsys):
    assert main(["evaluate", "pred.csv", "truth.csv", "--json"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["spotting"]["fp"] == 2
    assert json.loads(streams.out)["baselines"]["random_peaks"]["video_frames"] == "up to the last interval"
    assert "pred.csv, row 6: 1 predictions in 1 videos without truth (006/c)" in " ".join(streams.err.split())


def test_nothing_predicted_is_all_missed(files, capsys):
    Path("pred.csv").write_text("subject,video,onset,offset,emotion\n")
    result = evaluated(capsys)
    assert result["spotting"] == {"tp": 0, "fp": 0, "fn": 5, "precision": 0, "recall": 0, "f1": 0}
    assert result["strs"] == 0


def test_perfect_predictions_score_1(files, capsys):
    result = evaluated(capsys, pred="truth.csv")
    assert result["strs"] == result["spotting"]["f1"] == result["recognition"]["uf1"] == 1


def test_expressions_of_a_catalog_are_a_truth_file(files, capsys):
    """Micro- and macro-expressions are compared with their own kind; their counts add up."""
    Path("expressions.csv").write_text(
        "subject,video,kind,onset,apex,offset,emotion\n"
        "006,a,micro,100,,119,Negative\n006,a,macro,400,450,500,\n006,a,macro,600,650,700,happy\n"
    )
    Path("pred.csv").write_text(
        "subject,video,kind,onset,apex,offset,emotion\n"
        "006,a,micro,100,110,119,negative\n006,a,micro,600,650,700,negative\n006,a,macro,400,450,500,\n"
    )
    result = evaluated(capsys, truth="expressions.csv")
    counts = {block: tuple(result[block][name] for name in ("tp", "fp", "fn")) for block in ("spotting", "macro")}
    assert counts == {"spotting": (1, 1, 0), "macro": (1, 0, 1)}
    assert result["overall"] == pytest.approx(
        {"tp": 2, "fp": 1, "fn": 1, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3}
    )


def test_another_iou_and_another_protocol_file(files, capsys):
    strict = evaluated(capsys, "--iou", "0.8")
    assert strict["spotting"]["tp"] == 1
    assert strict["protocol"] == "megc at IoU 0.8"
    Path("mine.yaml").write_text("name: mine\nfilter_neutral: false\n")
    mine = evaluated(capsys, "--protocol", "mine.yaml")
    assert (mine["protocol"], mine["spotting"]["tp"], mine["spotting"]["fp"]) == ("mine", 3, 2)


def test_details_on_request(files, capsys):
    Path("pred.csv").write_text(
        "subject,video,onset,apex,offset,emotion,confidence\n"
        "006,a,103,110,122,negative,.9\n006,b,500,505,519,surprise,.4\n007,a,10,12,14,others,.4\n"
        "006,b,50,55,69,neutral,.95\n"
    )
    result = evaluated(capsys, "--videos", "videos.csv", "--details", "--per-subject")
    assert [result["sweep"][iou]["spot_recall"] for iou in ("0.3", "0.5", "0.7")] == [2 / 5] * 3
    assert result["timing"]["onset"] == {"pairs": 2, "bias": 50, "mae": 50}  # 3 frames late at 30 fps, and exact
    assert result["timing"]["apex"] == {"pairs": 0}
    assert result["ranking"]["average_precision"] == pytest.approx(1 / 5 + 2 / 3 / 5)
    assert result["ranking"]["operating_point"]["confidence"] == 0.4
    assert result["ranking"]["curve"]["recall"] == [1 / 5, 2 / 5]
    subjects = result["subjects"]
    assert list(subjects) == ["006", "007", "008"]
    assert [subjects[name]["tp"] for name in subjects] == [1, 1, 0]
    for count in ("tp", "fp", "fn"):
        assert sum(values[count] for values in subjects.values()) == result["spotting"][count]


def test_details_say_what_they_lack(files, capsys):
    result = evaluated(capsys, "--details")
    assert result["timing"] is None
    assert result["ranking"] is None
    assert main(["evaluate", "pred.csv", "truth.csv", "--details"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--videos with a column fps" in text
    assert "needs a column confidence" in text


def test_two_runs_are_compared_over_subjects(files, capsys):
    Path("other.csv").write_text("subject,video,onset,offset,emotion\n009,z,1,9,positive\n007,a,10,14,others\n")
    paired = evaluated(capsys, "--against", "other.csv")["paired"]
    assert paired["against"] == "other.csv"
    assert paired["spot_recall"]["first"] == 2 / 5
    assert paired["spot_recall"]["second"] == 1 / 5
    assert paired["spot_recall"]["difference"] == pytest.approx(1 / 5)
    assert paired["spot_recall"]["p_value"] == 1  # two subjects that matter: every swap is as extreme
    same = evaluated(capsys, "--against", "pred.csv")["paired"]
    assert same["strs"]["difference"] == 0


def test_a_seed_fixes_every_number_and_another_one_moves_intervals(files, capsys):
    rng = np.random.default_rng(0)
    rows = [f"{subject},a,{100 * k},{100 * k + 9},others\n" for subject in range(20) for k in range(1, 9)]
    Path("truth.csv").write_text(HEAD + "".join(rows))
    Path("pred.csv").write_text(HEAD + "".join(row for row in rows if rng.random() < 0.6))
    Path("other.csv").write_text(HEAD + "".join(row for row in rows if rng.random() < 0.5))
    words = "--against", "other.csv", "--resamples", "50", "--seed"
    first, again, other = (evaluated(capsys, *words, seed) for seed in "112")
    assert first == again
    assert first["ci"]["spot_f1"] != other["ci"]["spot_f1"]
    assert first["paired"]["spot_f1"] != other["paired"]["spot_f1"]
    assert first["spotting"] == other["spotting"]


def test_the_table_shows_counts_support_intervals_and_chance(files, capsys):
    other = ["--against", "pred.csv", "--per-subject", "--details"]
    assert main(["evaluate", "pred.csv", "truth.csv", "--videos", "videos.csv", *other, "--save", "out/all.json"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    saved = json.loads(Path("out/all.json").read_text())
    for words in (
        "2 true positives, 2 false positives, 3 misses",
        "on the 2 true positives whose true emotion is negative, positive, surprise",
        f"│ STRS │ {saved['strs']:.3f} │ {saved['ci']['strs'][0]:.3f} .. {saved['ci']['strs'][1]:.3f} │ "
        f"{saved['baselines']['strs']:.3f} │",
        "20 frames long (videos' lengths: given); every true positive is negative",
        "│ positive │ 1 │ 0 │ 0 │ 0 │ 0 │",
        "│ 007 │ 0 │ 0 │ 2 │",
        "IoU >= 0.5 in the frames of the files",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("protocol", "named"),
    [("published", "published"), ("mine.yaml", "mine"), ("megc", None), ("honest.yaml", None)],
)
def test_every_table_of_a_leaking_protocol_says_so(files, capsys, protocol, named):
    Path("mine.yaml").write_text("name: mine\nfitted_on: all\n")
    Path("honest.yaml").write_text("name: honest\nvideos: with_micro\nmatching: greedy\n")
    words = ["--protocol", protocol, "--videos", "videos.csv", "--against", "pred.csv", "--per-subject", "--details"]
    assert main(["evaluate", "pred.csv", "truth.csv", *words, "--save", "all.json"]) == 0
    out = capsys.readouterr().out
    leak = json.loads(Path("all.json").read_text())["leak"]
    titles = [before for before, line in itertools.pairwise(out.splitlines()) if line.startswith("┏")]
    assert len(titles) == 6
    if named is None:
        assert leak is None
        assert "LEAK" not in out
        return
    assert [title for title in titles if f"(protocol {named}: LEAK)" not in title] == []
    assert "fitted on all subjects, the scored one included" in leak
    assert f"LEAK (protocol {named}): {leak}" in " ".join(out.split())


@pytest.mark.parametrize("number", [0, 14, 30, 45])
def test_published_counts_through_files(tmp_path, capsys, number):
    case = json.loads(GOLDEN.read_text())["cases"][number]
    votes = iter(case["expected"]["pred_list"])
    columns = ["subject", "video", "onset", "apex", "offset", "emotion"]
    with (tmp_path / "p.csv").open("w") as pred, (tmp_path / "t.csv").open("w") as truth:
        found, labelled = csv.writer(pred), csv.writer(truth)
        found.writerow(columns)
        labelled.writerow(columns)
        for subject, videos in enumerate(case["subjects"]):
            for name, video in enumerate(videos):
                found.writerows([subject, name, *row, FRAME_CLASSES[next(votes)]] for row in video["pred"])
                labels = zip(video["gt"], video["gt_emotion"], strict=True)
                labelled.writerows([subject, name, *row, emotion] for row, emotion in labels)
    result = evaluated(capsys, "--protocol", "published", pred=f"{tmp_path}/p.csv", truth=f"{tmp_path}/t.csv")
    expected = case["expected"]["strict"]
    assert [result["spotting"][name] for name in ("tp", "fp", "fn")] == [expected[n] for n in ("TP", "FP", "FN")]
    assert result["strs"] == pytest.approx(expected["STRS"], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pred", "subject,video,onset,offset\n", "pred.csv, row 1: no column emotion"),
        ("pred", HEAD + "006,a,1,9\n", "pred.csv, row 2: the row ends before column emotion"),
        ("pred", HEAD + "006,a,one,9,others\n", "pred.csv, row 2: onset 'one' is not a number"),
        ("pred", HEAD + "006,a,1.5,9,others\n", "pred.csv, row 2: onset '1.5' is not a whole number"),
        ("pred", HEAD + "006,a,1e30,9,others\n", "pred.csv, row 2: onset '1e30' is not a whole number"),
        ("pred", HEAD + "006,a,9,1,others\n", "pred.csv, row 2: offset 1 is before onset 9; swap"),
        ("pred", HEAD + "006,a,1,9,joy\n", "pred.csv, row 2: emotion 'joy' is not one of negative, positive, surprise"),
        ("pred", HEAD + ",a,1,9,others\n", "pred.csv, row 2: subject and video must not be empty"),
        ("pred", HEAD + "6,a,1,9,others\n", "pred.csv, row 2: no predicted subject is in the truth (here '6', there"),
        ("pred", HEAD.replace("onset", "apex,onset") + "006,a,50,1,9,others\n", "row 2: apex 50 is outside 1 .. 9"),
        ("pred", HEAD[:-1] + ",kind\n006,a,1,9,others,mae\n", "row 2: kind 'mae' is neither 'micro' nor 'macro'"),
        ("pred", HEAD[:-1] + ",confidence\n006,a,1,9,others,\n", "pred.csv, row 2: confidence '' is not a number"),
        ("truth", HEAD + "006,a,1,9,neutral\n", "truth.csv, row 2: emotion 'neutral' is not one of"),
        ("truth", HEAD + "006,a,-1,9,others\n", "truth.csv, row 2: onset -1 is negative"),
        ("truth", TRUTH + "006,a,100,119,positive\n", "truth.csv, row 7: the same frames as row 2"),
        ("truth", HEAD, "truth.csv: has no expression"),
        ("videos", VIDEOS + "006,a,x,30,9\n", "videos.csv, row 7: video 006/a occurs twice"),
        ("videos", VIDEOS.replace("1000", "0"), "videos.csv, row 2: a video has at least one frame"),
        ("videos", VIDEOS.replace("006,c", "006,d"), "pred.csv, row 6: --videos has no video 006/c"),
        (
            "videos",
            VIDEOS.replace("1000", "310"),
            "truth.csv, row 3: frame 319 is past the last frame 309 of 006/a",
        ),
        ("videos", VIDEOS.replace("b.mp4,30,1000", "b,30,500"), "pred.csv, row 4: frame 500 is past"),
    ],
)
def test_mistakes_are_one_line_with_the_row_and_the_fix(files, capsys, name, text, message):
    Path(f"{name}.csv").write_text(text)
    words = ["--videos", "videos.csv"] if name == "videos" else []
    assert main(["evaluate", "pred.csv", "truth.csv", *words]) == 2
    streams = capsys.readouterr()
    assert message in streams.err
    assert len(streams.err.splitlines()) == 1
    assert streams.out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--protocol", "megx"], "--protocol megx: use megc, published, or a YAML file"),
        (["--protocol", "none.yaml"], "none.yaml: no such file"),
        (["--iou", "1.5"], "protocol.iou: 1.5"),
        (["--resamples", "0"], "--resamples 0: use a whole number from 1"),
        (["--videos", "none.csv"], "none.csv: no such file"),
        (["--against", "none.csv"], "none.csv: no such file"),
    ],
)
def test_wrong_options_are_one_line(files, capsys, words, message):
    assert main(["evaluate", "pred.csv", "truth.csv", *words]) == 2
    assert message in capsys.readouterr().err


def test_repeated_predictions_count_again_and_are_reported(files, capsys):
    Path("pred.csv").write_text(HEAD + "006,a,100,119,negative\n006,a,100,119,negative\n")
    assert main(["evaluate", "pred.csv", "truth.csv", "--json"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["spotting"]["fp"] == 1
    assert "pred.csv, row 3: the same frames as row 2 (1 such rows)" in " ".join(streams.err.split())


def test_frames_that_pandas_wrote_as_floats_are_read(files, capsys):
    Path("pred.csv").write_text(HEAD + "006,a,100.0,119.0,Negative\n")
    assert evaluated(capsys)["spotting"]["tp"] == 1


def test_evaluation_starts_without_torch(files):
    code = (
        "import sys; from memodule.cli import main; "
        "assert main(['evaluate', 'pred.csv', 'truth.csv', '--details']) == 0; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
