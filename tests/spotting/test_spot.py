import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from made_studies import make_study, small_catalog

from memodule.cli import main
from memodule.errors import UserError
from memodule.intervals import SemiMarkov
from memodule.spotting import Spotter
from memodule.spotting.result import COLUMNS
from memodule.spotting.selection_rule import rule_for
from memodule.spotting.video_source import find_sources
from memodule.studies.calibrating import fold_decoder
from memodule.studies.study import Study
from memodule.synthetic.frame_files import write_video
from memodule.training.checkpoints import load_fold_model

from .conftest import shade, write_checkpoint, write_matroska

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def spotted(face_frames, checkpoint, tmp_path_factory):
    """A face for two seconds, then one second of nothing, through the command with everything it can write."""
    folder = tmp_path_factory.mktemp("spot")
    nothing = [np.full_like(face_frames[0], 90)] * 30
    write_video(folder / "mine.avi", [*face_frames[:60], *nothing], 30)
    arguments = ["spot", str(folder / "mine.avi"), "--checkpoint", str(checkpoint), "--out", str(folder / "out")]
    assert main([*arguments, "--annotate", "--quiet"]) == 0
    return folder / "out"


def test_json_says_what_was_found_and_what_is_unknown(spotted):
    result = json.loads((spotted / "mine.json").read_text())
    assert (result["frames"], result["fps"], result["sampling"]["frame_step"]) == (90, 30, 1)
    (known, unknown) = result["sections"]
    assert known["analysed"]
    assert not unknown["analysed"]
    assert unknown["reason"] == "no face"
    # seen for the last time at a look at most half a window (5 samples) before it vanished
    assert 54 <= unknown["first"] <= 60
    assert unknown["last"] == 89
    scores = result["curve"]["score"]
    assert len(scores) == 90
    assert [score is None for score in scores] == [frame >= unknown["first"] for frame in range(90)]
    for found in result["expressions"]:
        assert 0 <= found["onset"] <= found["apex"] <= found["offset"] < unknown["first"]
        assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_what_is_found_does_not_depend_on_how_long_the_face_is_not_seen(spotted, face_frames, checkpoint, tmp_path):
    """Twelve seconds of nothing instead of one."""
    nothing = [np.full_like(face_frames[0], 90)] * 360
    write_video(tmp_path / "mine.avi", [*face_frames[:60], *nothing], 30)
    longer = Spotter.from_checkpoint(checkpoint).spot(tmp_path / "mine.avi").as_dict()
    shorter = json.loads((spotted / "mine.json").read_text())
    assert len(longer["curve"]["score"]) == 420
    assert json.loads(json.dumps(longer["expressions"])) == shorter["expressions"]
    assert shorter["expressions"]


@pytest.mark.parametrize("seen_before", [0, 40])
def test_the_face_may_be_unseen_before_or_in_between(seen_before, face_frames, checkpoint, tmp_path):
    found = []
    for length in (30, 180):
        nothing = [np.full_like(face_frames[0], 90)] * length
        write_video(tmp_path / "mine.avi", [*face_frames[:seen_before], *nothing, *face_frames[seen_before:]], 30)
        result = Spotter.from_checkpoint(checkpoint).spot(tmp_path / "mine.avi")
        rows = [(e.onset, e.apex, e.offset, e.emotion, round(e.confidence, 6)) for e in result.expressions]
        shifts = [0 if row[1] < seen_before else length for row in rows]
        found.append([(*(frame - by for frame in row[:3]), *row[3:]) for row, by in zip(rows, shifts, strict=True)])
        unseen = np.isnan(result.score)
        assert unseen[seen_before : seen_before + length].all()
        assert not any(unseen[row[0] : row[2] + 1].any() for row in rows)
    assert found[0] == found[1] != []


def test_windows_may_begin_at_several_places(spotted, checkpoint):
    """Of three phases, the first one is the only one of a single phase; all of them give the score and its spread."""
    video = spotted.parent / "mine.avi"
    one, three = (Spotter.from_checkpoint(checkpoint, phases=phases) for phases in (1, 3))
    few, many = (
        one.measure_source(one.open(video), keep_flow=True),
        three.measure_source(three.open(video), keep_flow=True),
    )
    np.testing.assert_array_equal(many.flow[::3], few.flow)
    assert three.windows.starts(4).tolist() == [0, 1, 3, 5]
    single, several = one.decide(few), three.decide(many)
    assert (single.phases, several.phases) == (1, 3)
    assert np.isfinite(single.spread[5:50]).all()
    assert np.isnan(single.spread[:5]).all()
    assert np.isnan(several.spread[:1]).all()
    assert np.isfinite(several.spread[1:50]).all()
    assert np.isnan(several.spread[-20:]).all()  # without a face
    document = several.as_dict()
    assert document["sampling"]["phases"] == 3
    assert [value is None for value in document["curve"]["spread"]] == np.isnan(several.spread).tolist()


