"""What tests of the director share: one on a real ledger, with scores that are made up instead of trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from helpers import SPACE, space_file
from optuna.trial import TrialState

from search.assemble import assemble
from search.director import Director
from search.features_first import FrozenScores
from search.jobs import AllFolds, Failed
from search.ledger import Ledger
from search.space import DataFacts
from search.space_file import load_space
from search.watch import Watcher
from trainable.config import TrialConfig
from trainable.run import Predictions, Run, Trial, TrialResult
from trainable.training.report import Report

FACTS = DataFacts(24, 12, ("a", "b", "c"), ())
EPOCHS, FOLDS = 3, 2
BROKEN = Failed("Traceback\nValueError: broken")
named_by = partial(TrialConfig.trial_id, folds_fingerprint="folds")


class Listener:
    """A watcher that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, object]] = []

    def began(self, trial: Trial) -> None:
        self.heard.append(("began", trial.id, None))

    def reported(self, trial: Trial, report: Report) -> None:
        self.heard.append(("reported", trial.id, report.step))

    def ended(self, trial: Trial, state: str, reason: str) -> None:
        self.heard.append(("ended", trial.id, state))


def first_job(director: Director) -> AllFolds:
    job = director.next_trial()
    assert job is not None
    return job


def open_director(
    folder: Path,
    text: str = SPACE,
    *,
    watchers: list[Watcher] | None = None,
    frozen: FrozenScores | None = None,
    **changes: Any,
) -> Director:
    """The director of one run directory, taken over from its ledger: again and again, as a restarted process would."""
    space = load_space(space_file(folder, text))
    values = {"trials": 6, "epochs": EPOCHS, "folds": FOLDS, "members": 1, "rule": "none", **changes}
    space = replace(space, search=replace(space.search, **values))
    run = Run(folder / "run")
    run.root.mkdir(exist_ok=True)
    ledger = Ledger.open(run.study, first=space.search.first)
    director = assemble(run, space, ledger, data=FACTS, identify=named_by, watchers=watchers or (), frozen=frozen)
    director.resume()
    return director


def said(step: int, score: float) -> Report:
    """What a trial reports after `step` epochs over all folds."""
    fold = (step - 1) // EPOCHS
    last = step % EPOCHS == 0
    return Report(
        step, fold, score, decides=fold == 0 or last, fold_done=last, metrics={"epoch": (step - 1) % EPOCHS + 1}
    )


def finish(trial: Trial, score: float) -> Trial:
    """The trial with what it leaves when its last fold is done, predictions of two rows."""
    rows = np.arange(2)
    table = Predictions(rows, np.full((2, 3), 1 / 3, np.float32), rows, np.zeros(2, np.int8), ("a", "b", "c"))
    trial.finish(
        table,
        TrialResult(trial.id, "macro_f1", score, score, (score,) * FOLDS, {}, EPOCHS * FOLDS, 1.0, 8, "cpu", 1, ""),
    )
    return trial


def work(director: Director, score: Callable[[TrialConfig], float], steps: int = 10**9) -> list[str]:
    """One worker until there is nothing to do or `steps` epochs are spent; the trials it took up, in turn."""
    taken = []
    while (job := director.next_trial()) is not None:
        taken.append(job.trial.id)
        for step in range(job.after + 1, EPOCHS * FOLDS + 1):
            if not steps:
                return taken
            steps -= 1
            if not tell(director, job, step, score(job.trial.config)):
                break
    return taken


def tell(director: Director, job: AllFolds, step: int, score: float) -> bool:
    """Report an epoch, its files written before; whether the trial goes on."""
    if step == EPOCHS * FOLDS:
        finish(job.trial, score)
    return director.hear(job, said(step, score))


def ends_undisturbed(direct: Callable[..., Director], folder: Path) -> dict[str, TrialState]:
    """How a search ends that nothing disturbs; its run is moved away, so that another may be begun in its place."""
    whole = direct()
    work(whole, rate)
    whole.conclude()
    found = states(whole)
    (folder / "run").rename(folder / "whole")
    return found


def states(director: Director) -> dict[str, TrialState]:
    return {name: trial.state for name, trial in director.ledger.named().items()}


def rate(config: TrialConfig) -> float:
    return config.optim.lr
