"""Metrics of predicted classes, as formulas of three counts a class, so that a batch of candidates is one call.

A formula takes three arrays that broadcast, float or int [..., C]: `credit`, what rows predicted as the class add up
to, `predicted` and `true`, how many rows it is predicted for and how many it has. What a row adds is
`credit_of(label, predicted, power)`: with power 0, 1 where it is right; with 1 or 2, how far beside it is, as the two
kappas weigh it (numbers of classes are then places in an order). Greedy selection, the bootstrap and thresholds
update these counts and never predict anew.

Equal to scikit-learn's functions of the same names, with `labels=range(C)` and `zero_division=0`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainable.metrics.confusion import f1_from_counts

Array = NDArray[Any]
Formula = Callable[[Array, Array, Array], Array]


@dataclass(frozen=True)
class Counts:
    """A metric of counts. formula: (credit, predicted, true) [..., C] -> float64[...]. power: see `credit_of`."""

    formula: Formula
    power: int = 0

    def score(self, labels: Array, predicted: Array, classes: int) -> float:
        """Of predictions int[N] for labels int[N], both below `classes`."""
        credit = np.bincount(predicted, credit_of(labels, predicted, self.power), classes)
        guesses, true = (np.bincount(numbers, minlength=classes) for numbers in (predicted, labels))
        return float(self.formula(credit, guesses, true))


def credit_of(labels: Array, predicted: Array | int, power: int) -> Array:
    """What rows add to the credit of the class that they are predicted as, int64[N]; the arrays broadcast."""
    if power == 0:
        return np.asarray(labels == predicted, np.int64)
    return np.abs(np.asarray(labels, np.int64) - predicted) ** power


def macro_f1_of(credit: Array, predicted: Array, true: Array) -> Array:
    """Plain mean of the classes' F1."""
    return np.asarray(f1_from_counts(credit, predicted, true).mean(axis=-1))


def weighted_f1_of(credit: Array, predicted: Array, true: Array) -> Array:
    """Mean of the classes' F1, weighted by their rows."""
    return np.asarray((f1_from_counts(credit, predicted, true) * true).sum(axis=-1) / true.sum(axis=-1))


def accuracy_of(credit: Array, predicted: Array, true: Array) -> Array:
    """Share of rows that are right; for one label a row micro-F1 is the same."""
    return np.asarray(credit.sum(axis=-1) / true.sum(axis=-1))


def balanced_accuracy_of(credit: Array, predicted: Array, true: Array) -> Array:
    """Mean recall of the classes that have rows."""
    return np.asarray((credit / np.maximum(true, 1)).sum(axis=-1) / (true > 0).sum(axis=-1))


def f1_of_class(c: int) -> Formula:
    """F1 of class number c alone."""

    def formula(credit: Array, predicted: Array, true: Array) -> Array:
        return f1_from_counts(credit[..., c], predicted[..., c], true[..., c])

    return formula


def mcc_of(credit: Array, predicted: Array, true: Array) -> Array:
    """Matthews correlation of several classes (Gorodkin 2004); 0 where all rows have, or are given, one class."""
    guesses, own = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    rows = own.sum(axis=-1)
    together = credit.sum(axis=-1) * rows - (own * guesses).sum(axis=-1)
    spread = np.sqrt(rows**2 - (guesses**2).sum(axis=-1)) * np.sqrt(rows**2 - (own**2).sum(axis=-1))
    return np.asarray(np.where(spread > 0, together / np.where(spread > 0, spread, 1.0), 0.0))


def quadratic_kappa_of(credit: Array, predicted: Array, true: Array) -> Array:
    """Cohen's kappa with squared distances; 1 where chance could not be wrong, all rows having and given one class."""
    place = np.arange(credit.shape[-1], dtype=np.float64)
    rows = true.sum(axis=-1)
    squares = (true * place**2).sum(axis=-1) + (predicted * place**2).sum(axis=-1)
    return _kappa(credit, rows, rows * squares - 2 * (true * place).sum(axis=-1) * (predicted * place).sum(axis=-1))


def linear_kappa_of(credit: Array, predicted: Array, true: Array) -> Array:
    """Cohen's kappa with distances; see `quadratic_kappa_of`.

    |i - j| is how many borders between neighbours lie between i and j: chance is summed border by border.
    """
    rows = true.sum(axis=-1)[..., None]
    below, guessed = np.cumsum(true, axis=-1, dtype=np.float64), np.cumsum(predicted, axis=-1, dtype=np.float64)
    by_chance = (below * (rows - guessed) + (rows - below) * guessed)[..., :-1].sum(axis=-1)
    return _kappa(credit, rows[..., 0], by_chance)


def _kappa(credit: Array, rows: Array, by_chance: Array) -> Array:
    """by_chance: the distances that independent predictions with the same counts would add up to, times the rows."""
    return np.asarray(1.0 - credit.sum(axis=-1) * rows / np.where(by_chance > 0, by_chance, 1.0))