def test_the_table_agrees_and_lists_the_unknown_part(spotted):
    result = json.loads((spotted / "mine.json").read_text())
    with (spotted / "mine.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    micro = [row for row in rows if row["kind"] == "micro"]
    assert [int(row["onset"]) for row in micro] == [found["onset"] for found in result["expressions"]]
    (unknown,) = (row for row in rows if row["kind"] == "not_analysed")
    assert (unknown["offset"], unknown["remark"]) == ("89", "no face")


def test_the_page_loads_nothing_and_shows_every_expression(spotted):
    page = (spotted / "mine.html").read_text()
    result = json.loads((spotted / "mine.json").read_text())
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "<script" not in page
    assert page.count('<article id="me') == len(result["expressions"]) > 0
    assert page.count("data:image/jpeg") == 2 * len(result["expressions"])
    assert "url(#hatch)" in page
    assert 'class="band"' in page  # how much overlapping windows disagree
    assert "Nothing is known of these parts" in page


def test_the_annotated_video_has_a_picture_for_each_sample(spotted):
    import cv2

    capture = cv2.VideoCapture(str(spotted / "mine.mp4"))
    pictures = []
    while capture.grab():
        pictures.append(capture.retrieve()[1])
    assert len(pictures) == 90
    # the face is framed while it is there only
    assert pictures[30][:-72].std() > 20
    assert pictures[-1][100:-72].std() < 5


def test_three_lines_of_python_do_the_same(spotted, checkpoint):
    spotter = Spotter.from_checkpoint(checkpoint)
    result = spotter.spot(spotted.parent / "mine.avi")
    assert result.as_dict() == json.loads((spotted / "mine.json").read_text())


def test_a_webcam_reports_real_frame_numbers(face_frames, checkpoint, tmp_path):
    times = np.cumsum([0, *([25, 50, 40, 90] * 22)][:80]).tolist()
    write_matroska(tmp_path / "webcam.mkv", face_frames[:80], times)
    result = Spotter.from_checkpoint(checkpoint).spot(tmp_path / "webcam.mkv")
    assert any("frame rate changes" in warning for warning in result.warnings)
    assert result.frames == 80
    grid = 1000 * np.arange(len(result.sample_frames)) / 30
    assert np.abs(np.array(times)[result.sample_frames] - grid).max() <= 46
    assert result.sections[-1].last == 79


def test_each_video_that_cannot_be_analysed_gets_one_line(checkpoint, face_video, tmp_path, capsys):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "half.avi").write_bytes(face_video.read_bytes()[:9000])
    write_video(tmp_path / "short.avi", [shade(1)] * 5, 30)
    write_video(tmp_path / "faceless.avi", [shade(1)] * 40, 30)
    status = main(["spot", str(tmp_path), "--checkpoint", str(checkpoint), "--out", str(tmp_path / "out"), "-q"])
    printed = capsys.readouterr()
    assert status == 1
    (summary,) = printed.out.splitlines()
    for part in (str(tmp_path / "faceless.avi"), "not analysed", "no face", "40 frames"):
        assert part in summary
    half, short, text = printed.err.splitlines()
    assert "half.avi: " in half
    assert "short.avi: too short (0.13 s)" in short
    assert "0.33 s" in short
    assert "text.mp4: " in text
    assert (tmp_path / "out" / "faceless.html").is_file()


def test_images_next_to_videos_are_skipped_with_a_warning(tmp_path, capsys):
    for name in ("one.mp4", "two.avi", "thumb.png", "cover.jpg"):
        (tmp_path / name).touch()
    assert find_sources([tmp_path]) == [tmp_path / "one.mp4", tmp_path / "two.avi"]
    warning = " ".join(capsys.readouterr().err.split())
    assert f"{tmp_path}: " in warning
    assert "2 images" in warning
    assert "(cover.jpg, …)" in warning
    assert "folder of their own" in warning
    for name in ("one.mp4", "two.avi"):
        (tmp_path / name).unlink()
    assert find_sources([tmp_path]) == [tmp_path]
    (tmp_path / "person").mkdir()
    (tmp_path / "person" / "1.jpg").touch()
    assert find_sources([tmp_path]) == [tmp_path]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("face", ["9", "1"])
def test_a_missing_face_is_reported_with_the_number_of_those_that_are(face_frames, checkpoint, tmp_path, capsys, face):
    write_video(tmp_path / "one.avi", face_frames[:30], 30)
    arguments = ["spot", str(tmp_path / "one.avi"), "--checkpoint", str(checkpoint), "--face", face]
    status = main([*arguments, "--out", str(tmp_path / "out")])
    printed = capsys.readouterr()
    if face == "1":
        assert (status, "--face" in printed.err) == (0, False)
        return
    assert status == 1
    (summary,) = printed.out.splitlines()
    for part in (str(tmp_path / "one.avi"), "not analysed", "at most 1 face", "30 frames"):
        assert part in summary
    assert "face number 9 from the left" in printed.err
    assert "--face" in printed.err


