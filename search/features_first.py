"""The stage of features in a run: its trials in the ledger, and what they tell the search that follows."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from optuna.trial import TrialState

from search.ending import epochs_of_table, per_table
from search.first_heads import FirstHeads, Pair, pair_of, words
from search.ledger import FEATURES, Ledger
from search.space import Search
from trainable.config import TrialConfig
from trainable.metrics import Metric
from trainable.run import Run, Trial

SHARE = 0.5  # of --hours that the stage may take: the search is to have as much


@dataclass(frozen=True)
class FrozenScores:
    """What the stage came to. trials: its complete ones. best: (score, head) of each backbone and size.

    A size of a network that has tables of other sizes only is estimated from them.
    """

    trials: Mapping[str, Trial] = field(default_factory=dict)
    best: Mapping[Pair, tuple[float, str]] = field(default_factory=dict)

    def lines(self, measure: Metric) -> Iterator[str]:
        """Each network and size, the best first."""
        for pair, (score, head) in sorted(self.best.items(), key=lambda item: -item[1][0]):
            yield f"features: {words(pair)}: {measure.shown} {measure.text(score)} ({head})"

    def score(self, config: TrialConfig) -> float:
        """Of the best head on this configuration's network and size; minus infinity where no table tells of it."""
        pair = pair_of(config)
        if not config.model.pretrained:
            return -math.inf
        if pair in self.best:
            return self.best[pair][0]
        networks, doubling = self._effects
        return networks.get(pair[0], -math.inf) + doubling * math.log2(math.prod(pair[1]))

    @cached_property
    def _effects(self) -> tuple[dict[str, float], float]:
        """({network: its part of a score}, what twice the pixels add): least squares over all tables."""
        of: dict[str, list[tuple[float, float]]] = {}
        for (backbone, size), (score, _) in self.best.items():
            of.setdefault(backbone, []).append((math.log2(math.prod(size)), score))
        means = {name: np.mean(rows, axis=0) for name, rows in of.items()}
        apart = np.concatenate([np.array(rows) - means[name] for name, rows in of.items()] or [np.zeros((0, 2))])
        spread = float(apart[:, 0] @ apart[:, 0])
        doubling = float(apart[:, 0] @ apart[:, 1]) / spread if spread else 0.0
        return {name: float(score - doubling * pixels) for name, (pixels, score) in means.items()}, doubling


def write_down(heads: FirstHeads, run: Run, ledger: Ledger, workers: int) -> None:
    """Enter the stage's trials in the ledger, whose view they are; those it has already stay as they are."""
    known = ledger.everything()
    for config in heads.in_turn(workers):
        trial = run.trial(run.identify(config))
        if trial.id not in known:
            trial.begin(config)
            ledger.add_apart(trial.id, f"{words(pair_of(config))} {config.head.name}")


def could_train(run: Run, search: Search, ledger: Ledger, slots: int, seconds: float) -> bool:
    """Whether a network of the search could be trained in all folds in so many seconds.

    What an epoch of the cheapest would take is known from its table, which the first head on it waited for: a pass over
    all photos is worth so many epochs.
    """
    epoch = min(seconds_of_epochs(run, ledger).values(), default=math.inf)
    return epoch * search.epochs * math.ceil(search.folds / slots) <= seconds


def seconds_of_epochs(run: Run, ledger: Ledger) -> dict[Pair, float]:
    """What an epoch of each network and size would take, guessed from its table: a pass is worth so many epochs."""
    return {pair: seconds / epochs_of_table(run) for pair, seconds in _seconds_of_tables(run, ledger).items()}


def seconds_of_vote(run: Run, ledger: Ledger, slots: int) -> float:
    """What the vote takes to see the test photos by every network that heads stand on."""
    return per_table(run) * sum(_seconds_of_tables(run, ledger).values()) / slots


def _seconds_of_tables(run: Run, ledger: Ledger) -> dict[Pair, float]:
    """What the first head on each table took, which waited for it."""
    took: dict[Pair, float] = {}
    for name, _ in _complete(ledger):
        trial = run.trial(name)
        pair = pair_of(trial.config)
        took[pair] = max(trial.result.seconds, took.get(pair, 0.0))
    return took


def is_left(ledger: Ledger) -> bool:
    """Whether trials of the stage are to be fitted: they have not ended, or have failed."""
    done = (TrialState.COMPLETE, TrialState.PRUNED)
    return any(frozen.state not in done for frozen in ledger.named().values())


def frozen_scores(run: Run, ledger: Ledger) -> FrozenScores:
    """From a ledger that shows the search's own trials."""
    best: dict[Pair, tuple[float, str]] = {}
    trials: dict[str, Trial] = {}
    for name, score in _complete(ledger):
        trials[name] = trial = run.trial(name)
        pair = pair_of(trial.config)
        best[pair] = max((score, trial.config.head.name), best.get(pair, (-math.inf, "")))
    return FrozenScores(trials, best)


def _complete(ledger: Ledger) -> Iterable[tuple[str, float]]:
    for name, frozen in ledger.others(FEATURES).items():
        if frozen.state == TrialState.COMPLETE and frozen.value is not None:
            yield name, frozen.value
