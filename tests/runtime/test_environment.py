"""Temporary environment variables."""

import os

import pytest

from memodule.runtime.environment import environment, unless_set


def test_variables_are_restored_even_after_an_error(monkeypatch):
    monkeypatch.setenv("MEMODULE_TEST_KNOWN", "before")
    monkeypatch.delenv("MEMODULE_TEST_NEW", raising=False)
    seen = {}

    def fail() -> None:
        with environment({"MEMODULE_TEST_KNOWN": "within", "MEMODULE_TEST_NEW": "within"}):
            seen.update(os.environ)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [seen["MEMODULE_TEST_KNOWN"], seen["MEMODULE_TEST_NEW"]] == ["within", "within"]
    assert os.environ["MEMODULE_TEST_KNOWN"] == "before"
    assert "MEMODULE_TEST_NEW" not in os.environ


def test_variables_that_are_set_are_left_alone(monkeypatch):
    monkeypatch.setenv("MEMODULE_TEST_KNOWN", "mine")
    monkeypatch.delenv("MEMODULE_TEST_NEW", raising=False)
    assert unless_set({"MEMODULE_TEST_KNOWN": "yours", "MEMODULE_TEST_NEW": "yours"}) == {"MEMODULE_TEST_NEW": "yours"}
