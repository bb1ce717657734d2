"""Who can vote in the time that is left at the end of `--hours`.

Heads on one table of frozen features see the test photos by one pass of its network: the second on it costs nothing.
"""

from collections.abc import Hashable, Iterable
from statistics import median

from ensembles.members.free_heads import HEADS
from search.ending import per_table
from search.first_heads import pair_of
from trainable.run import Run, Trial

COMPARING = 60.0  # seconds, in which the methods are compared with several times as many members


def members_in_time(run: Run, seconds: float, network: float) -> int:
    """Of the complete trials, the best first: how many can predict, at least one.

    network: seconds that the networks of a trial that was trained take; 0 where that is unknown.
    """
    return fitting(_costs(run, network), seconds)


def heads_in_time(run: Run, seconds: float, network: float) -> bool:
    """Whether there is room for further heads on the tables of features, once every complete trial has predicted.

    What one takes is known from those that did not wait for their table.
    """
    costs = _costs(run, network)
    fitted = [trial for trial in run.trials() if trial.finished and trial.config.fitted]
    tables = {_table(trial) for trial in fitted}
    if len(tables) == len(fitted):
        return False
    one = median(sorted(trial.result.seconds for trial in fitted)[: len(fitted) - len(tables)])
    return sum(dict(costs).values()) + len(tables) * len(HEADS) * one + COMPARING <= seconds


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


def _costs(run: Run, network: float) -> list[tuple[Hashable, float]]:
    """(what is computed, its seconds) of each complete trial, the best first."""
    trials = sorted((t for t in run.trials() if t.finished), key=lambda trial: -trial.result.oof_score)
    tables = dict[Hashable, float]()
    for trial in trials:
        if trial.config.fitted:  # the first head on a table waited for it
            tables[_table(trial)] = max(trial.result.seconds, tables.get(_table(trial), 0.0))
    share = per_table(run)
    return [(_table(t), share * tables[_table(t)]) if t.config.fitted else (t.id, network) for t in trials]


def _table(trial: Trial) -> Hashable:
    return pair_of(trial.config), trial.config.features.beside, trial.config.features.of
