"""The page: sections of charts and tables as one HTML file that asks nothing of any network."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Part:
    """A chart or a table. `title` says what it shows, `read` how to read it; `body` is HTML."""

    title: str
    body: str
    read: str
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """Parts under one title; `missing` says why there is nothing to show, with what would change that."""

    name: str
    title: str
    parts: Sequence[Part] = field(default_factory=list)
    missing: str = ""


def page(title: str, lead: str, tiles: Iterable[tuple[str, str]], sections: Sequence[Section]) -> str:
    """The page's HTML. lead: HTML below the title. tiles: (name, value) of numbers that are shown large."""
    template = TEMPLATES.get_template("page.html")
    return template.render(title=title, lead=lead, tiles=tiles, sections=sections)


def text(value: Any) -> str:
    """A value as HTML that shows it."""
    return html.escape(str(value))


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """HTML of a table whose cells are text; numbers come formatted. Wide tables scroll by themselves, not the page."""
    return TEMPLATES.get_template("table.html").render(header=header, rows=rows).rstrip()
