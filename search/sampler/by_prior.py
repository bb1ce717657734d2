"""Draws of the start-up phase in the order of what is known beforehand: many are drawn, the best is suggested first.

Known is what published curves say (`search.prior`) and how a frozen network scored on these very photos
(`search.features_first`), which counts first. The first draw decides which kind of trial comes (a network that starts
pretrained and whose facts are known, another one that starts pretrained, or one of which nothing is known), so that
each kind has the share that the space gives it, and like is compared with like. Where nothing is known, all stays as
it was drawn.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from optuna.trial import Trial

from search.prior import Prior
from trainable.config import TrialConfig
from trainable.errors import InputError

MANY = 64


@dataclass(frozen=True)
class Ranking:
    """prior: of published curves. frozen: a configuration's network and size to its best score with a frozen body."""

    prior: Prior | None = None
    frozen: Callable[[TrialConfig], float] | None = None

    def kind(self, config: TrialConfig) -> str:
        """ "" where nothing is known of a configuration."""
        if self.prior:
            return self.prior.knows(config)
        return "" if config.fitted or not config.model.pretrained else "pretrained"

    def rank(self, config: TrialConfig) -> tuple[float, float]:
        """Higher is better, among configurations of one kind."""
        return self.frozen(config) if self.frozen else 0.0, self.prior.rank(config) if self.prior else 0.0


def best_first(
    draws: Iterator[Trial], further: Iterator[Trial], resolve: Callable[[Trial], TrialConfig], ranking: Ranking
) -> Iterator[Trial]:
    """The first of `draws` and MANY of `further`, those of its kind alone, best first; then the other `draws`."""
    first = next(draws)
    kind = _kind(first, resolve, ranking)
    if not kind:
        yield first
    else:
        alike = {first: ranking.rank(resolve(first))}
        for trial in islice(further, MANY - 1):
            if _kind(trial, resolve, ranking) == kind:
                alike[trial] = ranking.rank(resolve(trial))
        yield from sorted(alike, key=lambda trial: alike[trial], reverse=True)
    yield from draws


def _kind(trial: Trial, resolve: Callable[[Trial], TrialConfig], ranking: Ranking) -> str:
    """What is known of a draw; nothing of one that is no configuration."""
    with suppress(InputError):
        return ranking.kind(resolve(trial))
    return ""
