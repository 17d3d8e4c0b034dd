"""Colours of outcomes and emotions can be told apart by people who see colours differently."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

import memodule

PACKAGE = Path(memodule.__file__).parent
SHEETS = {name: PACKAGE / name / "page.css" for name in ("report", "spotting")}
OUTCOMES = ("hit", "alarm", "miss")
EMOTIONS = ("negative", "positive", "surprise", "others")
SIGHT = {  # Machado, Oliveira and Fernandes 2009, severity 1: what is seen of linear red, green and blue
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def themes(sheet: str) -> list[dict[str, str]]:
    """The colours of each theme of a style sheet: light, dark, and paper if that has its own."""
    roots = re.findall(r":root \{(.*?)\}", SHEETS[sheet].read_text(encoding="utf-8"), flags=re.DOTALL)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", root)) for root in roots]


def seen(colour: str, sight: str) -> np.ndarray:
    """CIELAB of a colour as somebody sees it."""
    values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    linear = np.clip(SIGHT[sight] @ linear, 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(shown.reshape(1, 1, 3)).reshape(3)


def nearest(colours: dict[str, str], names: tuple[str, ...], sight: str) -> float:
    """Smallest CIEDE2000 between two of them; 2 can just be seen side by side, 10 at a glance."""
    points = [seen(colours[name], sight) for name in names]
    return min(float(deltaE_ciede2000(a, b)) for a, b in itertools.combinations(points, 2))


def test_the_simulation_confuses_what_people_confuse():
    red_and_green = {"a": "#c05050", "b": "#808020"}
    assert nearest(red_and_green, ("a", "b"), "usual") > 35
    assert nearest(red_and_green, ("a", "b"), "deuteranopia") < 20
    green_and_blue = {"a": "#009a8a", "b": "#0090b8"}
    assert nearest(green_and_blue, ("a", "b"), "usual") > 20
    assert nearest(green_and_blue, ("a", "b"), "tritanopia") < 6


@pytest.mark.parametrize("sight", SIGHT)
def test_outcomes_of_the_report(sight):
    assert len(themes("report")) == 3
    assert [c for c in themes("report") if nearest(c, OUTCOMES, sight) < 18] == []


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("sheet", SHEETS)
def test_emotions(sheet, sight):
    assert len(themes(sheet)) >= 2
    assert [c for c in themes(sheet) if nearest(c, EMOTIONS, sight) < 16] == []


def test_both_pages_show_an_emotion_in_the_same_colour():
    light, dark = ([theme[name] for name in EMOTIONS] for theme in themes("report")[:2])
    assert [[theme[name] for name in EMOTIONS] for theme in themes("spotting")[:2]] == [light, dark]
