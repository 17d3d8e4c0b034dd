from memodule.report.html import document, el


def test_a_page_may_load_nothing_and_runs_only_what_it_was_given():
    still = document("a & b", el("p", "1 < 2"), style="p { margin: 0 }")
    assert "<title>a &amp; b</title>" in still
    assert "<body><p>1 &lt; 2</p></body>" in still
    assert "default-src 'none'" in still.replace("&#x27;", "'")
    assert "script" not in still
    moving = document("a", el("p"), style="", scripts=["let x = 1 < 2;"])
    assert "script-src 'unsafe-inline'" in moving.replace("&#x27;", "'")
    assert "<p></p><script>let x = 1 < 2;</script></body>" in moving
