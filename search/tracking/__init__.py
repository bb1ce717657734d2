"""Experiment trackers, each an optional extra: `--log mlflow`, `--log wandb`. Why not Ray's callbacks: decision 007."""

import importlib
import importlib.util
from collections.abc import Sequence

from search.tracking.watcher import Tracker, Tracking
from trainable.errors import InputError
from trainable.store import RunPaths

TRACKERS = {"mlflow": "MLflow", "wandb": "WandB"}  # the package that must be there (and our module): our class

__all__ = ["TRACKERS", "Tracker", "Tracking", "check_installed", "open_tracker"]


def check_installed(names: Sequence[str]) -> None:
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise InputError(
                f"--log: received {name}, which is not installed; allowed: after pip install 'foldvote[{name}]'"
            )


def open_tracker(name: str, paths: RunPaths) -> Tracker:
    """InputError when it cannot be reached, or nobody is logged in."""
    tracker: Tracker = getattr(importlib.import_module(f"search.tracking.{name}"), TRACKERS[name])(paths)
    return tracker
