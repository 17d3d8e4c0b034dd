"""The colours of all pages and figures: on light screens, on dark ones, and on paper.

The colours of outcomes (hit, alarm, miss) and those of emotions are legible as text and can be told apart with
protanopia and deuteranopia (tests/report/test_colours.py). Outcomes also differ by sign, hatching and outline, emotions
by letter.
"""

from typing import Final

LIGHT: Final = {
    "paper": "#ffffff",
    "panel": "#f5f6f8",
    "ink": "#1b1f24",
    "soft": "#545d68",
    "line": "#d4d9df",
    "faint": "#e9ecf0",
    "accent": "#00568a",
    "hit": "#0b5cd6",
    "alarm": "#c03a00",
    "miss": "#6a1440",
    "macro": "#66707b",
    "third": "#00705a",
    "note": "#fff4d6",
    "note-line": "#9a6b00",
    "alert": "#fde7de",
    "negative": "#bc3a00",
    "positive": "#00785c",
    "surprise": "#6f1d5a",
    "others": "#6c5aec",
    "neutral": "#66707b",
}
"""By the names of the style sheets; matplotlib figures use these."""

DARK: Final = {
    "paper": "#14171b",
    "panel": "#1d2126",
    "ink": "#e7eaee",
    "soft": "#a9b2bd",
    "line": "#3a424b",
    "faint": "#272d34",
    "accent": "#7cc4f2",
    "hit": "#6cc8fa",
    "alarm": "#ffb354",
    "miss": "#e74d8e",
    "macro": "#97a1ac",
    "third": "#4cc9a8",
    "note": "#332a10",
    "note-line": "#e0b04a",
    "alert": "#3a2118",
    "negative": "#ffb55c",
    "positive": "#86fdc7",
    "surprise": "#f25aa0",
    "others": "#71acf2",
    "neutral": "#97a1ac",
}

PRINT: Final = LIGHT | {"ink": "#000000", "soft": "#444c55", "line": "#c4cad1", "faint": "#e2e6ea"}


def css_colours() -> str:
    """The three themes as custom properties of CSS, `--hit` and so on, for the top of a style sheet."""
    return (
        f":root {{ color-scheme: light dark; {_properties(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_properties(DARK)} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {_properties(PRINT)} }} }}\n"
    )


def _properties(theme: dict[str, str]) -> str:
    shade = " ".join(str(int(theme["hit"][i : i + 2], 16)) for i in (1, 3, 5))  # for rgb(var(--shade) / opacity)
    return " ".join(f"--{name}: {colour};" for name, colour in theme.items()) + f" --shade: {shade};"
