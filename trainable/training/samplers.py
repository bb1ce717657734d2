"""Which training rows an epoch shows, in which order. Validation never passes here."""

from collections.abc import Callable

import numpy as np

from trainable.errors import unknown
from trainable.training.losses.weights import effective_number

Sampler = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]


def shuffle(rng: np.random.Generator, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Every row once."""
    return rng.permutation(rows)


def weighted(rng: np.random.Generator, rows: np.ndarray, labels: np.ndarray, *, power: float) -> np.ndarray:
    """As many rows, drawn with replacement in proportion to (rows of their class) ** -power."""
    return _draw(rng, rows, np.bincount(labels)[labels].astype(np.float64) ** -power)


def effective(rng: np.random.Generator, rows: np.ndarray, labels: np.ndarray, *, beta: float) -> np.ndarray:
    """As many rows, drawn with replacement in proportion to 1 / effective number of their class (Cui 2019)."""
    return _draw(rng, rows, 1 / effective_number(np.bincount(labels)[labels], beta))


def balanced(rng: np.random.Generator, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """As many rows, the classes by turns: in any stretch, so in any batch, their counts differ by one at most.

    Every class goes through all its rows before one comes again.
    """
    classes = rng.permutation(np.unique(labels))
    turns = -(-len(rows) // len(classes))
    order = np.empty((turns, len(classes)), np.int64)
    for column, label in enumerate(classes):
        own = rows[labels == label]
        rounds = -(-turns // len(own))
        order[:, column] = np.concatenate([rng.permutation(own) for _ in range(rounds)])[:turns]
    return order.ravel()[: len(rows)]


SAMPLERS = {"shuffle": shuffle, "weighted": weighted, "effective": effective, "balanced": balanced}


def build_sampler(name: str, *, power: float = 0.5, beta: float = 0.999) -> Sampler:
    """A function (rng, rows int64[n], labels int64[n]) -> int64[n]."""
    if name == "weighted":
        return lambda rng, rows, labels: weighted(rng, rows, labels, power=power)
    if name == "effective":
        return lambda rng, rows, labels: effective(rng, rows, labels, beta=beta)
    if name not in SAMPLERS:
        raise unknown("sampler", name, SAMPLERS)
    return shuffle if name == "shuffle" else balanced


def _draw(rng: np.random.Generator, rows: np.ndarray, share: np.ndarray) -> np.ndarray:
    return rng.choice(rows, len(rows), replace=True, p=share / share.sum())
