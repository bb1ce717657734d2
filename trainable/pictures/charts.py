"""Charts as SVG inside the page. Readable without colour: series differ in marker, dash or hatch as well."""

import base64
import io
import warnings
from collections.abc import Sequence
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from trainable.pictures.page import text

DARK, BLUE, ORANGE, GREEN, PALE = "#222222", "#0072b2", "#d55e00", "#009e73", "#b0b0b0"
WIDE = 8.6  # inches of a chart over the whole page; others have 5.6
SHOWN_CLASSES = 300  # up to which each class has its place in a picture
COLOURS = (BLUE, ORANGE, GREEN, "#cc79a7", "#8a6d00", DARK)
MARKERS = ("o", "s", "^", "D", "v", "X")
DASHES = ("-", "--", ":", "-.")
HATCHES = ("", "///", "...", "xxx")
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text: small, searchable, and any script that the reader's machine can draw
    "svg.hashsalt": "foldvote",  # the same run gives the same file
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
}


def axes(
    width: float = 5.6, height: float = 3.3, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure of its own (no pyplot, so no global state) and its axes."""
    with mpl.rc_context(STYLE):
        figure = Figure((width, height), layout="constrained")
        return figure, figure.subplots(rows, columns, **options)


def image(figure: Figure, alt: str) -> str:
    """The figure as an <img> that holds its SVG; names inside it cannot meet those of another."""
    file = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has the font
        warnings.filterwarnings("ignore", message=".*[Ff]ont")
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})  # savefig draws everything twice
    # Where the reader has no DejaVu: Verdana is as wide, anything else narrower, so nothing grows into its neighbour.
    svg = file.getvalue().replace(b"'DejaVu Sans'", b"'DejaVu Sans', Verdana, sans-serif")
    return f'<img alt="{text(alt)}" src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}">'


def photo(pixels: np.ndarray, alt: str, *, mark: bool = False) -> str:
    """uint8 [H, W, 3] RGB as an <img> that holds a JPEG; `mark` draws a thick border."""
    good, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
    assert good
    inside = base64.b64encode(data.tobytes()).decode()
    return f'<img{" class=wrong" if mark else ""} alt="{text(alt)}" src="data:image/jpeg;base64,{inside}">'


def matrix(
    ax: Axes,
    values: np.ndarray,
    names: Sequence[str],
    *,
    cells: Sequence[Sequence[str]] | None = None,
    top: float = 1.0,
    letters: float | None = None,
) -> None:
    """Shares float [n, n] as grey cells, with their text where there is room for it; letters: its size in points."""
    ax.imshow(values, cmap="Greys", vmin=0, vmax=top, aspect="auto")
    ax.grid(False)
    ax.set_xticks(range(len(names)), names, rotation=90 if len(names) > 4 else 0)
    ax.set_yticks(range(len(names)), names)
    size = letters or (9 if len(names) <= 4 else 6)
    for i, row in enumerate(cells or []):
        for j, cell in enumerate(row):
            ink = "white" if values[i, j] > 0.55 * top else "black"
            ax.text(j, i, cell, ha="center", va="center", color=ink, fontsize=size)


def twin(ax: Axes, label: str) -> Axes:
    """A second scale on the right, drawn behind `ax`."""
    with mpl.rc_context(STYLE):
        other = ax.twinx()
        other.set_ylabel(label)
    other.grid(False)
    other.spines["right"].set_visible(True)
    ax.set_zorder(other.get_zorder() + 1)
    ax.patch.set_visible(False)
    return other


def beside(ax: Axes, x: float, y: float, words: str, size: float = 8) -> None:
    """Words just right of a bar's end."""
    ax.annotate(words, (x, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=size)


def legend(ax: Axes, *, columns: int = 4) -> None:
    """Above the axes, where it covers nothing."""
    handles, names = ax.get_legend_handles_labels()
    ax.legend(handles, names, frameon=False, fontsize=8, ncols=columns, loc="lower left", bbox_to_anchor=(-0.02, 1.0),
              borderaxespad=0.2, columnspacing=1.2)  # fmt: skip


def short(name: str, most: int = 22) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
