"""A confusion matrix as pixels."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from trainable.pictures.charts import STYLE, axes, matrix, short


def confusion_picture(counts: np.ndarray, names: Sequence[str], title: str) -> np.ndarray:
    """uint8 [H, W, 3] of counts int64 [C, C]: rows are true classes, cells shares of their row with counts."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    count = len(names)
    figure, ax = axes(*((3.6, 3.2) if count <= 6 else (6.2, 5.8)))
    cells = [[str(n) if n else "" for n in row] for row in counts] if count <= 20 else None
    matrix(ax, shares, [short(n, 26) for n in names] if count <= 40 else [str(i) for i in range(count)], cells=cells)
    ax.tick_params(labelsize=8 if count <= 20 else 4)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.set_title(f"{title}: images, out of fold; {np.trace(counts) / max(counts.sum(), 1):.1%} right", fontsize=9)
    with mpl.rc_context(STYLE):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
