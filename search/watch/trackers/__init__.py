"""Experiment trackers, each an optional extra: `--log mlflow`, `--log wandb`. Why not Ray's callbacks: decision 007."""

import importlib.util
from collections.abc import Sequence

from search.watch.trackers.watcher import Tracker, Tracking
from trainable.errors import InputError
from trainable.run import Run
from trainable.words import extra

__all__ = ["Tracker", "Tracking", "check_installed", "open_tracker"]


def check_installed(names: Sequence[str]) -> None:
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise InputError(f"--log: received {name}, which is not installed; allowed: after {extra(name)}")


def open_tracker(name: str, run: Run) -> Tracker:
    """One of search.arguments.TRACKERS; InputError when it cannot be reached, or nobody is logged in.

    Imported when asked for: the packages are optional, and named like their trackers.
    """
    if name == "mlflow":
        from search.watch.trackers.mlflow import MLflow

        return MLflow(run)
    from search.watch.trackers.wandb import WandB

    return WandB(run)
