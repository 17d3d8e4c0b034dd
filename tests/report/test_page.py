"""The page in a real browser."""

import dataclasses
import json

import pytest

from memodule.cli import main


@pytest.fixture(scope="module")
def address(small, tmp_path_factory):
    """A report of one study."""
    out = tmp_path_factory.mktemp("page") / "report.html"
    assert main(["report", str(small), "--out", str(out), "--quiet"]) == 0
    return out.as_uri()


def shown(page) -> str:
    return page.run("document.getElementById('video-title').textContent")


def listed(page) -> list[str]:
    return page.run("[...document.querySelectorAll('#list .what')].map(e => e.textContent)")


def choose(page, control: str, value: str) -> None:
    page.run(
        f"(() => {{ const s = document.getElementById('choose-{control}'); s.value = {json.dumps(value)};"
        "s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


def test_it_opens_without_errors_and_without_network(page, address):
    page.open(address)
    assert page.problems == []
    assert page.requests == [address]
    assert len(listed(page)) == 6
    assert page.run("document.querySelectorAll('#chart .curve').length") == 1


def test_arrow_keys_and_buttons_go_from_video_to_video(page, address):
    page.open(address)
    names = []
    for _ in range(6):
        names.append(shown(page))
        page.press("ArrowRight")
    assert names == [f"{s} · {s}_{v}" for s in ("s1", "s2", "s3") for v in (1, 2)]
    assert shown(page) == names[-1]  # the last one stays
    page.press("ArrowLeft")
    assert shown(page) == names[-2]
    page.click("#previous")
    assert shown(page) == names[-3]
    page.click("#next")
    assert shown(page) == names[-2]


def test_filters_by_subject_and_outcome_show_the_videos_that_fit(page, address):
    page.open(address)
    everything = json.loads(page.run("document.getElementById('data').textContent"))["studies"][0]
    choose(page, "subject", "s2")
    assert listed(page) == ["s2_1", "s2_2"]
    choose(page, "subject", "")
    videos = everything["seeds"][0]["videos"]
    with_alarm = [everything["videos"][video][1] for video, _, _, found in videos if any(row[5] == 1 for row in found)]
    choose(page, "show", "alarm")
    assert listed(page) == with_alarm
    choose(page, "show", "none")
    assert listed(page) == ["s1_2", "s2_2", "s3_2"]
    assert page.run("document.getElementById('count').textContent") == "3 of 6 videos"


def test_a_row_of_the_table_zooms_and_escape_shows_all_again(page, address):
    page.open(address)
    axis = "[...document.querySelectorAll('#chart svg > text')].map(e => e.textContent).join(' ')"
    whole = page.run(axis)
    page.click("#intervals tbody tr button")
    assert page.run("document.querySelectorAll('#chart .picked').length") == 1
    assert page.run(axis) != whole
    page.press("Escape")
    assert page.run(axis) == whole
    page.press("+")
    assert page.run(axis) != whole
    page.press("-")
    assert page.run(axis) == whole


def test_keys_do_not_leave_a_choice_that_is_being_made(page, address):
    page.open(address)
    before = shown(page)
    page.run("document.getElementById('choose-show').focus()")
    page.press("ArrowRight")
    assert shown(page) == before


def test_a_subject_of_the_table_shows_its_videos(page, address):
    page.open(address)
    page.click("button[data-subject=s3]")
    assert listed(page) == ["s3_1", "s3_2"]


def test_a_link_leads_to_its_video(page, address):
    page.open(f"{address}#video=A/0/s2/s2_2")
    assert shown(page) == "s2 · s2_2"
    page.press("ArrowRight")
    assert page.run("location.hash") == "#video=A/0/s3/s3_1"


def test_the_table_of_subjects_can_be_sorted(page, address):
    page.open(address)
    column = "[...document.querySelectorAll('.sortable tbody tr')].map(r => Number(r.cells[6].textContent))"
    page.click(".sortable th:nth-child(7) button")
    falling = page.run(column)
    assert falling == sorted(falling, reverse=True)
    page.click(".sortable th:nth-child(7) button")
    assert page.run(column) == falling[::-1] or page.run(column) == sorted(falling)
    assert page.run("document.querySelectorAll('[aria-sort=ascending]').length") == 1


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_reaches_over_the_edge_of_the_window(page, address, width):
    assert page.fits(address, width)


@pytest.fixture(scope="module")
def long_names(small, tmp_path_factory):
    """A report of two studies with the names that experiments and digests give."""
    from memodule.report import ReportedStudy, write_report
    from memodule.studies.study import Study

    study = ReportedStudy.of_study(Study.open(small))
    again = dataclasses.replace(study, name="demo+fixed_window+weight_normalisation-a11a628b")
    out = tmp_path_factory.mktemp("long") / "two.html"
    write_report([study, again], out)
    return out.as_uri()


_STUDIES = """(() => {
  const table = document.querySelector("table.named"), box = table.parentElement.getBoundingClientRect();
  const cells = [...table.tBodies[0].rows].map(row => [...row.cells].slice(0, 2).map(c => c.getBoundingClientRect()));
  return { overlaps: cells.some(([name, strs]) => name.right > strs.left + 0.5),
           seen: cells.every(([name, strs]) => name.left >= box.left - 1 && strs.right <= box.right + 0.5),
           cut: table.scrollWidth > table.parentElement.clientWidth };
})()"""


@pytest.mark.parametrize(("width", "cut"), [(1280, False), (390, True)])
def test_studies_are_compared_without_a_score_that_is_hidden(page, long_names, width, cut):
    """On a phone the table scrolls, but STRS is seen at once, and the name of the study stays."""
    assert page.fits(long_names, width)
    page.look(width, 800, mobile=width < 500)
    try:
        page.open(long_names)
        assert page.run(_STUDIES) == {"overlaps": False, "seen": True, "cut": cut}
        page.run("document.querySelector('table.named').parentElement.scrollLeft = 150")
        left = "['th', 'td'].map(c => document.querySelector(`table.named tbody ${c}`).getBoundingClientRect().left)"
        name, strs = page.run(left)
        assert name >= 0
        assert (strs < 100) == cut
    finally:
        page.look()


_SWEEP_NAMES = """(() => {
  const plot = [...document.querySelectorAll("figure")].find(f => f.textContent.includes("How strict is a hit?"));
  const boxes = (parts) => parts.map(e => e.getBoundingClientRect());
  const texts = [...plot.querySelectorAll("svg text")];
  const names = boxes(texts.filter(e => ["STRS", "spotting F1", "recognition F1"].includes(e.textContent.trim())));
  const stroked = (e) => /stroke: var\\(--(ink|hit|alarm)/.test(e.style.cssText);
  const lines = [...plot.querySelectorAll("path, use")].filter(stroked);
  const frame = plot.querySelector("svg").getBoundingClientRect();
  return { drawn: boxes(lines).filter(b => b.width > 0).map(b => b.right), left: names.map(b => b.left),
           right: names.map(b => b.right), frame: frame.right, tops: names.map(b => b.top).sort((a, b) => a - b),
           height: names[0].height };
})()"""


def test_names_of_the_sweep_follow_its_curves(page, address):
    page.open(address)
    found = page.run(_SWEEP_NAMES)
    assert len(found["left"]) == 3
    assert len(found["drawn"]) >= 3
    assert min(found["left"]) > max(found["drawn"])
    assert max(found["right"]) <= found["frame"]
    gaps = [after - before for before, after in zip(found["tops"], found["tops"][1:], strict=False)]
    assert min(gaps) >= 0.8 * found["height"]


def test_epochs_are_whole_numbers(page, address):
    page.open(address)
    script = """[...document.querySelectorAll("figure")].filter(f => f.textContent.includes("training loss")).map(f => {
      const texts = [...f.querySelectorAll("text")], last = texts.find(e => e.textContent.trim() === "epoch");
      const below = f.querySelector("svg").getBoundingClientRect().bottom - 38 * f.clientWidth / 360;
      return texts.filter(e => e !== last && e.getBoundingClientRect().top > below).map(e => e.textContent.trim());
    })"""
    axes = page.run(script)
    assert len(axes) == 3
    for numbers in axes:
        assert len(numbers) >= 3
        assert [number for number in numbers if not number.isdigit()] == []


_CONTRASTS = """(() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim();
    const part = (i) => parseInt(hex.slice(i, i + 2), 16) / 255;
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5));
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const names = ["--ink", "--soft", "--accent", "--hit", "--alarm", "--miss", "--negative", "--positive", "--others"];
  return Object.fromEntries(names.map((n) => [n, ratio(light(n), light("--paper"))]));
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_paper_and_dark_screens(page, address, dark):
    page.look(dark=dark)
    try:
        page.open(address)
        background = page.run("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
        assert {name: ratio for name, ratio in page.run(_CONTRASTS).items() if ratio < 4.5} == {}
    finally:
        page.look()


def test_outcomes_differ_by_more_than_colour(page, address):
    page.open(address)
    choose(page, "show", "alarm")
    kinds = "[...new Set([...document.querySelectorAll('#chart .sign')].map(e => e.textContent))].sort().join('')"
    assert "✗" in page.run(kinds)
    fill = page.run("getComputedStyle(document.querySelector('#chart .box.alarm')).fill")
    assert "hatch-alarm" in fill


def test_paper_gets_every_study_unfolded(page, small, tmp_path):
    from memodule.report import ReportedStudy, write_report
    from memodule.studies.study import Study

    study = ReportedStudy.of_study(Study.open(small))
    write_report([study, dataclasses.replace(study, name="again")], tmp_path / "two.html")
    page.open((tmp_path / "two.html").as_uri())
    folded = "document.querySelectorAll('details.study:not([open])').length"
    assert page.run(folded) == 1
    page.run("addEventListener('beforeprint', () => { window.foldedOnPaper = " + folded + "; })")
    page.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert page.run("window.foldedOnPaper") == 0
    assert page.run(folded) == 1
