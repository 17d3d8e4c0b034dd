"""Pages escape what they are given, and load nothing."""

import json
import re

import pytest
from jinja2 import UndefinedError

from memodule.report.rendering import _ENVIRONMENT, decimal, p_value, render, signed

PAGE = """{% extends "page.html" %}{% set sheets = [] %}{% set scripts = SCRIPTS %}
{% block title %}{{ title }}{% endblock %}
{% block body %}<p>{{ text }}</p><script type="application/json" id="data">{{ data | tojson }}</script>{% endblock %}"""


def page(scripts: str = "[]", **values) -> str:
    return _ENVIRONMENT.from_string(PAGE.replace("SCRIPTS", scripts)).render(values)


def test_text_is_escaped():
    text = page(title="a & b", text='<b a="x">', data=None)
    assert "<title>a &amp; b</title>" in text
    assert "<p>&lt;b a=&#34;x&#34;&gt;</p>" in text


@pytest.mark.parametrize("evil", ["</script><script>x()", "<!--<script>", 'it\'s "quoted" & \\ü\u2028'])
def test_json_cannot_end_its_script(evil):
    text = page(title="", text="", data={"subject": evil})
    (inside,) = re.findall(r'id="data">(.*?)</script>', text, flags=re.DOTALL)
    assert json.loads(inside) == {"subject": evil}
    assert re.search("[<>&]", inside) is None


def test_a_page_may_load_nothing_and_runs_only_its_own_scripts():
    still = page(title="", text="", data=None)
    assert "default-src 'none'" in still
    assert "script-src" not in still
    moving = page('["page.js"]', title="", text="", data=None)
    assert "script-src 'unsafe-inline'" in moving
    assert 'querySelectorAll("table.sortable")' in moving


def test_a_missing_value_is_an_error():
    with pytest.raises(UndefinedError):
        page(title="", data=None)
    with pytest.raises(UndefinedError):
        render("report.html")


def test_numbers_have_a_typographic_minus():
    assert decimal(-0.25) == "\N{MINUS SIGN}0.250"
    assert (signed(0.25), signed(-0.25), signed(0)) == ("+0.250", "\N{MINUS SIGN}0.250", "0.000")
    assert (p_value(0.0004), p_value(0.05)) == ("< 0.001", "= 0.050")
