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
