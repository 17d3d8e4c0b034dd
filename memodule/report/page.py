"""One HTML file that holds a whole report: no network, no framework, nothing beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from memodule.emotions import EMOTIONS
from memodule.errors import UserError
from memodule.report.browser_data import MOST_SAMPLES, browser_data
from memodule.report.html import Child, Html, document, el, json_script, packaged
from memodule.report.overview import banners, comparison, how_to_read
from memodule.report.run_section import run_section
from memodule.report.runs import Run
from memodule.runtime.atomic import write_text

_SCRIPTS: Final = ("page.js", "chart.js", "browser.js")

_SHOW: Final = (
    ("all", "all videos"),
    ("hit", "with a hit (TP)"),
    ("alarm", "with a false alarm (FP)"),
    ("miss", "with a miss (FN)"),
    ("none", "without a micro-expression"),
)
_ZOOM: Final = (
    ("zoom-whole", "whole video", "Show the whole video (Escape)"),
    ("zoom-out", "\N{MINUS SIGN}", "Zoom out (minus key)"),
    ("zoom-in", "+", "Zoom in (plus key)"),
    ("pan-left", "\N{BLACK LEFT-POINTING SMALL TRIANGLE}", "Earlier"),
    ("pan-right", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}", "Later"),
)


def write_report(runs: Sequence[Run], out: Path) -> None:
    """Write the page of one or more runs.

    Args:
        runs: What to show; the first one is what the others are compared with.
        out: The HTML file.

    Raises:
        UserError: If it cannot be written.
    """
    page = report_page(runs)
    try:
        write_text(out, page)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error}); choose another file with --out") from None


def report_page(runs: Sequence[Run], most_samples: int = MOST_SAMPLES) -> Html:
    """The page as text; the same runs give the same text.

    Args:
        runs: At least one.
        most_samples: Samples of score curves to keep; see `browser_data`.

    Returns:
        A whole HTML document.
    """
    labels = [_label(number) for number in range(len(runs))]
    title = " · ".join(run.name for run in runs[:3]) + (" · …" if len(runs) > 3 else "")
    return document(
        f"{title} · memodule report",
        el("a", "Skip to the videos", href="#videos", class_="skip"),
        _patterns(),
        el("header", el("p", "memodule report", class_="brand"), el("h1", title), _contents(runs, labels)),
        el(
            "main",
            banners(runs, labels),
            how_to_read(runs, labels),
            comparison(runs, labels),
            *_runs(runs, labels),
            _browser(),
        ),
        json_script(browser_data(runs, labels, most_samples), id="data"),
        style=packaged("memodule.report", "page.css"),
        scripts=[packaged("memodule.report", name) for name in _SCRIPTS],
    )


def _label(number: int) -> str:
    """Count with letters: A, B … Z, AA, AB and so on.

    >>> [_label(number) for number in (0, 25, 26, 27)]
    ['A', 'Z', 'AA', 'AB']
    """
    text = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        text = chr(ord("A") + letter) + text
        number -= 1
    return text


def _contents(runs: Sequence[Run], labels: Sequence[str]) -> Html:
    links = [el("a", "Comparison" if len(runs) > 1 else "Scores", href="#comparison")]
    if len(runs) == 1:
        links.append(el("a", "Details", href="#run-A"))
    else:
        links += [
            el("a", f"Run {label}", href=f"#run-{label}", title=run.name)
            for run, label in zip(runs, labels, strict=True)
        ]
    return el("nav", *links, el("a", "Videos", href="#videos"), aria_label="Contents")


def _runs(runs: Sequence[Run], labels: Sequence[str]) -> list[Html]:
    sections = []
    for number, (run, label) in enumerate(zip(runs, labels, strict=True)):
        same = [labels[earlier] for earlier in range(number) if runs[earlier].folds is run.folds]
        trained_as = same[0] if same else None
        sections.append(run_section(run, label, alone=len(runs) == 1, shown=number == 0, trained_as=trained_as))
    return sections


def _browser() -> Html:
    """The frame of the browser of videos, which the script fills."""
    choices = [el("option", words, value=value) for value, words in _SHOW]
    controls: list[Child] = [
        el("label", name, el("select", *options, id=f"choose-{name}"), id=f"label-{name}")
        for name, options in (("run", []), ("seed", []), ("subject", []), ("show", choices))
    ]
    return el(
        "section",
        el("h2", "Videos"),
        el(
            "noscript",
            el("p", "Browsing videos needs JavaScript; everything above does without.", class_="banner warning"),
        ),
        el(
            "p",
            "\N{LEFTWARDS ARROW} \N{RIGHTWARDS ARROW} another video, + \N{MINUS SIGN} or a row of the table to zoom, "
            "Escape for the whole video. The address of the page leads to the video that is shown.",
            class_="hint keys",
        ),
        el("div", *controls, el("span", id="count", role="status"), class_="controls"),
        el("div", el("nav", el("ol", id="list"), id="videos-list", aria_label="Videos"), _stage(), class_="browser"),
        id="videos",
    )


def _stage() -> Html:
    zoom = [el("button", sign, type="button", id=name, title=title, aria_label=title) for name, sign, title in _ZOOM]
    return el(
        "div",
        el(
            "div",
            el("button", "←", type="button", id="previous", title="Previous video", aria_label="Previous video"),
            el("h3", id="video-title", aria_live="polite"),
            el("button", "→", type="button", id="next", title="Next video", aria_label="Next video"),
            class_="stage-head",
        ),
        el("p", id="video-summary"),
        el("div", el("div", *zoom, class_="zoom"), el("span", id="cursor"), class_="tools"),
        el("div", id="chart"),
        _legend(),
        el("div", id="intervals", class_="scroll", role="region", tabindex=0, aria_label="Intervals of this video"),
        class_="stage",
    )


def _legend() -> Html:
    entries = [
        ("box hit", "✓ hit"),
        ("box miss", "○ miss"),
        ("box alarm", "✗ false alarm"),
        ("box unscored", "left out (neutral)"),
        ("box macro", "macro-expression"),
    ]
    samples = [
        el(
            "span",
            el("svg", el("rect", x=1, y=1, width=20, height=10, class_=kind), width=22, height=12, aria_hidden="true"),
            words,
        )
        for kind, words in entries
    ]
    letters = [
        el(
            "span",
            el(
                "svg",
                el("rect", x=1, y=0, width=14, height=12, class_=f"e{number}"),
                el("text", name[0].upper(), x=8, y=10, class_="on"),
                width=16,
                height=12,
                aria_hidden="true",
            ),
            name,
        )
        for number, name in enumerate(EMOTIONS)
    ]
    return el("p", *samples, *letters, class_="legend")


def _patterns() -> Html:
    """Hatching, so that kinds of intervals differ by more than colour."""

    def hatch(name: str, turn: int) -> Html:
        line = el("path", d="M0 0V6", class_=f"hatch-{name}")
        size = {"width": 5, "height": 5, "patternUnits": "userSpaceOnUse", "patternTransform": f"rotate({turn})"}
        return el("pattern", line, id=f"hatch-{name}", **size)

    return el("svg", el("defs", hatch("alarm", 45), hatch("macro", -45)), class_="patterns", aria_hidden="true")
