"""The page of `memodule spot` in a real browser."""

import dataclasses

import numpy as np
import pytest

from memodule.report.spot_page import spot_page
from memodule.spotting import Spotter
from memodule.spotting.pictures import draw_expressions
from memodule.synthetic.frame_files import write_video


@pytest.fixture(scope="module")
def address(face_frames, checkpoint, tmp_path_factory):
    """A page with expressions of every class, pictures, a warning and a part without a face."""
    folder = tmp_path_factory.mktemp("page")
    nothing = [np.full_like(face_frames[0], 90)] * 30
    write_video(folder / "interview.avi", [*face_frames[:60], *nothing], 30)
    video = Spotter.from_checkpoint(checkpoint).spot(folder / "interview.avi")
    assert video.not_analysed
    one = video.expressions[0] if video.expressions else None
    assert one is not None, "the untrained network must find something for the page to show"
    emotions = ("negative", "positive", "surprise", "others")
    spread = tuple(
        dataclasses.replace(
            one,
            onset=f,
            apex=f + 6,
            offset=f + 11,
            onset_s=f / 30,
            apex_s=(f + 6) / 30,
            offset_s=(f + 11) / 30,
            emotion=e,
        )
        for f, e in zip((3, 17, 31, 43), emotions, strict=True)
    )
    video = dataclasses.replace(video, expressions=spread, warnings=("the frame rate changes; a warning to be seen",))
    pictures = draw_expressions(video)
    assert len(pictures) == 4
    (folder / "interview.html").write_text(spot_page(video, pictures), encoding="utf-8")
    return (folder / "interview.html").as_uri()


def test_it_opens_without_errors_and_without_network(page, address):
    page.open(address)
    assert page.problems == []
    assert [url for url in page.requests if not url.startswith("data:")] == [address]


def test_an_expression_of_the_timeline_leads_to_its_card(page, address):
    page.open(address)
    page.run("document.querySelectorAll('svg.row a')[2].dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert page.run("location.hash") == "#me3"
    outline = "getComputedStyle(document.querySelector('{}')).outlineStyle"
    assert page.run(outline.format("#me3")) == "solid"
    assert page.run(outline.format("#me2")) == "none"


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_reaches_over_the_edge_of_the_window(page, address, width):
    assert page.fits(address, width)


def test_words_in_pictures_can_be_read_on_a_phone(page, address):
    page.look(360, 800, mobile=True)
    try:
        page.open(address)
        sizes = page.run(
            "[...document.querySelectorAll('svg text')].filter(e => e.getClientRects().length).map(e => "
            "e.getBoundingClientRect().height)"
        )
        assert len(sizes) > 10
        assert min(sizes) >= 11
    finally:
        page.look()


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_paper_and_dark_screens(page, address, dark):
    page.look(dark=dark)
    try:
        page.open(address)
        assert page.run(CONTRASTS) == []
    finally:
        page.look()


def test_paper_gets_dark_ink_and_no_card_cut_in_two(page, address, tmp_path):
    page.look(dark=True)
    try:
        page.open(address)
        page.pdf(tmp_path / "page.pdf")
        assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
        page.call("Emulation.setEmulatedMedia", media="print")
        assert page.run("getComputedStyle(document.querySelector('.card')).breakInside") == "avoid"
        page.call("Emulation.setEmulatedMedia", media="")
    finally:
        page.look()


CONTRASTS = """(() => {
  const number = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = number(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
  };
  const weak = [];
  const words = "h1, h2, h3, p, td, th, li, b, .badge, caption, figcaption, .row > text, .number";
  for (const e of document.querySelectorAll(words)) {
    const style = getComputedStyle(e), ink = number(e instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(e.textContent + " " + ratio.toFixed(1));
  }
  return weak;
})()"""
