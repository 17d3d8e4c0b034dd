"""Building HTML and inline SVG in which nothing is left unescaped by accident."""

import html
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

_VOID: Final = frozenset({"br", "hr", "input", "link", "meta"})
"""Elements without an end tag."""


class Html(str):
    """Text that is HTML already; any other text is escaped when it becomes part of a page."""

    __slots__ = ()


Child = Html | str | int | None
"""What an element may contain: HTML, plain text or a whole number; None leaves nothing."""


def el(name: str, /, *children: Child, **attributes: object) -> Html:
    """An element with its attributes and children.

    Args:
        name: Tag.
        *children: Contents.
        **attributes: `class_` and the like lose the last underscore, others become hyphens. None and False leave the
            attribute out, True writes its bare name.

    >>> el("a", "x < y", href="?a&b", data_run=1, hidden=False)
    '<a href="?a&amp;b" data-run="1">x &lt; y</a>'
    """
    words = [name]
    for key, value in attributes.items():
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(attribute)
        elif value is not None and value is not False:
            words.append(f'{attribute}="{html.escape(str(value))}"')
    start = f"<{' '.join(words)}>"
    return Html(start if name in _VOID else f"{start}{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """Contents one after the other.

    >>> join("a & b", el("br"), 3)
    'a &amp; b<br>3'
    """
    parts = (child if isinstance(child, Html) else html.escape(str(child)) for child in children if child is not None)
    return Html("".join(parts))


def json_script(value: Any, **attributes: object) -> Html:
    """Plain values for a script of the page to read; no text in them can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return el("script", Html(text.replace("<", "\\u003c")), type="application/json", **attributes)


def document(title: str, *contents: Child, style: str, scripts: Sequence[str] = ()) -> Html:
    """A whole page that needs nothing beside it: its policy lets it load nothing from anywhere.

    Args:
        title: What the browser's tab says.
        *contents: Of the body.
        style: Style sheet.
        scripts: Programs that run once the contents are read; a page without them may run none.
    """
    allowed = " script-src 'unsafe-inline';" if scripts else ""
    policy = f"default-src 'none'; style-src 'unsafe-inline';{allowed} img-src data:"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("link", rel="icon", href="data:,"),
        el("title", title),
        el("style", Html(style)),
    )
    body = el("body", *contents, *(el("script", Html(script)) for script in scripts))
    return join(Html("<!doctype html>\n"), el("html", head, body, lang="en"), "\n")


def packaged(package: str, name: str) -> str:
    """A style sheet or script that lies beside the modules of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
