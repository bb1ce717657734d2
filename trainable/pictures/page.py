"""The page: sections of charts and tables as one HTML file that asks nothing of any network."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

STYLE = """
:root { color-scheme: light; --ink: #1a1a1a; --soft: #555; --line: #d0d0d0; --paper: #fff; --shade: #f5f5f3; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 80rem; color: var(--ink); background: var(--paper);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem;
     border-bottom: 2px solid var(--ink); padding-bottom: .2rem; } h3 { font-size: 1rem; margin: 0 0 .4rem; }
p { margin: .3rem 0; max-width: 75ch; } .soft, .read { color: var(--soft); } .read { font-size: .87rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem .9rem; margin: .8rem 0; font-size: .9rem; } nav a { color: #0b4f8a; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .7rem; margin: 1rem 0; }
.tile { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; background: var(--shade); }
.tile b { display: block; font-size: 1.3rem; line-height: 1.3; font-variant-numeric: tabular-nums;
          white-space: nowrap; }
.tile span { font-size: .85rem; color: var(--soft); }
.parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem; }
.part { border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; margin: 0; min-width: 0;
        break-inside: avoid; }
.part.wide { grid-column: 1 / -1; } .part > img { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .87rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } th { vertical-align: bottom; }
.photos { display: flex; flex-wrap: wrap; gap: .5rem; } .photos figure { margin: 0; width: 7.2rem; }
.photos img { width: 100%; display: block; } .photos figcaption { font-size: .74rem; line-height: 1.25;
       overflow-wrap: anywhere; }
.wrong { outline: 3px solid #000; outline-offset: -3px; }
pre { background: var(--shade); border: 1px solid var(--line); padding: .7rem; overflow-x: auto; font-size: .8rem;
      margin: .4rem 0; } details { margin: .4rem 0; } summary { cursor: pointer; } button { font: inherit; }
/* On paper one part below another: browsers cut grids at page ends, and charts of half a page are too small to read. */
@page { margin: 12mm; }
@media print { html { font-size: 11.5px; } body { padding: 0; max-width: none; font-size: 1rem; }
       nav, button { display: none; } h2, h3 { break-after: avoid; } .read { max-width: none; }
       .tiles { grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); } .parts { display: block; }
       .tile, .photos figure { break-inside: avoid; } .part { margin: 0 0 .8rem; }
       .part > img { max-height: 220mm; object-fit: contain; }
       .part:not(.wide)::after { content: ""; display: block; clear: both; }
       .part:not(.wide) > img { float: left; width: 60%; margin-right: 1.5rem; }
       .scroll { overflow: visible; } .photos figure { width: calc((100% - 7 * .5rem) / 8); }
       pre { white-space: pre-wrap; overflow: visible; } details pre { columns: 3; font-size: 7.5px; } }
"""
SCRIPT = """
document.querySelectorAll("button[data-copy]").forEach(function (button) {
  button.addEventListener("click", function () {
    var text = document.getElementById(button.dataset.copy), range = document.createRange();
    range.selectNodeContents(text);
    var chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(range);
    button.textContent = document.execCommand("copy") ? "copied" : "press Ctrl-C";
  });
});
window.addEventListener("beforeprint", function () {
  document.querySelectorAll("details").forEach(function (d) { d.open = true; });
});
"""


@dataclass(frozen=True)
class Part:
    """A chart or a table. `title` says what it shows, `read` how to read it; `body` is HTML."""

    title: str
    body: str
    read: str
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """`missing`: why there is nothing to show, with what would change that."""

    name: str
    title: str
    parts: Sequence[Part] = field(default_factory=list)
    missing: str = ""


def page(title: str, lead: str, tiles: Iterable[tuple[str, str]], sections: Sequence[Section]) -> str:
    links = "".join(f'<a href="#{s.name}">{text(s.title)}</a>' for s in sections)
    shown = "".join(f'<div class="tile"><b>{text(value)}</b><span>{text(name)}</span></div>' for name, value in tiles)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{text(title)}</h1>{lead}<nav>{links}</nav><div class='tiles'>{shown}</div>\n"
        + "\n".join(_section(s) for s in sections)
        + f"\n<script>{SCRIPT}</script></body></html>\n"
    )


def text(value: Any) -> str:
    return html.escape(str(value))


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Cells are text; numbers come formatted. Wide tables scroll by themselves, not the page."""
    head = "".join(f"<th>{text(c)}</th>" for c in header)
    body = "".join("<tr>" + "".join(f"<td>{text(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _section(section: Section) -> str:
    body = f"<p class='soft'>{text(section.missing)}</p>" if section.missing else ""
    parts = "".join(
        f'<div class="part{" wide" if p.wide else ""}"><h3>{text(p.title)}</h3>{p.body}'
        f'<p class="read">{text(p.read)}</p></div>'
        for p in section.parts
    )
    return (
        f'<section id="{section.name}"><h2>{text(section.title)}</h2>{body}<div class="parts">{parts}</div></section>'
    )
