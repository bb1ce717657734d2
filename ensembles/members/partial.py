"""The trial that votes where none is complete: the networks of the folds that are done, or of one cut short.

Rows of the other folds have no out-of-fold prediction: they are missing, and no score counts them.
"""

import math
from collections.abc import Sequence

import numpy as np

from ensembles.members.member import Member
from trainable.run import Predictions, Run, Trial

PARTIAL = "partial"  # the state of such a trial, in every table


def partial_member(runs: Sequence[Run]) -> Member | None:
    """The trial with most finished folds, of these the best by their mean score; None where there is no network.

    Only where no trial of these runs is complete, and none of heads or attributes apart.
    """
    trials = [trial for run in runs for trial in run.trials() if trial.begun]
    if any(trial.finished for trial in trials):
        return None
    able = [trial for trial in trials if trial.networks()]
    chosen = max(able, key=_worth, default=None)
    return None if chosen is None else Member(chosen, math.nan, parts=tuple(f.root.name for f in chosen.networks()))


def predictions_of(member: Member) -> Predictions:
    """Out-of-fold predictions of the rows that a partial member has some for."""
    return Predictions.pooled([network.validation() for network in member.networks()])


def missing_rows(member: Member) -> int:
    """How many scored photos a partial member says nothing about."""
    folds = member.run.folds
    scored = np.flatnonzero(folds.scored & (folds.fold >= 0))
    return len(scored) - len(predictions_of(member).index)


def sentence(member: Member) -> str:
    """What is said aloud wherever it votes."""
    results, count = [network.result for network in member.networks()], member.run.info.folds
    done = ", ".join(str(result.fold + 1) for result in results)
    epochs = member.trial.config.epochs
    short = "" if results[0].epochs >= epochs else f" after {results[0].epochs} of {epochs} epochs"
    return (
        f"{PARTIAL}: no trial is complete; {member.trial.id} votes with fold {done} of {count}{short}, and "
        f"{missing_rows(member):,} rows without an out-of-fold prediction are missing from every score"
    )


def _worth(trial: Trial) -> tuple[int, float]:
    results = [network.result for network in trial.networks()]
    score = float(np.mean([result.score for result in results]))
    return sum(result.epochs for result in results), score if math.isfinite(score) else -math.inf
