"""Which training rows an epoch shows, in which order. Validation never passes here."""

from collections.abc import Callable

import numpy as np

from trainable.validate import unknown

Sampler = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]


def shuffle(rng: np.random.Generator, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Every row once."""
    return rng.permutation(rows)


def weighted(rng: np.random.Generator, rows: np.ndarray, labels: np.ndarray, *, power: float) -> np.ndarray:
    """As many rows, drawn with replacement in proportion to (rows of their class) ** -power."""
    counts = np.bincount(labels)
    share = counts[labels].astype(np.float64) ** -power
    return rng.choice(rows, len(rows), replace=True, p=share / share.sum())


SAMPLERS = ("shuffle", "weighted")


def build_sampler(name: str, *, power: float) -> Sampler:
    """A function (rng, rows int64[n], labels int64[n]) -> int64[n]."""
    if name == "shuffle":
        return shuffle
    if name == "weighted":
        return lambda rng, rows, labels: weighted(rng, rows, labels, power=power)
    raise unknown("sampler", name, SAMPLERS)
