"""Wherever a driver dies, the resumed search ends like the undisturbed one. Scores are made up, files are real."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from directing import director_of
from helpers import space_file

from search.director import Director
from search.ledger import JUDGED, Ledger
from search.space import DataFacts
from search.space_file import load_space
from search.watch.vote import Votes
from trainable.config import TrialConfig
from trainable.files import write_json, write_npz
from trainable.run.paths import RunPaths

FACTS = DataFacts(24, 12, ("a", "b", "c"), ())
EPOCHS, FOLDS = 4, 3
SPACE = """
from search.space import Search

SEARCH = Search(trials=9, folds=3, epochs=4, store_size=(32, 32), grace=1, eta=2, members=2, startup=3)


def space(trial, data):
    return {
        "model": {"backbone": "test_resnet", "pretrained": False},
        "optim": {"lr": trial.suggest_float("lr", 1e-4, 1e-2, log=True)},
        "loss": {"name": trial.suggest_categorical("loss", ["cross_entropy", "focal"])},
    }
"""


def open_director(folder: Path, objective: str) -> Director:
    folder.mkdir(exist_ok=True)
    space = load_space(space_file(folder, SPACE))
    space = replace(space, search=replace(space.search, objective=objective))
    paths = RunPaths(folder / "run")
    paths.root.mkdir(exist_ok=True)
    votes = Votes(paths) if objective == "ensemble" else None
    return director_of(paths, space, Ledger.open(paths.study), votes=votes)


def made_up(config: TrialConfig, step: int) -> float:
    """A score that rises with the steps, by the configuration, and jumps about."""
    noise = np.random.default_rng([int(config.optim.lr * 1e9), step]).normal() * 0.05
    return float(0.5 + 0.1 * np.log10(config.optim.lr) + 0.02 * step + noise)


def write_predictions(path: Path, config: TrialConfig, rows: int) -> None:
    """Of the first `rows` of 12 rows in 3 classes, by the configuration."""
    rng = np.random.default_rng(int(config.optim.lr * 1e9))
    probabilities = rng.dirichlet(np.ones(3), 12).astype(np.float32)
    write_npz(path, index=np.arange(rows), label=np.arange(rows) % 3, probabilities=probabilities[:rows])


def work(director: Director, crash_at: int = -1) -> int:
    """One worker; dies after report number `crash_at`, before the director hears of it. Returns the reports made."""
    made = 0
    while (found := director.next_trial()) is not None:
        trial_id, config = found
        for step in range(director.told(trial_id) + 1, EPOCHS * FOLDS + 1):
            if made == crash_at:
                return made
            paths = director.paths.trial(trial_id)
            if step == EPOCHS:
                write_predictions(paths.fold(0).valid, config, 6)
            if step == EPOCHS * FOLDS:
                write_predictions(paths.oof, config, 12)
                write_json(paths.result, {"oof_macro_f1": made_up(config, step)})
            fold, last = (step - 1) // EPOCHS, step % EPOCHS == 0
            made += 1
            report = {"step": step, "fold": fold, "score": made_up(config, step), "metrics": {}}
            if not director.report(trial_id, {**report, "decides": fold == 0 or last, "fold_done": last}):
                break
    director.conclude()
    return made


def ends(director: Director) -> dict[str, tuple]:
    return {
        name: (t.state, t.value, tuple(sorted(t.intermediate_values.items())), t.user_attrs.get(JUDGED))
        for name, t in director.ledger.named().items()
    }


@pytest.fixture(scope="module", params=["solo", "ensemble"])
def undisturbed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, tuple], int, str]:
    """How a search ends by itself, the reports it made, and its objective."""
    director = open_director(tmp_path_factory.mktemp("undisturbed"), request.param)
    reports = work(director)
    return ends(director), reports, request.param


def test_search_has_stopped_waiting_and_complete_trials(undisturbed: tuple[dict[str, tuple], int, str]) -> None:
    states = [state.name for state, *_ in undisturbed[0].values()]
    assert states.count("COMPLETE") >= 2
    assert states.count("PRUNED") >= 4


@pytest.mark.parametrize("every", [1, 2, 3, 5, 7, 11])
def test_a_driver_that_dies_again_and_again_ends_the_same(
    every: int, undisturbed: tuple[dict[str, tuple], int, str], tmp_path: Path
) -> None:
    expected, reports, objective = undisturbed
    for _ in range(reports // every + 1):
        director = open_director(tmp_path, objective)
        if work(director, crash_at=every) < every:
            break
    director = open_director(tmp_path, objective)
    work(director)
    assert ends(director) == expected
