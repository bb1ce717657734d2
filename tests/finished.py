"""A search that was run to its end, with a vote: the real commands in this process, made once a session."""

from __future__ import annotations

from pathlib import Path

from helpers import space_file
from inline import searched

from ensembles.build import main as build
from trainable.run import Run

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


def finish_a_search(sample: Path, folder: Path) -> Run:
    """The run of ten trials on the generated sample, with pictures, a report and the ensemble `vote`; made once."""
    run = Run(folder / "runs" / "seen")
    if not run.ensemble("vote").built:
        space = space_file(folder, SEARCH, "seen")
        assert searched(space, "--data", sample, "--out", folder / "runs") == 0
        assert build([str(run.root), "--name", "vote", "--method", "greedy", "--data", str(sample)]) == 0
    return run
