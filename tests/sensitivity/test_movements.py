import itertools

import numpy as np
import pytest

from memodule.sensitivity.movements import GAP, GROUPS, Trial, plan_passes
from memodule.synthetic.action_units import HALVES


@pytest.fixture(scope="module")
def passes():
    free = np.ones(1200, bool)
    free[400:700] = False
    return plan_passes(np.random.default_rng(0), Trial(), 120, free, 30.0), free


def test_as_many_as_wanted_in_several_passes(passes):
    planned, free = passes
    assert sum(map(len, planned)) == 120
    assert len(planned) == 10  # 30 free seconds, one in 2.5 s
    for one in planned:
        intervals = [tried.interval for tried in one]
        assert all(free[onset : offset + 1].all() for onset, _, offset in intervals)
        ends = [(onset, offset) for onset, _, offset in intervals]
        assert all(b[0] - a[1] > GAP * 30 for a, b in itertools.pairwise(ends))


def test_sizes_durations_and_groups_are_spread_evenly(passes):
    tried = [one for each in passes[0] for one in each]
    sizes = np.array([one.movement.pixels for one in tried])
    durations = np.array([one.seconds for one in tried])
    assert 0.5 <= sizes.min() < 0.55
    assert 3.8 < sizes.max() <= 4
    assert np.mean(sizes < np.sqrt(2)) == pytest.approx(0.5, abs=0.02)
    assert (durations.min(), durations.max()) == (pytest.approx(0.2, abs=0.02), pytest.approx(1.2, abs=0.04))
    assert abs(np.corrcoef(np.log(sizes), np.log(durations))[0, 1]) < 0.3
    assert {group: sum(one.group == group for one in tried) for group in GROUPS} == dict.fromkeys(GROUPS, 24)


def test_movements_use_their_group_s_units_and_reach_their_apex(passes):
    for one in (one for each in passes[0] for one in each):
        used = {unit for (unit, _), weight in zip(HALVES, one.movement.weights, strict=True) if weight}
        assert used in [set(units) for units in GROUPS[one.group]]
        assert max(one.movement.weights) == 1
        course = one.movement.course(1200)
        assert (np.flatnonzero(course)[[0, -1]] == (one.movement.onset, one.movement.offset)).all()
        assert course[one.movement.apex] == 1


def test_the_number_of_passes_is_bounded_and_the_seed_decides():
    free = np.ones(120, bool)
    plan = [plan_passes(np.random.default_rng(seed), Trial(passes=7), 120, free, 30.0) for seed in (1, 1, 2)]
    assert [len(one) for one in plan[0]] == [1] * 7
    assert plan[0] == plan[1]
    assert plan[0] != plan[2]


def test_no_stretch_is_long_enough():
    free = np.zeros(300, bool)
    free[::10] = True
    assert plan_passes(np.random.default_rng(0), Trial(), 20, free, 30.0) == []
    assert Trial(movements=100).each(2) == 50
    assert Trial(movements=100).each(50) == 20
    assert Trial(movements=5).each(3) == 5
