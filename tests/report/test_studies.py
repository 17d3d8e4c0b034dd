"""Reports of all kinds of studies: whole, partial, tiny, leaking, without any hit, with names that look like HTML."""

import copy
import dataclasses
import html
import json
import re

import numpy as np
import pytest
from made_studies import SCORES, make_study, small_catalog

from memodule.cli import main
from memodule.decoding.protocol import Protocol
from memodule.intervals import FixedWindow, PriorGuided
from memodule.report import ReportedStudy, report_page
from memodule.report.comparison import AT_LABELS, against_first, differing_settings
from memodule.studies.recognition_at_labels import scores_at_labels
from memodule.studies.study import Study
from memodule.synthetic.score_curves import ScoreModel


def read(*studies) -> list[ReportedStudy]:
    return [ReportedStudy.of_study(Study.open(study)) for study in studies]


def data_of(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def words_of(text: str) -> str:
    """What a reader sees, without the scripts."""
    body = re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


@pytest.fixture
def opened(page, tmp_path):
    """Opens a page and asserts that nothing goes wrong in it."""

    def open_(text: str):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        page.open(path.as_uri())
        assert page.problems == []
        assert page.requests == [path.as_uri()]
        return page

    return open_


def test_thirty_folds_of_two_runs_fit_into_five_megabytes(thirty, opened):
    text = report_page(read(*thirty))
    assert len(text.encode()) < 5e6
    page = opened(text)
    assert page.run("document.querySelectorAll('#list button').length") == 147
    assert "Paired differences to study A" in words_of(text)
    first, second = data_of(text)["studies"]
    results = json.loads((thirty[0] / "results.json").read_text())["spotting"]
    outcomes = [row[5] for *_, found in first["seeds"][0]["videos"] for row in found]
    assert (outcomes.count(0), outcomes.count(1)) == (results["tp"], results["fp"])
    assert second["seeds"][0]["videos"][0][1] != first["seeds"][0]["videos"][0][1]  # each study has its own curves


def test_a_variant_of_the_same_curves_does_not_store_them_again(small):
    (run,) = read(small)
    variant = dataclasses.replace(run, name="again")
    assert len(report_page([run, variant])) < 1.9 * len(report_page([run]))
    assert len(data_of(report_page([run, variant]))["curves"]) == 6


def test_long_videos_are_thinned_until_they_fit_and_keep_their_peaks(small):
    (run,) = read(small)
    curves = data_of(report_page([run], most_samples=1000))["curves"]
    whole = data_of(report_page([run]))["curves"]
    assert {curve["thin"] for curve in whole} == {1}
    assert {curve["thin"] for curve in curves} == {6}  # 6 videos of 900 samples
    import base64

    def levels(curve):
        return np.frombuffer(base64.b64decode(curve["score"]), np.uint8)

    for thin, full in zip(curves, whole, strict=True):
        assert len(levels(thin)) == 150
        assert levels(thin).max() == levels(full).max()
        assert levels(thin).min() == levels(full).min()


def test_the_spread_of_curves_is_packed_where_there_is_one(small):
    (run,) = read(small)
    assert not any("spread" in curve for curve in data_of(report_page([run]))["curves"])
    (first, *others) = run.curves[0]
    spread = np.full(len(first.score), 0.1, np.float32)
    spread[:15], spread[400] = np.nan, 0.4
    varied = dataclasses.replace(run)
    vars(varied)["curves"] = {0: [dataclasses.replace(first, spread=spread), *others]}  # as if read from its files
    import base64

    for samples, thin in ((10**6, 1), (1000, 6)):
        packed = data_of(report_page([varied], most_samples=samples))["curves"][0]
        low, high = packed["range"]
        levels = np.frombuffer(base64.b64decode(packed["spread"]), np.uint8)
        assert len(levels) == len(np.frombuffer(base64.b64decode(packed["score"]), np.uint8))
        assert (levels[: 15 // thin] == 255).all()
        assert levels[400 // thin] == round(0.4 * 255 / (high - low))
        assert levels[-1] == round(0.1 * 255 / (high - low))


def test_the_same_study_gives_the_same_bytes(small, tmp_path):
    for name in ("one.html", "two.html"):
        assert main(["report", str(small), "--out", str(tmp_path / name), "--quiet"]) == 0
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_names_that_look_like_html_are_only_text(runs, opened):
    evil = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "</script><b>&amp;")
    study = make_study(runs, small_catalog(evil), "evil")
    text = report_page(read(study))
    page = opened(text)
    assert page.run("document.querySelectorAll('img, b b, #list script').length") == 0
    titles = page.run("[...document.querySelectorAll('[data-subject]')].map(e => e.textContent)")
    assert titles == list(evil)
    page.press("ArrowRight")
    assert evil[0] in page.run("document.getElementById('video-title').textContent")
    assert page.problems == []


def test_a_partial_study_says_so_and_shows_what_is_there(runs, opened):
    study = make_study(runs, small_catalog(), "partial", without=[("s2", 0)], pooled=False)
    text = report_page(read(study))
    assert "PARTIAL 2 of 3 folds are finished" in " ".join(words_of(text).split())
    assert text.count("2 of 3 folds") == 1
    assert text.count("s2 (seed 0)") == 1
    assert "2 of 3" in words_of(text)
    page = opened(text)
    assert page.run("document.querySelectorAll('#list button').length") == 4


def test_a_partial_study_beside_a_whole_one_is_named_and_not_compared(runs):
    whole = make_study(runs / "whole", small_catalog(), "both")
    part = make_study(runs / "part", small_catalog(), "part", without=[("s2", 0)])
    text = " ".join(words_of(report_page(read(whole, part))).split())
    assert "PARTIAL, study B 2 of 3 folds are finished" in text
    assert "PARTIAL, study A" not in text
    assert "Study B is not comparable with A folds are missing: finish both" in text
    assert "Paired differences" not in text


def test_results_of_other_folds_than_the_finished_ones_are_not_believed(runs):
    study = make_study(runs, small_catalog(), "grown", without=[("s3", 0)])
    full = make_study(runs / "full", small_catalog(), "grown")
    assert study.name == full.name
    (study / "folds" / "seed0" / "s3").mkdir(parents=True, exist_ok=True)
    for path in (full / "folds" / "seed0" / "s3").rglob("*"):
        target = study / path.relative_to(full)
        target.mkdir(exist_ok=True) if path.is_dir() else target.write_bytes(path.read_bytes())
    (grown,), (whole,) = read(study), read(full)
    assert grown.results["spotting"] == whole.results["spotting"]
    assert grown.results["complete"]


def test_several_seeds_are_chosen_one_by_one(runs, opened):
    study = make_study(runs, small_catalog(), "seeds", seeds=(3, 7), without=[("s1", 7)])
    text = report_page(read(study))
    assert "seed 7" in words_of(text)
    page = opened(text)
    assert page.run("[...document.getElementById('choose-seed').options].map(o => o.textContent)") == ["3", "7"]
    page.run(
        "(() => { const s = document.getElementById('choose-seed'); s.value = '1';"
        "s.dispatchEvent(new Event('change')); })()"
    )
    assert page.run("document.getElementById('count').textContent") == "4 of 4 videos"
    assert "/7/" in page.run("location.hash")


def test_a_study_that_found_nothing_has_no_holes(runs, opened):
    blind = ScoreModel(base=0.0, missed=1.0)
    study = make_study(runs, small_catalog(), "nothing", scores=blind)
    (run,) = read(study)
    assert run.results["spotting"]["tp"] == 0
    page = opened(report_page([run]))
    assert "nan" not in page.run("document.body.innerText").lower().replace("nano", "")
    assert page.run("document.querySelectorAll('svg [d*=NaN], svg [x=NaN]').length") == 0


def test_one_video_per_subject_is_enough(runs, opened):
    study = make_study(runs, small_catalog(("a", "b"), videos=1), "single")
    page = opened(report_page(read(study)))
    assert page.run("document.querySelectorAll('#list button').length") == 2


def test_the_published_protocol_carries_its_leak(runs, opened):
    study = make_study(runs, small_catalog(), "leaking", protocol=Protocol.preset("published"), frame_step=2)
    text = report_page(read(study))
    banner = re.search(r'<div class="banner warning".*?</div>', text)[0]
    assert "LEAK (protocol published)" in banner
    assert "interval prior fitted on all subjects" in words_of(text)
    captions = re.findall(r"<caption>(.*?)</caption>", text)
    assert len(captions) >= 5
    assert [caption for caption in captions if "(protocol published: LEAK)" not in caption] == []
    page = opened(text)
    assert page.run("document.querySelectorAll('#list button').length") == 3  # videos without an ME are not scored


def test_a_leaking_run_is_marked_in_the_comparison_and_an_honest_one_is_not(small, runs):
    leaking = make_study(runs, small_catalog(), "leaking-too", protocol=Protocol(name="mine", fitted_on="all"))
    text = report_page(read(small, leaking))
    (row_a, row_b) = re.findall(r'<tr><th scope="row"><span class="badge">.*?</tr>', text, flags=re.DOTALL)
    assert "LEAK" not in row_a
    assert re.search(r'<small class="leak" title="the interval prior is fitted on all.*?">LEAK</small>', row_b)
    (run,) = read(leaking)
    both = report_page([run, dataclasses.replace(run, name="again")])
    assert "<caption>Paired differences to study A (protocol mine: LEAK)</caption>" in both
    assert "LEAK" not in report_page(read(small))


def test_runs_that_do_not_stand_on_the_same_ground_are_not_compared(small, runs):
    other = make_study(runs, small_catalog(("s1", "s2")), "other")
    text = words_of(report_page(read(small, other)))
    assert "Study B is not comparable with A" in text
    assert "other videos: 6 and 4" in text
    assert "Paired differences" not in text


def test_a_run_against_itself_differs_by_nothing(small):
    (run,) = read(small)
    variant = dataclasses.replace(run, name="again")
    text = " ".join(words_of(report_page([run, variant])).split())
    assert text.count("0.000 [0.000, 0.000] p = 1.000") == 6


def test_what_differs_comes_first(runs):
    prior, fixed = (make_study(runs, small_catalog(), "differing", rule=rule) for rule in (PriorGuided, FixedWindow))
    text = report_page(read(prior, fixed))
    assert re.search(r"<main>\s*<section id=\"settings\">", text)
    (row,) = re.findall(r"<tr>.*?</tr>", text[: text.index("</section>")], flags=re.DOTALL)[1:]
    cells = re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)
    assert cells[0] == "selection rule"
    assert cells[1].startswith("PriorGuided(")
    assert cells[2].startswith("FixedWindow(")


def test_settings_are_compared_argument_by_argument(small):
    (study,) = read(small)
    config = copy.deepcopy(study.config)
    config["model"] |= {"learning_rate": 0.01}
    config["model"]["network"]["init_args"] |= {"depth": 2}
    config["data"] |= {"catalog": "elsewhere"}
    rule = {**study.results["rule"], "init_args": {**study.results["rule"]["init_args"], "threshold": 0.25}}
    other = dataclasses.replace(study, config=config, results={**study.results, "rule": rule})
    assert {name: value for name, (_, value) in differing_settings([study, other])} == {
        "model.learning_rate": "0.01",
        "model.network.depth": "2",
        "selection rule.threshold": "0.25",
    }
    assert differing_settings([study, study]) == []
    assert "No setting differs" in report_page([study, study])


def test_the_chart_of_scores_has_numbers_at_its_axes(small):
    axes = re.findall(r'<div class="scale".*?</div>', report_page(read(small)), flags=re.DOTALL)
    numbers = [re.findall(r">([\d.]+)<", axis) for axis in axes]
    assert numbers == 5 * [["0", "0.2", "0.4", "0.6", "0.8", "1"]]


def test_curves_of_networks_that_an_earlier_study_trained_are_not_drawn_again(runs):
    studies = read(*(make_study(runs, small_catalog(), "once", rule=rule) for rule in (PriorGuided, FixedWindow)))
    text = report_page(studies)
    assert "Trained as study A" in text
    assert text.count("training loss</strong>") == 1


def test_recognition_of_labelled_intervals_is_compared_whatever_was_spotted(runs):
    """The second study finds other intervals on the curves of the first; the network of the third confuses emotions."""
    clear, confused = (dataclasses.replace(SCORES, missed=0.0, confusion=share, evidence=8.0) for share in (0.0, 1.0))
    strict = Protocol(iou=0.8)  # few hits, so that recognition scores are of few expressions
    first, second, third = read(
        make_study(runs, small_catalog(), "clear", scores=clear, protocol=strict),
        make_study(runs, small_catalog(), "clear", scores=clear, protocol=strict, rule=FixedWindow),
        make_study(runs, small_catalog(), "confused", scores=confused, protocol=strict),
    )
    assert first.results["recognition"]["support"] < sum(tally.tp for tally in first.labelled_tallies.values()) - 1
    by_rule, by_network = (test.differences for test in against_first([first, second, third]))
    assert by_rule["spot_f1"]["difference"] != 0
    assert (by_rule[AT_LABELS]["difference"], by_rule[AT_LABELS]["p_value"]) == (0, 1)
    given = scores_at_labels(third.labelled_tallies, third.protocol)
    assert by_network[AT_LABELS]["first"] == given["f1"] < 0.7 < by_network[AT_LABELS]["second"]
    shown = f"{given['f1']:.3f} [{given['ci']['f1'][0]:.3f}, {given['ci']['f1'][1]:.3f}]"
    assert shown in " ".join(words_of(report_page([first, third])).split())
    assert f"labelled intervals {given['f1']:.3f}" in " ".join(words_of(report_page([third])).split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: not a study folder"),
        (["{small}", "{small}"], "given twice"),
        (["{small}", "--out", "{small}"], "cannot be written"),
    ],
)
def test_mistakes_are_told_in_one_line(small, capsys, words, message):
    assert main(["report", "-q", *(word.format(small=small) for word in words)]) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert len(told.splitlines()) == 1


def test_a_study_without_a_finished_fold_is_refused(runs, capsys):
    study = make_study(runs, small_catalog(("x",)), "begun", without=[("x", 0)], pooled=False)
    assert main(["report", "-q", str(study)]) == 2
    assert "no fold is finished" in capsys.readouterr().err
