"""The page of a search: which trials and folds its numbers are made of."""

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

from made_studies import small_catalog

from memodule.commands.search_outcome import search_text
from memodule.decoding.protocol import MEGC
from memodule.report.leaderboard import leaderboard_page
from memodule.runtime import own_parts
from memodule.studies.search.leaderboard import Leaderboard, LeaderboardRow
from memodule.studies.search.records import TrialRecord
from memodule.studies.values import Parameter

SUBJECTS = ("s1", "s2", "s3")
EVIL = '</script><b>"x"'


def row(number: int, state: str, folds: int, strs: float) -> LeaderboardRow:
    settings = {"model.learning_rate": f"0.00{number}", "trainer.max_epochs": str(10 * number), "model": EVIL}
    scores = {"strs": strs, "spot_f1": strs}
    return LeaderboardRow(TrialRecord(number, settings, {}, state), SUBJECTS[:folds], scores, (strs - 0.1, strs + 0.1))


class Board(Leaderboard):
    """Rows without files."""

    winner_folder = Path("trials") / "winner"
    held_out = nested = None
    protocol = MEGC

    def provenance(self):
        chosen = {"chosen_on_by_fold": {"s1": ["s2"]}, "nested": {}}
        return {"chosen_on": ["s2"], "chosen_on_and_held_out_in_another_fold": ["s2"], **chosen}


def board(subjects=SUBJECTS, rows=()) -> Leaderboard:
    parameters = (
        Parameter("model.learning_rate", (0.001, 0.01), drawn="loguniform"),
        Parameter("trainer.max_epochs", (10, 30), drawn="int"),
        Parameter("model", (EVIL, "other.yaml")),
    )
    config = {"data": {"catalog": "nowhere"}, "protocol": {"name": "megc"}}
    base = SimpleNamespace(subjects=subjects, seeds=(0,), catalog=small_catalog(), config=config)
    search = SimpleNamespace(base=base, folder=Path("search-x"), sampler="tpe", grace=1)
    search.space = SimpleNamespace(parameters=parameters)
    search.command = lambda settings: f"memodule loso --set model={settings['model']}"
    return Board(search, rows, 2)


def test_trials_of_some_folds_are_partial():
    text = leaderboard_page(board(rows=(row(1, "finished", 3, 0.5), row(2, "stopped", 2, 0.6))))
    lines = re.findall(r"<tr>.*?</tr>", text[text.index("<caption>Best first") :], flags=re.DOTALL)[1:3]
    assert ["PARTIAL" in line for line in lines] == [False, True]
    assert "3 of 3" in lines[0]
    assert "2 of 3" in lines[1]


def test_a_search_that_leaves_subjects_out_is_partial():
    text = leaderboard_page(board(subjects=SUBJECTS[:2], rows=(row(1, "finished", 2, 0.5),)))
    assert re.search(r"<strong>PARTIAL</strong> \S.*2 of 3 folds", text)
    assert "<strong>PARTIAL</strong>" not in leaderboard_page(board(rows=(row(1, "finished", 3, 0.5),)))


def test_settings_are_text_whatever_they_look_like():
    text = leaderboard_page(board(rows=(row(1, "finished", 3, 0.5),)))
    assert EVIL not in text
    assert "&lt;/script&gt;&lt;b&gt;&#34;x&#34;" in text


def test_every_parameter_is_drawn_with_whole_numbers_where_it_is_whole():
    text = leaderboard_page(board(rows=(row(1, "finished", 3, 0.5), row(2, "stopped", 2, 0.6))))
    pictures = re.findall(r'<svg class="plot".*?</svg>', text, flags=re.DOTALL)
    assert len(pictures) == 3
    numbers = re.findall(r"<text [^>]*text-anchor: middle[^>]*>([\d.]+)</text>", pictures[1])
    epochs = [number for number in numbers if float(number) >= 10]  # the others are scores
    assert len(epochs) >= 3
    assert [number for number in epochs if not number.isdigit()] == []


def test_a_search_without_trials_has_a_page_too():
    assert "No trial has finished all folds yet." in leaderboard_page(board())


def test_the_command_for_the_winners_report_imports_the_same_parts(monkeypatch):
    part = own_parts.OwnPart("lab", "/my parts/lab.py", "0" * 64)
    monkeypatch.setattr(own_parts, "_imported", {"lab": part})
    text = search_text(board(rows=(row(1, "finished", 3, 0.5),)))
    assert "memodule report trials/winner --import '/my parts/lab.py'" in text


def test_trials_whose_rules_run_half_fitted_are_marked_everywhere():
    rows = (dataclasses.replace(row(1, "finished", 3, 0.5), uncalibrated="no curves"), row(2, "finished", 3, 0.4))
    shown = board(rows=rows)
    text = leaderboard_page(shown)
    lines = re.findall(r"<tr>.*?</tr>", text[text.index("<caption>Best first") :], flags=re.DOTALL)[1:3]
    assert ["UNCALIBRATED" in line for line in lines] == [True, False]
    assert re.search(r"<strong>UNCALIBRATED</strong> no curves \(trials 1\)", text)
    listed = [line for line in shown.csv().splitlines()[1:] if "no curves" in line]
    assert len(listed) == 1
    shown.search.configs = []
    assert [trial["uncalibrated"] for trial in shown.to_dict()["trials"]] == ["no curves", None]
