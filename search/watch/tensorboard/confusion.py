"""A confusion matrix as pixels."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from trainable.pictures.charts import STYLE, axes, matrix, short
from trainable.pictures.letters import lettered

NUMBERED, CELLS, NAMED = 6, 20, 40  # classes up to which columns have names, cells counts, rows names
LETTERS = 13  # points; TensorBoard shows the picture at half its size


def confusion_picture(counts: np.ndarray, names: Sequence[str], title: str) -> np.ndarray:
    """uint8 [H, W, 3] of counts int64 [C, C]: rows are true classes, cells shares of their row with counts.

    Of more than a few classes the columns bear the numbers of the rows, which leaves room for letters to be read.
    """
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    count = len(names)
    figure, ax = axes(6.4, 4.6)
    cells = [[str(n) if n else "" for n in row] for row in counts] if count <= CELLS else None
    matrix(ax, shares, [""] * count, cells=cells, letters=LETTERS if count <= NUMBERED else 9)
    few, size = count <= NUMBERED, LETTERS if count <= CELLS else max(4, round(LETTERS * CELLS / count))
    lettering = lettered([title, *names])
    title, *names = lettering.texts
    rows = [short(n, 22) if few else f"{short(n, 22)}  {i}" for i, n in enumerate(names, start=1)]
    ax.set_yticks(range(count), rows if count <= NAMED else [str(i + 1) for i in range(count)], fontsize=size,
                  fontfamily=lettering.families)  # fmt: skip
    ax.set_xticks(
        range(count),
        [short(n, 10) for n in names] if few else [str(i + 1) for i in range(count)],
        rotation=0,
        fontfamily=lettering.families,
    )
    ax.tick_params(axis="x", labelsize=size if few else 0.75 * size)
    ax.set_xlabel("predicted", fontsize=LETTERS)
    ax.set_ylabel("true", fontsize=LETTERS)
    right = np.trace(counts) / max(counts.sum(), 1)
    said = f"{title}: images, out of fold; {right:.1%} right"
    ax.set_title(said, fontsize=LETTERS, loc="center" if few else "right", fontfamily=lettering.families)
    with mpl.rc_context(STYLE):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
