"""leaderboard.csv: a row a trial, rewritten whenever one ends; in long searches less often, so that it costs little."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from search.ledger import PROMOTED, Ledger, parameters
from trainable.files import read_json, read_json_lines, write_atomic
from trainable.run.paths import RunPaths, TrialPaths

COLUMNS = ("trial", "state", "folds_done", "epochs_done", "oof_macro_f1", "fold_macro_f1_mean", "seconds")
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}


SHARE = 0.02  # of the time that writing may take


def write_leaderboard(paths: RunPaths, ledger: Ledger) -> None:
    write_rows(paths, [row(paths.trial(name), frozen) for name, frozen in ledger.everything().items()])


def write_rows(paths: RunPaths, rows: list[dict[str, Any]]) -> None:
    table = pd.DataFrame(rows, columns=[*COLUMNS, *_parameter_names(rows)])
    table = table.sort_values("oof_macro_f1", ascending=False, na_position="last", kind="stable")
    write_atomic(paths.leaderboard, lambda p: table.to_csv(p, index=False))


def row(paths: TrialPaths, frozen: FrozenTrial) -> dict[str, Any]:
    """What is known of a trial; oof_macro_f1 only of complete ones, `promoted` and `seed` only of promoted ones."""
    folds = [read_json(f.result) for f in paths.folds() if f.finished]
    epochs = [m for f in paths.folds() for m in read_json_lines(f.metrics)]
    source = frozen.user_attrs.get(PROMOTED)
    return {
        "trial": paths.root.name,
        "state": STATES[frozen.state],
        "folds_done": len(folds),
        "epochs_done": len(epochs),
        "oof_macro_f1": frozen.value if frozen.state == TrialState.COMPLETE else math.nan,
        "fold_macro_f1_mean": np.mean([f["macro_f1"] for f in folds]) if folds else math.nan,
        "seconds": sum(m["seconds"] for m in epochs),
        **parameters(frozen),
        **({PROMOTED: source, "seed": read_json(paths.config)["seed"]} if source else {}),
    }


def _parameter_names(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({name for r in rows for name in r} - set(COLUMNS))


class Scribe:
    """The watcher (search.director) that keeps leaderboard.csv up to date.

    A trial that has ended is read once. A table of 10,000 rows takes a tenth of a second to write, so it then waits
    until that is a fiftieth of the time since the last one.
    """

    def __init__(self, paths: RunPaths, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self.paths, self.ledger, self.clock = paths, ledger, clock
        self.rows: dict[str, dict[str, Any]] = {}
        self.live: set[str] = set()  # trials whose rows still change
        self.due = -math.inf

    def began(self, trial_id: str) -> None:
        self.live.add(trial_id)

    def reported(self, trial_id: str, report: dict[str, Any]) -> None: ...

    def ended(self, trial_id: str, state: str, reason: str) -> None:
        if state == "waiting":
            return
        self.live.discard(trial_id)
        self.rows.pop(trial_id, None)
        start = self.clock()
        if start < self.due:
            return
        known = self.ledger.everything()
        for name, frozen in known.items():
            if name in self.live or name not in self.rows:
                self.rows[name] = row(self.paths.trial(name), frozen)
        write_rows(self.paths, [self.rows[name] for name in known])
        now = self.clock()
        self.due = now + (now - start) / SHARE
