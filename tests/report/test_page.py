"""The page in a real browser."""

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
    everything = json.loads(page.run("document.getElementById('data').textContent"))["runs"][0]
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
