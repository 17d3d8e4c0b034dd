import numpy as np
import pytest

from memodule.sensitivity.summary import sentence

SIZES = np.geomspace(0.5, 4, 100)
SECONDS = np.linspace(0.2, 1.2, 100)
ONE = np.zeros(100, int)


def said(found, alarms=1.1, chance=0.0):
    return sentence(SIZES, SECONDS, np.asarray(found), ONE, alarms, chance)


def test_the_smallest_size_above_which_most_are_found():
    text = said(SIZES > 1.6)
    assert "above 1.1 px" in text  # 70 % of those above are larger than 1.6 px
    assert "in 71%" in text
    assert "1.1 alarms a minute" in text
    assert "0.2 to 1.2 s" in text
    assert "smaller ones, 0%" in text


def test_everything_and_nothing():
    assert said(np.ones(100, bool)).startswith("Movements of 0.5 px and more")
    nothing = said(np.zeros(100, bool))
    assert "Even movements of 2.4 to 4.0 px" in nothing
    assert "0% (0% to 13%)" in nothing


@pytest.mark.parametrize(("chance", "named"), [(0.0, False), (0.02, False), (0.25, True)])
def test_chance_is_named_where_it_matters(chance, named):
    assert (f"({chance:.0%} by chance)" in said(SIZES > 1.6, chance=chance)) == named


def test_what_chance_finds_is_no_success():
    half = np.arange(100) % 2 == 0
    assert said(half).startswith("Movements of 0.5 px and more")
    assert said(half, chance=0.4).startswith("Even movements")
