"""Experiment trackers, each an optional extra: `--log mlflow`, `--log wandb`. Why not Ray's callbacks: decision 007."""

import importlib.util
from collections.abc import Callable, Sequence

from search.watch.trackers.watcher import Tracker, Tracking
from trainable.errors import InputError
from trainable.run import Run

__all__ = ["TRACKERS", "Tracker", "Tracking", "check_installed", "open_tracker"]


def check_installed(names: Sequence[str]) -> None:
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise InputError(
                f"--log: received {name}, which is not installed; allowed: after pip install 'foldvote[{name}]'"
            )


def open_tracker(name: str, run: Run) -> Tracker:
    """InputError when it cannot be reached, or nobody is logged in."""
    return TRACKERS[name](run)


def _mlflow(run: Run) -> Tracker:
    from search.watch.trackers.mlflow import MLflow

    return MLflow(run)


def _wandb(run: Run) -> Tracker:
    from search.watch.trackers.wandb import WandB

    return WandB(run)


# Imported when asked for: the packages are optional, and named like their trackers.
TRACKERS: dict[str, Callable[[Run], Tracker]] = {"mlflow": _mlflow, "wandb": _wandb}
