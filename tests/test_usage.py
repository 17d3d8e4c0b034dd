import pytest

from memodule.cli import COMMANDS, main

OWN = [name for name in COMMANDS if name not in ("fit", "validate", "test", "predict")]


@pytest.mark.parametrize("command", OWN)
def test_wrong_usage_is_told_in_one_line_by_every_command(command, capsys):
    assert main([command, "--no-such-option"]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert printed.out == ""
    assert line.startswith(f"memodule: error: {command}: ")
    assert line.endswith(f"see `memodule {command} --help`")


@pytest.mark.parametrize("command", ["fit", "validate", "test", "predict"])
def test_lightning_commands_tell_mistakes_in_one_line_too(command, capsys):
    assert main([command, "--config", "absent.yaml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("memodule: error: config: ")
    assert "absent.yaml" in line


def test_an_unknown_command_is_told_in_one_line(capsys):
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
def test_an_impossible_number_of_workers_is_told_alike_by_every_command(line, count, capsys):
    assert main([*line.split(), "--workers", count]) == 2
    assert f"argument --workers: '{count}': write a number of at least 1, or auto" in capsys.readouterr().err


@pytest.fixture(scope="module")
def odds(tmp_path_factory):
    """Things that people give by mistake, in one folder."""
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
    ("line", "named", "status"),
    [
        ("spot empty.csv --checkpoint picture.png", "picture.png: cannot be read as plain weights", 2),
        ("spot empty.csv --checkpoint nothing", "nothing: is a folder; give the checkpoint of one fold", 2),
        ("spot nothing --checkpoint picture.png", "nothing: neither images nor videos there", 2),
        ("spot empty.csv --fps nan", "--fps: nan", 2),
        ("evaluate empty.csv truth.csv", "empty.csv, row 1: no column subject", 2),
        ("evaluate nan.csv truth.csv", "nan.csv, row 2: onset 'nan' is no number", 2),
        ("evaluate nothing truth.csv", "nothing: cannot be read", 2),
        ("evaluate picture.png truth.csv", "picture.png: cannot be read", 2),
        ("evaluate truth.csv truth.csv --videos nan.csv", "nan.csv, row 1: no column frames", 2),
        ("evaluate truth.csv truth.csv --save nothing", "nothing: Is a directory; check path", 2),
        ("evaluate truth.csv truth.csv --save empty.csv/scores.json", "empty.csv: File exists; check path", 2),
        ("evaluate truth.csv truth.csv --resamples 9999999", "--resamples 9999999: give a whole number from 1 to", 2),
        ("check empty.csv", "empty.csv: no such folder", 2),
        ("extract catalog --out store", "catalog/videos.csv, row 2: fps nan", 2),
        ("extract empty.csv --out store", "empty.csv", 2),
        ("report nothing", "nothing: no study", 2),
        ("report picture.png", "picture.png: no study", 2),
        ("report study", "study: no study (name is not told)", 2),
        ("report broken", "broken/study.json: cannot be read", 2),
        ("ablate nothing --grid torn.yaml", "torn.yaml", 2),
        ("loso --config picture.png", "no UTF-8 text", 2),
        ("loso --config torn.yaml", "config: Problems parsing config", 2),
        ("submit picture.png --part cas", "picture.png: no study", 2),
        ("submit --validate picture.png", "picture.png: cannot be read", 2),
        ("synth truth.csv", "truth.csv: is a file; give a folder", 2),
        ("synth made --fps nan", "fps: nan", 2),
        ("predict --ckpt_path=picture.png", "picture.png: cannot be read as plain weights", 2),
        ("fit --ckpt_path absent.ckpt", "absent.ckpt: no such file", 2),
        ("fit --ckpt_path=", "--ckpt_path: no file is named", 2),
        ("fit", "config: ", 2),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(line, named, status, odds, monkeypatch, capsys):
    monkeypatch.chdir(odds)
    before = sorted(odds.rglob("*"))
    assert main([*line.split(), *(["-q"] if line.split()[0] in OWN else [])]) == status
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("memodule: error: ")
    assert named in told
    assert sorted(odds.rglob("*")) == before
