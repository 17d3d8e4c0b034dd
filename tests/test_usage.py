import argparse
import importlib
import re
from pathlib import Path

import pytest

from memodule.cli import COMMANDS, main
from memodule.commands import OneLineParser
from memodule.commands.values import folder_name

OWN = [name for name in COMMANDS if name not in ("fit", "validate", "test", "predict")]


@pytest.mark.parametrize("command", OWN)
def test_every_command_reports_wrong_usage_in_one_line(command, capsys):
    assert main([command, "--no-such-option"]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert printed.out == ""
    assert line.startswith(f"memodule: error: {command}: ")
    assert line.endswith(f"see `memodule {command} --help`")


@pytest.mark.parametrize("command", ["fit", "validate", "test", "predict"])
def test_lightning_commands_report_mistakes_in_one_line_too(command, capsys):
    assert main([command, "--config", "absent.yaml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("memodule: error: ")
    assert "--config absent.yaml" in line


def test_an_unknown_command_is_reported_in_one_line(capsys):
    assert main(["sing"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "invalid choice: 'sing'" in line
    assert line.endswith("see `memodule --help`")


@pytest.mark.parametrize(
    "line",
    [
        "ablate STUDY --grid x.yaml",
        "demo",
        "extract CATALOG --out flow",
        "loso --config x.yaml",
        "synth OUT",
    ],
)
@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5"])
def test_every_command_refuses_an_impossible_number_of_workers_alike(line, count, capsys):
    assert main([*line.split(), "--workers", count]) == 2
    assert f"argument --workers: '{count}': write a number of at least 1, or auto" in capsys.readouterr().err


class ParsingError(Exception):
    """Carries a command's parser to the test."""


@pytest.mark.parametrize("command", OWN)
def test_every_option_says_what_it_wants(command, monkeypatch):
    """Left to argparse, the message would name a function: "invalid _rate value"."""

    def stop(parser, _argv):
        raise ParsingError(parser)

    monkeypatch.setattr(OneLineParser, "parse_args", stop)
    with pytest.raises(ParsingError) as stopped:
        importlib.import_module(f"memodule.commands.{command.replace('-', '_')}").main([])
    (parser,) = stopped.value.args
    for action in parser._actions:
        if action.type not in (None, Path):
            bad = "," if action.dest == "folds" else "?/"
            with pytest.raises(argparse.ArgumentTypeError, match=f"^{re.escape(repr(bad))}: write "):
                action.type(bad)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("spot v.avi --fps abc", "argument --fps: 'abc': write 1 to 10000 frames per second"),
        ("spot v.avi --fps nan", "argument --fps: 'nan': write 1 to 10000 frames per second"),
        ("loso --config x.yaml --gpus-per-fold 2x", "argument --gpus-per-fold: '2x': write a share from 0 to 1"),
        ("loso --config x.yaml --gpus-per-fold 1.5", "argument --gpus-per-fold: '1.5': write a share from 0 to 1"),
        ("loso --config x.yaml --gpus-per-fold nan", "argument --gpus-per-fold: 'nan': write a share from 0 to 1"),
        ("loso --config x.yaml --threads 0", "argument --threads: '0': write a whole number of at least 1"),
        ("loso --config x.yaml --seeds 0,,1", "argument --seeds: '0,,1': write whole numbers from 0 to 2^32 - 1"),
        ("loso --config x.yaml --seeds -1", "argument --seeds: '-1': write whole numbers from 0 to 2^32 - 1"),
        ("loso --config x.yaml --folds ,", "argument --folds: ',': write subjects of the Catalog"),
        ("loso --config x.yaml --name a/b", "argument --name: 'a/b': write a name without /"),
        ("loso --config x.yaml --name ../x", "argument --name: '../x': write a name without /"),
        ("loso --config x.yaml --address nohost", "argument --address: 'nohost': write HOST:PORT"),
        ("search --config x.yaml --space s.yaml --name ../x", "argument --name: '../x': write a name without /"),
        ("search --config x.yaml --space s.yaml --trials 0", "argument --trials: '0': write a whole number of at"),
        (
            "search --config x.yaml --space s.yaml --seed -1",
            "argument --seed: '-1': write a whole number from 0 to",
        ),
        ("evaluate a.csv b.csv --iou half", "argument --iou: 'half': write a number"),
        ("synth out --subjects some", "argument --subjects: 'some': write a whole number"),
    ],
)
def test_bad_values_are_reported_with_the_option_the_value_and_what_is_wanted(line, wanted, capsys):
    assert main(line.split()) == 2
    (printed,) = capsys.readouterr().err.splitlines()
    assert wanted in printed


@pytest.mark.parametrize("text", ["", " ", "a\nb", "a\\b"])
def test_names_of_studies_are_names_of_folders(text):
    with pytest.raises(argparse.ArgumentTypeError, match="write a name without / and"):
        folder_name(text)
    assert [folder_name(name) for name in ("first-try", "lr=1e-3 (b)", "größer")] == [
        "first-try",
        "lr=1e-3 (b)",
        "größer",
    ]


@pytest.mark.parametrize("more", ["", "--videos none.csv", "--against none.csv"])
def test_missing_files_are_reported_in_the_order_of_the_arguments(more, capsys):
    assert main(["evaluate", "nope.csv", "nope2.csv", *more.split()]) == 2
    assert capsys.readouterr().err == "memodule: error: nope.csv: no such file; give a CSV file\n"


@pytest.fixture(scope="module")
def odds(tmp_path_factory):
    """Files that people pass by mistake, in one folder."""
    folder = tmp_path_factory.mktemp("odds")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "empty.csv").write_text("")
    (folder / "nothing").mkdir()
    (folder / "torn.yaml").write_text("a: [1,\n")
    header = "subject,video,onset,offset,emotion\n"
    (folder / "nan.csv").write_text(header + "a,1,nan,5,negative\n")
    (folder / "truth.csv").write_text(header + "a,1,1,5,negative\n")
    (folder / "study").mkdir()
    (folder / "study" / "study.json").write_text("{}")
    (folder / "study" / "config.yaml").write_text("x: 1\n")
    (folder / "broken").mkdir()
    (folder / "broken" / "study.json").write_text("{")
    catalog = folder / "catalog"
    catalog.mkdir()
    (catalog / "videos.csv").write_text("subject,video,path,fps,frames\na,1,x.avi,nan,10\n")
    (catalog / "expressions.csv").write_text("subject,video,kind,onset,apex,offset,emotion\n")
    return folder


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("spot empty.csv --checkpoint picture.png", "picture.png: "),
        ("spot empty.csv --checkpoint nothing", "nothing: ... model.ckpt"),
        ("spot nothing --checkpoint picture.png", "nothing: "),
        ("spot empty.csv --fps nan", "--fps: 'nan'"),
        ("evaluate empty.csv truth.csv", "empty.csv, row 1: ... subject"),
        ("evaluate nan.csv truth.csv", "nan.csv, row 2: onset 'nan'"),
        ("evaluate nothing truth.csv", "nothing: "),
        ("evaluate picture.png truth.csv", "picture.png: "),
        ("evaluate truth.csv truth.csv --videos nan.csv", "nan.csv, row 1: ... frames"),
        ("evaluate truth.csv truth.csv --save nothing", "nothing: "),
        ("evaluate truth.csv truth.csv --save empty.csv/scores.json", "empty.csv: "),
        ("evaluate truth.csv truth.csv --resamples 9999999", "--resamples 9999999: ... 1000000"),
        ("check empty.csv", "empty.csv: ... configs/datasets/"),
        ("extract catalog --out store", "catalog/videos.csv, row 2: fps ... nan"),
        ("extract empty.csv --out store", "empty.csv"),
        ("report nothing", "nothing: "),
        ("report picture.png", "picture.png: "),
        ("report study", "study: ... name"),
        ("report broken", "broken/study.json: "),
        ("ablate nothing --grid torn.yaml", "nothing: "),
        ("loso --config picture.png", "picture.png: ... YAML"),
        ("loso --config torn.yaml", "torn.yaml: ... YAML"),
        ("submit picture.png --part cas", "picture.png: "),
        ("submit --validate picture.png", "picture.png: "),
        ("synth truth.csv", "truth.csv: "),
        ("synth made --fps nan", "--fps: 'nan' ... number"),
        ("predict --ckpt_path=picture.png", "picture.png: "),
        ("fit --ckpt_path absent.ckpt", "absent.ckpt: "),
        ("fit --ckpt_path=", "--ckpt_path: "),
        ("fit", "data.catalog ... --config"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(line, named, odds, monkeypatch, capsys):
    monkeypatch.chdir(odds)
    before = sorted(odds.rglob("*"))
    assert main([*line.split(), *(["-q"] if line.split()[0] in OWN else [])]) == 2
    (line_shown,) = capsys.readouterr().err.splitlines()
    assert line_shown.startswith("memodule: error: ")
    assert [part for part in named.split(" ... ") if part not in line_shown] == []
    assert sorted(odds.rglob("*")) == before
