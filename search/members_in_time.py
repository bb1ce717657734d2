"""How many of the best trials can predict the test photos in the time that is left.

Heads on one table of frozen features see the photos by one pass of its network: the second on it costs nothing.
"""

from collections.abc import Hashable, Iterable

from search.ending import per_table
from search.first_heads import pair_of
from trainable.run import Run, Trial


def members_in_time(run: Run, seconds: float, network: float) -> int:
    """Of the complete trials, the best first: how many fit, at least one.

    network: seconds that the networks of a trial that was trained take; 0 where that is unknown.
    """
    trials = sorted((t for t in run.trials() if t.finished), key=lambda trial: -trial.result.oof_score)
    tables = dict[Hashable, float]()
    for trial in trials:
        if trial.config.fitted:  # the first head on a table waited for it
            tables[_table(trial)] = max(trial.result.seconds, tables.get(_table(trial), 0.0))
    share = per_table(run)
    return fitting(
        ((_table(t), share * tables[_table(t)]) if t.config.fitted else (t.id, network) for t in trials), seconds
    )


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
