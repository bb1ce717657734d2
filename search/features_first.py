"""The stage of features in a run: its trials in the ledger, and what they tell the search that follows."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from optuna.trial import TrialState

from search.first_heads import FirstHeads, Pair, pair_of, words
from search.ledger import FEATURES, Ledger
from trainable.config import TrialConfig
from trainable.metrics import Metric
from trainable.run import Run, Trial

SHARE = 0.5  # of --hours that the stage may take: the search is to have as much


@dataclass(frozen=True)
class FrozenScores:
    """What the stage came to. trials: its complete ones. best: (score, head) of each backbone and size."""

    trials: Mapping[str, Trial] = field(default_factory=dict)
    best: Mapping[Pair, tuple[float, str]] = field(default_factory=dict)

    def lines(self, measure: Metric) -> Iterator[str]:
        """Each network and size, the best first."""
        for pair, (score, head) in sorted(self.best.items(), key=lambda item: -item[1][0]):
            yield f"features: {words(pair)}: {measure.shown} {measure.text(score)} ({head})"

    def score(self, config: TrialConfig) -> float:
        """Of the best head on this configuration's network and size; minus infinity where no table tells of it."""
        known = self.best.get(pair_of(config)) if config.model.pretrained else None
        return known[0] if known else -math.inf


def write_down(heads: FirstHeads, run: Run, ledger: Ledger) -> None:
    """Enter the stage's trials in the ledger, whose view they are; those it has already stay as they are."""
    known = ledger.everything()
    for config in heads.configs:
        trial = run.trial(run.identify(config))
        if trial.id not in known:
            trial.begin(config)
            ledger.add_apart(trial.id, f"{words(pair_of(config))} {config.head.name}")


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
