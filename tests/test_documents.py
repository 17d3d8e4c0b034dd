"""Commands, links and file names in the documents are true: each command is accepted by the program it names."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from memodule.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "data/README.md", "experiments/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
LIGHTNING = {"fit", "validate", "test", "predict"}
"""Parsed by LightningCLI together with data and network; tests/test_configs.py runs them."""


class Accepted(Exception):  # noqa: N818
    """The command line has been understood; nothing is run."""


def code_lines(document: Path) -> list[str]:
    """The lines of all code blocks, continuation lines joined."""
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return lines + [line for line in text.splitlines() if line.startswith("    ")]


def commands_of(document: Path) -> list[str]:
    """Every `memodule COMMAND ...` line of a code block, comments removed."""
    found = []
    for line in code_lines(document):
        match = re.match(r"\s*(?:\$ )?(?:srun |\.venv/bin/)?memodule ([a-z-]+\b.*)", line)
        if match:
            found.append(re.sub(r"\s{2,}[#(].*| +# .*|&$", "", match[1]).strip())
    return found


COMMAND_LINES = sorted({(path.relative_to(ROOT).as_posix(), line) for path in DOCUMENTS for line in commands_of(path)})


def test_the_readme_shows_the_way():
    shown = {line.split()[0] for name, line in COMMAND_LINES if name == "README.md"}
    assert {"check", "catalog", "extract", "loso", "report", "evaluate"} <= shown


@pytest.mark.parametrize(("document", "line"), COMMAND_LINES)
def test_every_command_is_accepted(document, line, monkeypatch, capsys):
    name, *words = shlex.split(line)
    assert name in COMMANDS
    if name in LIGHTNING or "..." in words or "…" in line:
        return
    understand = argparse.ArgumentParser.parse_args

    def only_parse(self, *arguments, **options):
        understand(self, *arguments, **options)
        raise Accepted

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    try:
        status = main([name, *words])
    except Accepted:
        return
    pytest.fail(f"{document}: `memodule {line}` ends with {status}: {capsys.readouterr().err}")


@pytest.mark.parametrize("document", [path.relative_to(ROOT).as_posix() for path in DOCUMENTS])
def test_links_and_files_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not (ROOT / document).parent.joinpath(link).exists()]
    named = re.findall(r"(?<![\w/.-])((?:configs|experiments|docs|tests|memodule)/[\w./-]+\.(?:yaml|py|md|sh))", text)
    missing += [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_every_command_is_described_somewhere():
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert [name for name in COMMANDS if f"memodule {name}" not in text] == []
