"""HTML pages from the templates next to this module: one file each, with every value escaped."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from memodule.colours import css_colours

MINUS = "\N{MINUS SIGN}"


def render(template: str, **values: Any) -> str:
    """Fill in a file of `templates/`; a missing value is an error. The page's content policy forbids it to load."""
    return _ENVIRONMENT.get_template(template).render(values)


def decimal(value: float, digits: int = 3) -> str:
    """A score or a difference, with a typographic minus sign."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float) -> str:
    """A difference with its sign, plus included."""
    return ("+" if value > 0 else "") + decimal(value)


def p_value(p: float) -> str:
    """A probability as it follows the letter p."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def packaged(name: str) -> Markup:
    """A style sheet or script of this package."""
    return Markup(files("memodule.report").joinpath(name).read_text(encoding="utf-8"))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("memodule.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"decimal": decimal, "signed": signed, "p_value": p_value}
    environment.globals |= {"colours": lambda: Markup(css_colours()), "packaged": packaged}
    environment.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False,
        "allow_nan": False,
        "separators": (",", ":"),
    }
    return environment


_ENVIRONMENT = _environment()
