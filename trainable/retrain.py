"""After the search: chosen trials once more, with other seeds or on all rows.

Other seeds are trials like any other (same folds, so they have out-of-fold predictions and may be members). A network
of all rows has none: its result.json says `oof_macro_f1: null`, and nothing may select by it.
"""

from dataclasses import replace

import numpy as np

from trainable.config import TrialConfig
from trainable.data.folds import Folds
from trainable.errors import InputError
from trainable.experiment import Experiment
from trainable.store import RunPaths


def other_seeds(config: TrialConfig, count: int) -> list[TrialConfig]:
    """The trial with the next `count` seeds; train them in the same run with `trainable.train.run_trial`."""
    if count < 1:
        raise InputError(f"--seeds: received {count}; allowed: 1 or more")
    return [replace(config, seed=(config.seed + i) % 2**31) for i in range(1, count + 1)]


def on_all_rows(config: TrialConfig) -> TrialConfig:
    """The trial as it can be trained without validation: no epoch can be called the best, so the last is kept."""
    return replace(config, keep="last", patience=0) if config.keep == "best" else config


def without_validation(experiment: Experiment, paths: RunPaths) -> Experiment:
    """The experiment with one fold that trains on all rows, in a run directory of its own."""
    rows = len(experiment.manifest.frame)
    folds = Folds(np.full(rows, -1, np.int8), np.zeros(rows, bool), 1)
    return replace(experiment, paths=paths, folds=folds)
