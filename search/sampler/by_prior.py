"""Draws of the start-up phase in the order of a prior: many are drawn, the best is suggested first.

The first draw decides which kind of trial comes (a network that starts pretrained and whose facts are known, another
one that starts pretrained, or one of which the prior knows nothing), so that each kind has the share that the space
gives it, and the prior compares like with like.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

from optuna.trial import Trial

from search.prior import Prior
from trainable.config import TrialConfig
from trainable.errors import InputError

MANY = 64


def best_first(draws: Iterator[Trial], resolve: Callable[[Trial], TrialConfig], prior: Prior) -> Iterator[Trial]:
    """`draws`, the first MANY of them sorted; a draw that is no configuration is left where a later error names it."""
    drawn = list(islice(draws, MANY))
    found: dict[int, TrialConfig] = {}
    for i, trial in enumerate(drawn):
        with suppress(InputError):
            found[i] = resolve(trial)
    kind = prior.knows(found[0]) if 0 in found else ""
    if kind:
        ranks = {i: prior.rank(config) for i, config in found.items() if prior.knows(config) == kind}
        best = sorted(ranks, key=lambda i: -ranks[i])
        drawn = [*(drawn[i] for i in best), *(trial for i, trial in enumerate(drawn) if i not in ranks)]
    yield from drawn
    yield from draws
