"""Confusion, F1 and accuracy over integer labels, with numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def confusion(labels: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Counts int64[C, C]: row = true class, column = predicted class."""
    true, guess = _alike(labels, predicted, classes)
    return np.bincount(true * classes + guess, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def f1_per_class(labels: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.float64]:
    """F1 float64[C] of labels [N] and predicted [N]: 2 tp / (true + predicted), 0 where a class has neither.

    Without the confusion, which of 10,000 classes takes a gigabyte.
    """
    true, guess = _alike(labels, predicted, classes)
    hits = np.bincount(true[true == guess], minlength=classes)
    return f1_from_counts(hits, np.bincount(guess, minlength=classes), np.bincount(true, minlength=classes))


def f1_from_counts(hits: ArrayLike, predicted: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    """F1 of counts float64[..., C]; the three arrays broadcast, so that a batch of candidates is one call."""
    size = np.asarray(predicted) + np.asarray(true)
    return np.asarray(2.0 * np.asarray(hits) / np.maximum(size, 1), dtype=np.float64)


def macro_f1(labels: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Mean over `classes` classes of F1 (labels [N], predicted [N], ints below `classes`).

    A class that is neither present nor predicted counts 0: scikit-learn's `f1_score(labels, predicted,
    average="macro", labels=range(classes), zero_division=0)`.
    """
    return float(f1_per_class(labels, predicted, classes).mean())


def accuracy(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Share of rows predicted right."""
    true, guess = np.asarray(labels), np.asarray(predicted)
    if true.ndim != 1 or true.shape != guess.shape or not len(true):
        raise ValueError(f"labels and predicted must be [N] with N >= 1 and alike, not {true.shape} and {guess.shape}")
    return float((true == guess).mean())


def _alike(labels: ArrayLike, predicted: ArrayLike, classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    true = class_numbers("labels", labels, classes)
    guess = class_numbers("predicted", predicted, classes)
    if true.shape != guess.shape:
        raise ValueError(f"labels and predicted differ in length: {true.shape[0]} and {guess.shape[0]}")
    return true, guess


def class_numbers(name: str, values: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Values int64[N], N >= 1, each in 0..classes-1; raises ValueError, which calls them `name`, where they are not."""
    array = np.asarray(values)
    if classes < 1:
        raise ValueError(f"classes must be at least 1, not {classes}")
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers [N] with N >= 1, not {array.dtype} {array.shape}")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= classes:
        raise ValueError(f"{name} must lie in 0..{classes - 1}, found {low}..{high}")
    return array.astype(np.int64)