def test_a_file_that_breaks_off_is_analysed_as_far_as_it_goes(checkpoint, face_video, tmp_path):
    contents = face_video.read_bytes()
    (tmp_path / "cut.avi").write_bytes(contents[: len(contents) // 2])
    result = Spotter.from_checkpoint(checkpoint).spot(tmp_path / "cut.avi")
    assert 30 <= result.frames < 60
    assert any("may be damaged" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.mp4"], "absent.mp4: "),
        (["{video}", "--face", "left"], "--face left"),
        (["{video}", "--checkpoint", "absent.ckpt"], "absent.ckpt"),
        (["{video}", "--checkpoint", "{checkpoint}", "--rule", "Magic"], "Magic"),
        (["{video}", "--checkpoint", "{checkpoint}", "--prior", "Magic"], "Magic"),
        (["{video}", "--fps", "0"], "write 1 to 10000 frames per second"),
    ],
)
def test_mistakes_in_the_arguments_end_with_2(
    arguments, message, face_video, checkpoint, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    filled = [word.format(video=face_video, checkpoint=checkpoint) for word in arguments]
    assert main(["spot", *filled]) == 2
    assert message in capsys.readouterr().err


def test_another_rule_takes_over_the_learned_durations(checkpoint, tmp_path):
    model = load_fold_model(checkpoint)
    assert rule_for(model, "FixedWindow").timing == model.rule.timing
    (tmp_path / "rule.yaml").write_text(
        "class_path: memodule.intervals.Abstaining\n"
        "init_args: {rule: {class_path: memodule.intervals.PriorGuided, init_args: {threshold: 0.7}}, least: 0.5}\n"
    )
    rule = rule_for(model, tmp_path / "rule.yaml")
    assert rule.rule.timing == model.rule.timing
    assert rule.rule.threshold == 0.7
    (tmp_path / "rule.yaml").write_text("threshold: 0.5\n")
    with pytest.raises(UserError, match=r"rule\.yaml.*class_path"):
        rule_for(model, tmp_path / "rule.yaml")


CURVE = np.exp(-(((np.arange(60) - 30) / 4) ** 2))
FILES = sorted((ROOT / "configs" / "intervals").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_packaged_rule_is_fitted_and_says_whether_it_is_calibrated(checkpoint, path):
    rule = rule_for(load_fold_model(checkpoint), path)
    assert (rule.uncalibrated is not None) is rule.learns_from_curves
    rule.detect(CURVE, np.eye(5)[np.zeros(60, int)])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Its samples are 30 a second, like the checkpoint's."""
    return make_study(tmp_path_factory.mktemp("runs"), small_catalog(tuple("12345678"), videos=4))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_packaged_rule_is_calibrated_on_a_study(checkpoint, study, path):
    rule = rule_for(load_fold_model(checkpoint), path, study)
    assert rule.uncalibrated is None
    rule.detect(CURVE, np.eye(5)[np.zeros(60, int)])


def test_a_calibrated_rule_is_that_of_the_fold_that_held_out_the_checkpoints_subject(checkpoint, study):
    opened = Study.open(study)
    expected = fold_decoder(SemiMarkov(), opened, opened.fold("1", 0)).rule
    assert rule_for(load_fold_model(checkpoint), "SemiMarkov", study) == expected


def test_a_checkpoints_own_rule_can_be_calibrated(study, tmp_path):
    model = load_fold_model(write_checkpoint(tmp_path / "half.ckpt", rule=SemiMarkov(penalty=2.0)))
    assert model.rule.uncalibrated
    rule = rule_for(model, calibrate=study)
    assert (type(rule), rule.penalty, rule.uncalibrated) == (SemiMarkov, 2.0, None)


def test_a_checkpoint_without_labels_refuses_a_rule_that_needs_them(study, tmp_path):
    old = load_fold_model(write_checkpoint(tmp_path / "old.ckpt", old=True))
    assert rule_for(old, "FixedWindow").timing == old.rule.timing
    with pytest.raises(UserError, match=r"ClassPrior.*--calibrate STUDY"):
        rule_for(old, "class_prior")
    assert rule_for(old, "class_prior", study).log_frequency


def test_curves_of_another_rate_cannot_calibrate(checkpoint, tmp_path):
    slow = make_study(tmp_path, small_catalog(("2", "3"), videos=1), frame_step=2)
    with pytest.raises(UserError, match=r"15 samples per second, the checkpoint's 30"):
        rule_for(load_fold_model(checkpoint), "SemiMarkov", slow)


def test_a_half_fitted_rule_is_reported_everywhere(face_frames, checkpoint, tmp_path, capsys):
    write_video(tmp_path / "mine.avi", face_frames[:30], 30)
    words = ["spot", str(tmp_path / "mine.avi"), "--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")]
    assert main([*words, "--rule", "calibrated"]) == 0
    assert capsys.readouterr().err.count("UNCALIBRATED: Calibrated") == 1
    result = json.loads((tmp_path / "out" / "mine.json").read_text())
    assert result["uncalibrated"]
    assert any(warning.startswith("UNCALIBRATED") for warning in result["warnings"])
    assert (tmp_path / "out" / "mine.html").read_text().count("UNCALIBRATED") == 2  # warning and table
    with (tmp_path / "out" / "mine.csv").open() as file:
        assert {row["remark"] for row in csv.DictReader(file) if row["kind"] == "micro"} <= {"UNCALIBRATED"}
