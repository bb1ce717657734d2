"""Who can vote in the time that is left at the end of `--hours`.

Heads on one table of frozen features see the test photos by one pass of its network: the second on it costs nothing.
"""

import math
from collections.abc import Hashable, Iterable
from statistics import median

from ensembles.members.free_heads import HEADS
from search.ending import per_table
from search.first_heads import pair_of
from trainable.run import Run, Trial

COMPARING = 0.02  # seconds a photo, in which the methods are compared with several times as many members
STARTING = 5.0  # seconds that it takes however few they are


def members_in_time(run: Run, seconds: float, network: float) -> tuple[int, bool]:
    """Of the complete trials, the best first: how many can predict, at least one; and whether, once all of them have,
    there is room for further heads on the tables of features.

    network: seconds that the networks of a trial that was trained take; 0 where that is unknown.
    """
    trials = sorted((t for t in run.trials() if t.finished), key=lambda trial: -trial.result.oof_score)
    fitted, tables = [t for t in trials if t.config.fitted], dict[Hashable, float]()
    for trial in fitted:  # the first head on a table waited for it
        tables[_table(trial)] = max(trial.result.seconds, tables.get(_table(trial), 0.0))
    share = per_table(run)
    costs = [(_table(t), share * tables[_table(t)]) if t.config.fitted else (t.id, network) for t in trials]
    # What a head takes is known from those that did not wait.
    quick = sorted(trial.result.seconds for trial in fitted)[: len(fitted) - len(tables)]
    comparing = STARTING + COMPARING * len(run.manifest.frame)
    further = len(tables) * len(HEADS) * median(quick) + comparing if quick else math.inf
    return fitting(costs, seconds), sum(dict(costs).values()) + further <= seconds


def fitting(costs: Iterable[tuple[Hashable, float]], seconds: float) -> int:
    """How many, from the first on, take at most so many seconds, at least one; what has one name is paid for once."""
    count, paid = 0, set[Hashable]()
    for name, cost in costs:
        more = 0.0 if name in paid else cost
        if count and more > max(0.0, seconds):
            break
        seconds -= more
        paid.add(name)
        count += 1
    return max(1, count)


def _table(trial: Trial) -> Hashable:
    return pair_of(trial.config), trial.config.features.beside, trial.config.features.of
