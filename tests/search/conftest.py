"""A finished search, made once: real networks, a real ledger, a vote; without Ray, since the director needs none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
import torch
from directing import director_of, open_director
from helpers import space_file

from ensembles.build import main as build
from search.director import Director
from search.ledger import Ledger, parameters
from search.space import DataFacts, load_space
from search.watch.leaderboard import write_leaderboard
from search.watch.table import Progress
from search.watch.tensorboard import TensorBoard, known_parameters
from search.watch.vote import Votes
from trainable.files import read_json, write_text
from trainable.run.experiment import prepare, save_experiment
from trainable.run.paths import RunPaths
from trainable.train import run_trial

SEARCH = """
from search.space import Search

SEARCH = Search(trials=10, folds=2, epochs=3, store_size=(64, 48), members=2, startup=10, rule="none")


def space(trial, data):
    loss = trial.suggest_categorical("loss", ["cross_entropy", "focal"])
    more = {"smoothing": trial.suggest_float("smoothing", 0.0, 0.1)} if loss == "cross_entropy" else {}
    return {
        "model": {"backbone": trial.suggest_categorical("backbone", ["test_resnet", "test_vit"]), "pretrained": False},
        "input": {"size": (48, 48)},
        "augment": {"policy": trial.suggest_categorical("augment", ["none", "light"])},
        "loss": {"name": loss, **more},
        "optim": {"lr": trial.suggest_float("lr", 1e-3, 1e-2, log=True)},
        "batch_size": 32,
    }
"""


@pytest.fixture
def direct(tmp_path: Path) -> Callable[..., Director]:
    """Opens the director of one run directory, again and again; see directing.open_director."""
    return partial(open_director, tmp_path)


@pytest.fixture(scope="session")
def finished(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    """A run of ten trials with its TensorBoard events and a built ensemble. Read-only. About half a minute."""
    space = load_space(space_file(tmp_path_factory.mktemp("spaces"), SEARCH, "seen"))
    paths, s = RunPaths(tmp_path_factory.mktemp("runs") / "seen"), space.search
    experiment = prepare(sample, paths, folds=s.folds, seed=s.seed, store_size=s.store_size)
    write_text(paths.space, space.text)
    save_experiment(experiment, sys.argv, asdict(s))
    ledger, data = Ledger.open(paths.study), DataFacts.of(experiment.manifest)

    def score_of(trial_id: str) -> float:
        return read_json(paths.trial(trial_id).result)["oof_macro_f1"]

    board = TensorBoard(paths, score_of, lambda t: parameters(ledger.find(t)), known_parameters(space, data))
    race = space.race()
    progress = Progress(s, race.expected_epochs(), score_of, race=race, votes=Votes(paths))
    director = director_of(
        paths, space, ledger, data, experiment.folds.fingerprint(), race=race, watchers=[board, progress]
    )
    with board:
        while (found := director.next_trial()) is not None:
            trial_id, config = found
            for heard in run_trial(config, experiment, device=torch.device("cpu")):
                if heard.step > director.told(trial_id) and not director.report(trial_id, asdict(heard)):
                    break
        director.conclude()
        assert board.nodes is not None
        board.nodes.write()
    assert board.problems == 0
    write_leaderboard(paths, ledger)
    assert build([str(paths.root), "--name", "vote", "--method", "greedy", "--data", str(sample)]) == 0
    return paths
