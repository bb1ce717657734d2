"""Draws of the start-up phase in the order of a prior: many are drawn, the best is suggested first.

The first draw decides which kind of trial comes (a network that starts pretrained and whose facts are known, another
one that starts pretrained, or one of which the prior knows nothing), so that each kind has the share that the space
gives it, and the prior compares like with like. Where it knows nothing, all stays as it was drawn.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

from optuna.trial import Trial

from search.prior import Prior
from trainable.config import TrialConfig
from trainable.errors import InputError

MANY = 64


def best_first(
    draws: Iterator[Trial], further: Iterator[Trial], resolve: Callable[[Trial], TrialConfig], prior: Prior
) -> Iterator[Trial]:
    """The first of `draws` and MANY of `further`, those of its kind alone, best first; then the other `draws`."""
    first = next(draws)
    kind = _kind(first, resolve, prior)
    if not kind:
        yield first
    else:
        alike = {first: prior.rank(resolve(first))}
        for trial in islice(further, MANY - 1):
            if _kind(trial, resolve, prior) == kind:
                alike[trial] = prior.rank(resolve(trial))
        yield from sorted(alike, key=lambda trial: -alike[trial])
    yield from draws


def _kind(trial: Trial, resolve: Callable[[Trial], TrialConfig], prior: Prior) -> str:
    """What the prior knows of a draw; nothing of one that is no configuration."""
    with suppress(InputError):
        return prior.knows(resolve(trial))
    return ""
