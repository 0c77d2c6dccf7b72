"""HTML from templates: numbers and names are written the same way in every section."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup

from mentum.reporting import numbers
from mentum.taxonomy import name_spans
from mentum.texts import code_in_markdown, in_markdown, printable

if TYPE_CHECKING:
    from jinja2 import Environment
_FILTERS: tuple[Callable[..., str], ...] = (
    numbers.percent, numbers.bounds, numbers.rate, numbers.number_of, numbers.points, numbers.p_value, numbers.decimals,
    numbers.in_percent, numbers.percent_bounds, numbers.tiny, in_markdown, code_in_markdown,
)  # fmt: skip


def render_file(name: str, **content: object) -> Markup:
    """HTML from a file in the folder `templates`, in which text in the content is never taken for HTML; or Markdown."""
    return Markup(_environment().get_template(name).render(content))  # noqa: S704 - a template of ours escapes


def render_text(template: str, **content: object) -> Markup:
    """HTML from the text of a template; text in the content is never taken for HTML."""
    return Markup(_environment().from_string(template).render(content))  # noqa: S704 - likewise


def _visible(content: object) -> object:
    """Spell out invisible characters of texts; what is HTML already was made of such texts."""
    return printable(content, keep="\n\t") if type(content) is str else content


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    templates = resources.files("mentum.reporting.report") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (templates / name).read_text(encoding="utf-8")),
        autoescape=lambda name: not (name or "").endswith(".md.jinja"),  # noqa: S701 - Markdown is no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {each.__name__: each for each in _FILTERS}
    environment.globals["name_spans"] = name_spans
    return environment
