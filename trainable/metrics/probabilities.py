"""Metrics of probabilities float [N, C] and of the order they put the classes in, for labels int[N]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EPSILON = float(np.finfo(np.float64).eps)  # scikit-learn's: nothing is surer than that


def log_likelihood(own: Array) -> NDArray[np.float64]:
    """Logarithm of the probabilities [...] that labels were given: minus the log loss of each row."""
    return np.asarray(np.log(np.clip(np.asarray(own, np.float64), EPSILON, 1 - EPSILON)))


def log_loss_rows(labels: Array, probabilities: Array) -> NDArray[np.float64]:
    """Minus the log loss of each row, float64[N]; scikit-learn's `log_loss` of float64 probabilities."""
    return log_likelihood(probabilities[np.arange(len(labels)), labels])


def brier_rows(labels: Array, probabilities: Array) -> NDArray[np.float64]:
    """Minus the sum over classes of squared differences, float64[N]: `brier_score_loss(scale_by_half=False)`."""
    table = np.asarray(probabilities, np.float64)
    return np.asarray(2 * table[np.arange(len(labels)), labels] - 1 - np.einsum("nc,nc->n", table, table))


def label_ranks(labels: Array, probabilities: Array) -> NDArray[np.int64]:
    """Place int64[N] of the label among the classes of its row, from 1; of equals the lower class comes first.

    So the first class is the one that is predicted. scikit-learn's `top_k_accuracy_score` has equals the other way.
    """
    own = probabilities[np.arange(len(labels)), labels][:, None]
    before = (probabilities == own) & (np.arange(probabilities.shape[1]) < labels[:, None])
    return np.asarray(1 + (probabilities > own).sum(axis=1) + before.sum(axis=1))


def top_k_rows(labels: Array, probabilities: Array, k: int) -> NDArray[np.float64]:
    """1 where the label is among the first k classes, else 0: float64[N]."""
    return (label_ranks(labels, probabilities) <= k).astype(np.float64)


def map_at_k_rows(labels: Array, probabilities: Array, k: int) -> NDArray[np.float64]:
    """1 / place of the label, 0 beyond the k-th: float64[N]."""
    rank = label_ranks(labels, probabilities)
    return np.where(rank <= k, 1 / rank, 0.0)


def roc_auc(labels: Array, probabilities: Array, c: int | None = None) -> float:
    """Area under the ROC curve of class c against the rest, or the mean over the classes that have rows.

    Of two classes the mean is the second's. A class that all rows have, or none, has no curve; 0.5, which is chance,
    where that leaves none: scikit-learn warns and answers NaN there, and no trial of a fold could go on.
    """
    areas = []
    for k in _asked(labels, probabilities, c):
        own, values = labels == k, probabilities[:, k]
        others = np.sort(values[~own])
        if own.any() and len(others):
            below, upto = (np.searchsorted(others, values[own], side) for side in ("left", "right"))
            areas.append(float((below + upto).sum() / (2 * len(others) * own.sum())))
    return float(np.mean(areas)) if areas else 0.5


def average_precision(labels: Array, probabilities: Array, c: int | None = None) -> float:
    """Area under the precision-recall curve in steps, mean over all classes; 0 for a class without rows, as there.

    Of two classes the second's; c: of that class alone.
    """
    found = []
    for k in range(probabilities.shape[1]) if c is None and probabilities.shape[1] != 2 else [1 if c is None else c]:
        order = np.argsort(-probabilities[:, k], kind="stable")
        values, hits = probabilities[order, k], (labels[order] == k).cumsum()
        ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))  # rows of one value come together
        steps = np.diff(hits[ends], prepend=0)
        found.append(float((steps * hits[ends] / (ends + 1)).sum() / max(hits[-1], 1)))
    return float(np.mean(found))


def _asked(labels: Array, probabilities: Array, c: int | None) -> list[int]:
    if c is not None:
        return [c]
    return [1] if probabilities.shape[1] == 2 else np.unique(labels).tolist()
