"""Colours of outcomes and emotions can be told apart by people who see colours differently."""

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from memodule.colours import DARK, LIGHT, PRINT, css_colours

THEMES = {"light": LIGHT, "dark": DARK, "print": PRINT}
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


def seen(colour: str, sight: str) -> np.ndarray:
    """CIELAB of a colour as a reader with this sight sees it."""
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


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_outcomes_and_emotions_differ(theme, sight):
    assert nearest(THEMES[theme], OUTCOMES, sight) >= 18
    assert nearest(THEMES[theme], EMOTIONS, sight) >= 16


def test_pages_have_all_themes_and_define_every_colour_that_they_use():
    themes = re.findall(r":root \{(.*?)\}", css_colours())
    assert [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", theme)) for theme in themes] == list(THEMES.values())
    sheets = [file.read_text() for file in files("memodule.report").iterdir() if file.name.endswith(".css")]
    used = {name for sheet in sheets for name in re.findall(r"var\(--([a-z-]+)", sheet)}
    assert used - {*LIGHT, "shade", "share", "steps"} == set()
    assert LIGHT.keys() == DARK.keys() == PRINT.keys()
