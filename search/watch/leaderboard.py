"""leaderboard.csv: a row a trial, rewritten whenever one ends or waits; in long searches less often, to cost little."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from ensembles.members import PARTIAL
from search.ledger import FEATURES, RETRAINED, STATES, Ledger, parameters
from trainable.files import write_atomic
from trainable.run import Run, Trial
from trainable.training.report import Report

COLUMNS = (
    *("trial", "number", "state", "folds_done", "epochs_done"),
    *("oof_score", "fold_score_mean", "fold_0_score", "seconds"),
)
RUNNING, WAITING = STATES[TrialState.RUNNING], "waiting"
SHARE = 0.02  # of the time that writing may take


def write_leaderboard(run: Run, ledger: Ledger, partial: str = "", *, ended: bool = False) -> None:
    """partial: the trial that votes though it is not complete, where none is. ended: nobody is at any trial."""
    rows = [row(run.trial(name), frozen) for name, frozen in ledger.everything().items()]
    states = {**{r["trial"]: WAITING for r in rows if ended and r["state"] == RUNNING}, partial: PARTIAL}
    write_rows(run, [{**r, "state": states.get(r["trial"], r["state"])} for r in rows])


def write_rows(run: Run, rows: list[dict[str, Any]]) -> None:
    table = pd.DataFrame(rows, columns=[*COLUMNS, *_parameter_names(rows)])
    table = table.sort_values("oof_score", ascending=False, na_position="last", kind="stable")
    write_atomic(run.leaderboard, lambda p: table.to_csv(p, index=False))


def row(trial: Trial, frozen: FrozenTrial) -> dict[str, Any]:
    """What is known of a trial; oof_score only of complete ones, `retrained` and `seed` only of retrained ones,
    `features` only of heads that came before the search.

    number: from 1, as the search tells it. fold_0_score: after the last epoch of the first fold.
    """
    folds = trial.folds()
    results = [f.result for f in folds if f.finished]
    epochs = [epoch for f in folds for epoch in f.epochs()]
    first = [epoch for epoch in epochs if epoch.get("fold", 0) == 0]
    source, table = frozen.user_attrs.get(RETRAINED), frozen.user_attrs.get(FEATURES)
    return {
        "trial": trial.id,
        "number": frozen.number + 1,
        "state": STATES[frozen.state],
        "folds_done": len(results),
        "epochs_done": len(epochs),
        "oof_score": frozen.value if frozen.state == TrialState.COMPLETE else math.nan,
        "fold_score_mean": np.mean([r.score for r in results]) if results else math.nan,
        "fold_0_score": first[-1].get("score", math.nan) if first else math.nan,
        "seconds": sum(epoch["seconds"] for epoch in epochs),
        **parameters(frozen),
        **({RETRAINED: source, "seed": trial.config.seed} if source else {}),
        **({FEATURES: table} if table else {}),
    }


def _parameter_names(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({name for r in rows for name in r} - set(COLUMNS))


class Leaderboard:
    """The watcher that keeps leaderboard.csv up to date.

    A trial that has ended is read once. A table of 10,000 rows takes a tenth of a second to write, so it then waits
    until that is a fiftieth of the time since the last one.
    """

    def __init__(self, run: Run, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self.run, self.ledger, self.clock = run, ledger, clock
        self.rows: dict[str, dict[str, Any]] = {}
        self.live: set[str] = set()  # trials whose rows still change
        self.due = -math.inf

    def began(self, trial: Trial) -> None:
        self.live.add(trial.id)

    def reported(self, trial: Trial, report: Report) -> None: ...

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        if state != WAITING:
            self.live.discard(trial.id)
            self.rows.pop(trial.id, None)
        start = self.clock()
        if start < self.due:
            return
        known = self.ledger.everything()
        for name, frozen in known.items():
            if name in self.live or name not in self.rows:
                self.rows[name] = row(self.run.trial(name), frozen)
        write_rows(self.run, [self.rows[name] for name in known])
        now = self.clock()
        self.due = now + (now - start) / SHARE
