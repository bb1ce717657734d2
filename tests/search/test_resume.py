"""Wherever a driver dies, the resumed search ends like the undisturbed one. Scores are made up, files are real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from directing import finish, open_director

from search.director import Director
from search.jobs import AllFolds
from trainable.config import TrialConfig
from trainable.training.report import Report

EPOCHS, FOLDS = 4, 3
SPACE = """
from search.space import Search

SEARCH = Search()


def space(trial, data):
    return {
        "model": {"backbone": "test_resnet", "pretrained": False},
        "optim": {"lr": trial.suggest_float("lr", 1e-4, 1e-2, log=True)},
        "loss": {"name": trial.suggest_categorical("loss", ["cross_entropy", "focal"])},
    }
"""
CHANGES = {"trials": 9, "folds": FOLDS, "epochs": EPOCHS, "grace": 1, "eta": 2, "members": 2, "startup": 3,
           "rule": "paired"}  # fmt: skip
Ends = dict[str, tuple]


def opened(folder: Path) -> Director:
    folder.mkdir(exist_ok=True)
    return open_director(folder, SPACE, **CHANGES)


def made_up(config: TrialConfig, step: int) -> float:
    """A score that rises with the steps, by the configuration, and jumps about."""
    noise = np.random.default_rng([int(config.optim.lr * 1e9), step]).normal() * 0.05
    return float(0.5 + 0.1 * np.log10(config.optim.lr) + 0.02 * step + noise)


def reports(job: AllFolds) -> list[Report]:
    """What its worker will say."""
    found = []
    for step in range(job.after + 1, EPOCHS * FOLDS + 1):
        fold, last = (step - 1) // EPOCHS, step % EPOCHS == 0
        score = made_up(job.trial.config, step)
        found.append(Report(step, fold, score, decides=fold == 0 or last, fold_done=last, metrics={}))
    return found


def work(director: Director, crash_at: int = -1) -> int:
    """One worker; dies after report number `crash_at`, before the director hears of it. Returns the reports made."""
    made = 0
    while (job := director.next_trial()) is not None:
        for report in reports(job):
            if made == crash_at:
                return made
            if report.step == EPOCHS * FOLDS:
                finish(job.trial, report.score)
            made += 1
            if not director.hear(job, report):
                break
    director.conclude()
    return made


def ends(director: Director) -> Ends:
    return {
        name: (t.state, t.value, tuple(sorted(t.intermediate_values.items())))
        for name, t in director.ledger.named().items()
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ends, int]:
    """How a search ends by itself, and the reports it made."""
    director = opened(tmp_path_factory.mktemp("undisturbed"))
    reports = work(director)
    return ends(director), reports


def test_search_has_stopped_waiting_and_complete_trials(undisturbed: tuple[Ends, int]) -> None:
    states = [state.name for state, *_ in undisturbed[0].values()]
    assert states.count("COMPLETE") >= 2
    assert states.count("PRUNED") >= 4


@pytest.mark.parametrize("every", [1, 2, 3, 5, 7, 11])
def test_a_driver_that_dies_again_and_again_ends_the_same(
    every: int, undisturbed: tuple[Ends, int], tmp_path: Path
) -> None:
    expected, made = undisturbed
    for _ in range(made // every + 1):
        director = opened(tmp_path)
        if work(director, crash_at=every) < every:
            break
    director = opened(tmp_path)
    work(director)
    assert ends(director) == expected
