"""Experiment trackers, each an optional extra: `--log mlflow`, `--log wandb`. Why not Ray's callbacks: decision 007."""

import importlib.util
from collections.abc import Callable, Sequence

from search.watch.trackers.watcher import Tracker, Tracking
from trainable.errors import InputError
from trainable.run.paths import RunPaths

__all__ = ["TRACKERS", "Tracker", "Tracking", "check_installed", "open_tracker"]


def check_installed(names: Sequence[str]) -> None:
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise InputError(
                f"--log: received {name}, which is not installed; allowed: after pip install 'foldvote[{name}]'"
            )


def open_tracker(name: str, paths: RunPaths) -> Tracker:
    """InputError when it cannot be reached, or nobody is logged in."""
    return TRACKERS[name](paths)


def _mlflow(paths: RunPaths) -> Tracker:
    from search.watch.trackers.mlflow import MLflow

    return MLflow(paths)


def _wandb(paths: RunPaths) -> Tracker:
    from search.watch.trackers.wandb import WandB

    return WandB(paths)


# Imported when asked for: the packages are optional, and named like their trackers.
TRACKERS: dict[str, Callable[[RunPaths], Tracker]] = {"mlflow": _mlflow, "wandb": _wandb}
