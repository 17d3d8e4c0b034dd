"""What remains on the screen: bars of finished work, and a single line after a mistake."""

import logging
import warnings

import pytest

from memodule import console
from memodule.cli import main
from memodule.errors import UserError


def steps(count, at, mistake):
    for number in range(count):
        if number == at:
            raise mistake
        yield number


def test_finished_work_leaves_its_bar(capsys):
    assert list(console.track([1, 2], "counting")) == [1, 2]
    assert "2/2" in capsys.readouterr().err


def test_a_mistake_takes_its_bar_away(capsys):
    with pytest.raises(UserError), console.progress_bar() as bar:
        list(bar.track(steps(3, 1, UserError("torn")), total=3, description="counting"))
    assert capsys.readouterr().err == ""


def test_an_interruption_leaves_the_bar_to_show_how_far_it_came(capsys):
    with pytest.raises(KeyboardInterrupt), console.progress_bar() as bar:
        list(bar.track(steps(3, 2, KeyboardInterrupt()), total=3, description="counting"))
    assert "counting" in capsys.readouterr().err


def test_an_unfinished_bar_is_removed_before_an_error_is_shown(capsys):
    unfinished = console.track([1, 2, 3], "counting")
    assert next(unfinished) == 1
    console.remove_bars()
    unfinished.close()
    assert capsys.readouterr().err == ""


def test_a_report_of_a_wrong_folder_says_one_line_even_if_others_were_read(tmp_path, capsys, make_folder):
    assert main(["report", str(make_folder), str(tmp_path / "absent")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"memodule: error: {tmp_path / 'absent'}: not a study folder")


@pytest.fixture
def make_folder(monkeypatch, tmp_path):
    """A folder that reads as a study."""
    from memodule.report import ReportedStudy
    from memodule.studies.study import Study

    really = Study.open
    monkeypatch.setattr(Study, "open", lambda folder: None if folder.name == "fine" else really(folder))
    monkeypatch.setattr(ReportedStudy, "of_study", lambda study: None)
    return tmp_path / "fine"


def test_only_the_named_lines_of_a_library_are_hidden(caplog):
    log = logging.getLogger("some.library")
    with caplog.at_level(logging.INFO), warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with console.hidden_lines("some.library", "Tip:", ".*old.*"):
            log.info("Tip: buy this")
            log.info("stopped after 3 epochs")
            warnings.warn("an old function", stacklevel=1)
            warnings.warn("numbers are missing", stacklevel=1)
        log.info("Tip: buy that")
    assert caplog.messages == ["stopped after 3 epochs", "Tip: buy that"]
    assert [str(warning.message) for warning in shown] == ["numbers are missing"]
