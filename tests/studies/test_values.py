import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memodule.errors import UserError
from memodule.studies.values import Parameter, combinations, read_parameter, value_key

numbers = st.integers(-50, 50) | st.floats(-50, 50).map(lambda x: round(x, 3))
values = st.lists(numbers | st.booleans() | st.sampled_from("abc"), min_size=1, max_size=4, unique_by=value_key)


@given(st.lists(values, min_size=1, max_size=4))
def test_without_conditions_every_combination_stands_there_once(lists):
    parameters = [Parameter(f"p{i}", tuple(own)) for i, own in enumerate(lists)]
    found = combinations(parameters, "grid")
    assert len(found) == math.prod(len(own) for own in lists)
    assert len({value_key(combination) for combination in found}) == len(found)
    for i, own in enumerate(lists):
        assert {value_key(c[f"p{i}"]) for c in found} == {value_key(value) for value in own}


@given(values, values, values, st.data())
def test_a_conditional_parameter_is_there_exactly_where_its_condition_holds(first, second, third, data):
    allowed = tuple(data.draw(st.lists(st.sampled_from(first), min_size=1, unique_by=value_key)))
    conditional = Parameter("b", tuple(second), {"a": allowed})
    nested = Parameter("c", tuple(third), {"b": (second[0],)})
    found = combinations([nested, conditional, Parameter("a", tuple(first))], "grid")  # in any order
    holds = {value_key(value) for value in allowed}
    assert all(("b" in c) == (value_key(c["a"]) in holds) for c in found)
    assert all(("c" in c) == ("b" in c and value_key(c["b"]) == value_key(second[0])) for c in found)
    free = len(first) - len(allowed)
    assert len(found) == free + len(allowed) * (len(second) - 1 + len(third))


@given(numbers, numbers, st.integers(2, 40))
def test_a_counted_range_holds_both_ends_at_equal_distances(start, end, steps):
    if start == end or abs(end - start) < 0.01:
        return
    found = read_parameter("p", {"from": start, "to": end, "steps": steps}, "grid").values
    assert len(found) == steps
    assert found[0] == pytest.approx(start)
    assert found[-1] == pytest.approx(end)
    assert all(b - a == pytest.approx((end - start) / (steps - 1), abs=1e-6) for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"from": 3, "to": 12, "step": 3}, (3, 6, 9, 12)),
        ({"from": 3, "to": 11, "step": 3}, (3, 6, 9)),
        ({"from": 0.3, "to": 0.9, "step": 0.1}, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
        ({"from": 5, "to": 1, "step": -2}, (5, 3, 1)),
        ({"from": 1, "to": 1000, "steps": 4, "log": True}, (1.0, 10.0, 100.0, 1000.0)),
        ({"from": 1, "to": 9, "step": 2, "log": True}, (1.0, 2.0, 4.0, 8.0)),
        ({"from": 1, "to": 2, "steps": 3}, (1.0, 1.5, 2.0)),
        ([[100, 300], [200, 400]], ([100, 300], [200, 400])),
        (0.5, (0.5,)),
        (None, (None,)),
        ({"choice": [1, 2]}, (1, 2)),
        ({"values": {"from": 1, "to": 3, "step": 1}}, (1, 2, 3)),
        ({"from": 1, "to": 3, "step": 1, "when": {"a": True}}, (1, 2, 3)),
        ({"class_path": "Rule"}, ({"class_path": "Rule"},)),
    ],
)
def test_values_are_read_as_a_person_means_them(written, expected):
    found = read_parameter("p", written, "grid").values
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ([], "empty"),
        ([0.5, 0.5], "twice"),
        ([1, 1.0], "twice"),
        ({"from": 1, "to": 1, "steps": 3}, "range is empty"),
        ({"from": 1, "to": 5, "step": -1}, "range is empty"),
        ({"from": 1, "to": 5, "step": 0}, "range is empty"),
        ({"from": 1, "to": 2, "step": 5}, "range is empty"),
        ({"from": 1, "to": 8, "step": 0.5, "log": True}, "range is empty"),
        ({"from": 0, "to": 8, "steps": 4, "log": True}, "above 0"),
        ({"from": 1, "to": 8, "steps": 1}, "from 2"),
        ({"from": 1, "to": 8}, "{from, to, steps}"),
        ({"from": 1, "to": 8, "step": 1, "steps": 3}, "{from, to, steps}"),
        ({"from": 1, "to": 8, "setps": 3}, "setps is unknown"),
        ({"from": "1e-3", "to": 8, "steps": 3}, "1e-3"),
        ({"values": [1, 2], "when": {}}, "when"),
        ({"values": [1, 2], "uniform": [1, 2]}, "loguniform"),
        ({"int": [1, 2.5]}, "whole"),
        ({"uniform": [1, True]}, "True"),
        ({"uniform": [2, 1]}, "lower end"),
        ({"loguniform": [0, 1]}, "above 0"),
        ({"uniform": [1]}, "[low, high]"),
        ({"values": [1, 2], "when": {"a": []}}, "when.a: the list is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(written, told):
    with pytest.raises(UserError) as refused:
        read_parameter("p", written, "grid.yaml: variants.x.parameters.p")
    assert str(refused.value).startswith("grid.yaml: variants.x.parameters.p")
    assert told in str(refused.value)


@pytest.mark.parametrize("kind", ["uniform", "loguniform", "int"])
def test_a_drawn_range_keeps_both_ends_and_its_condition(kind):
    found = read_parameter("p", {kind: [1, 3], "when": {"a": [1, 2]}}, "space")
    assert (found.drawn, found.values, found.when) == (kind, (1, 3), {"a": (1, 2)})


def test_true_and_one_are_two_values():
    assert len(read_parameter("p", [True, 1], "grid").values) == 2


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ([Parameter("a", (1,), {"b": (1,)})], "no parameter b"),
        ([Parameter("a", (1,), {"b": (1,)}), Parameter("b", (1,), {"a": (1,)})], "circular"),
        ([Parameter("a", (1, 2)), Parameter("b", (1,), {"a": (3,)})], "never holds"),
    ],
)
def test_conditions_that_cannot_hold_are_refused(parameters, told):
    with pytest.raises(UserError, match=told):
        combinations(parameters, "grid")


@pytest.mark.parametrize(
    "written",
    [
        {"from": 0, "to": 1.0e12, "step": 0.001},
        {"from": 0, "to": 1.0e300, "step": 1.0e-300},
        {"from": 1, "to": 1.0e12, "step": 1.0000001, "log": True},
        {"from": 0, "to": 1, "steps": 10**12},
    ],
)
def test_a_range_too_long_for_memory_is_refused(written):
    with pytest.raises(UserError, match=r"^grid.yaml: p: .*100000"):
        read_parameter("p", written, "grid.yaml: p")


def test_a_range_of_the_most_numbers_is_read():
    assert len(read_parameter("p", {"from": 1, "to": 100_000, "step": 1}, "grid.yaml: p").values) == 100_000
