"""Building HTML and inline SVG in which nothing is left unescaped by accident."""

import html
import json
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
