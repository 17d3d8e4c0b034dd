"""data/README.md: the scripts for data sets without a reader run as they stand on folders of the described shape."""

import re
from pathlib import Path
from typing import Any

import pytest
from fake_releases import PIXEL, Cell, frames, write_xlsx

from memodule.datasets import Expression, read_catalog

PAGE = (Path(__file__).parents[2] / "data" / "README.md").read_text(encoding="utf-8")
HEADER: list[Cell] = [
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion")
]


def script(*titles: str) -> str:
    """The Python blocks below the titles, one after the other."""
    sections = [PAGE.partition(f"\n### {title}\n")[2].partition("\n### ")[0] for title in titles]
    blocks = [block for section in sections for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL)]
    assert len(blocks) == len(titles)
    return "\n".join(blocks)


def run(code: str) -> None:
    names: dict[str, Any] = {}
    exec(code, names)


def fill(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(PIXEL)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_casme_2(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Image numbers do not start at 1, the subject has lost its zero, an apex is `/`."""
    fill(here / "CASME2/CASME2-RAW/sub01/EP02_01f", frames("img", 60, first=46))
    fill(here / "CASME2/CASME2-RAW/sub17/EP02_01f", frames("img", 30))
    rows: list[list[Cell]] = [
        HEADER,
        [1, "EP02_01f", None, 46, 59, 86, None, "12", "happiness"],
        ["17", "EP02_01f", None, 5, "/", 20, None, "4+L10", "disgust"],
        ["17", "EP02_01f", None, 2, 3, 4, None, "4", "repression"],
    ]
    write_xlsx(here / "CASME2/CASME2-coding-20190701.xlsx", {"Sheet1": rows})
    run(script("CASME II", "The common part of CASME II and MMEW"))
    catalog = read_catalog(here / "data/casme_2")
    assert catalog.expressions == (
        Expression("sub01", "EP02_01f", "micro", 0, 13, 40, "positive"),
        Expression("sub17", "EP02_01f", "micro", 4, None, 19, "negative"),
    )
    assert {video.fps for video in catalog.videos} == {200}
    assert "row 4: micro-expression: left out, because the emotion map says drop" in capsys.readouterr().out


@pytest.mark.parametrize("between", ["Micro_Expression/happiness", "Micro_Expression/S03/happiness"])
def test_mmew(here: Path, capsys: pytest.CaptureFixture[str], between: str) -> None:
    fill(here / "MMEW" / between / "S03-01-002", frames("", 40))
    rows: list[list[Cell]] = [
        HEADER,
        ["S03", "S03-01-002", None, 1, 9, 30, None, "12", "happiness"],
        ["S03", "S03-01-002", None, 31, 36, 33, None, "12", "happiness"],  # one of the wrong rows
    ]
    write_xlsx(here / "MMEW/MMEW_Micro_Exp.xlsx", {"Sheet1": rows})
    run(script("MMEW", "The common part of CASME II and MMEW"))
    first, second = read_catalog(here / "data/mmew").expressions
    assert first == Expression("S03", "S03-01-002", "micro", 0, 8, 29, "positive")
    assert second.apex is None
    assert "row 3: micro-expression: apex outside onset .. offset" in capsys.readouterr().out


def test_smic(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames count from FirstF; text rows and videos without a label follow."""
    below = here / "SMIC/SMIC-E_raw image/HS_long/SMIC-HS-E"
    fill(below / "s01/s1_ne_01", frames("reg_image", 50, 6, first=1001))
    fill(below / "s02/s2_po_01", frames("reg_image", 40, 6, first=77))
    rows: list[list[Cell]] = [
        ["Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion"],
        [1, "s1_ne_01", 1011, 1031, 1001, "Negative"],
        ["Note", "times in frames of the uncut video", None, None, None, None],
    ]
    write_xlsx(here / "SMIC/SMIC-HS-E_annotation.xlsx", {"Sheet1": rows})
    run(script("SMIC-E long"))
    catalog = read_catalog(here / "data/smic_hs")
    assert catalog.expressions == (Expression("s01", "s1_ne_01", "micro", 10, None, 30, "negative"),)
    assert [video.frames for video in catalog.videos] == [50, 40]
    assert capsys.readouterr().out == "1 labels\n"


def test_links_lead_somewhere() -> None:
    titles = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)", PAGE, re.M)}
    links = set(re.findall(r"\]\(#(.*?)\)", PAGE))
    assert len(links) > 5
    assert links <= titles
    docs = Path(__file__).parents[2] / "docs" / "data-formats.md"
    assert docs.is_file()
