"""After the search: chosen trials once more, with other seeds or on all rows.

Other seeds are trials like any other (same folds, so they have out-of-fold predictions and may be members). A network
of all rows has none: it lies beside its trial's folds, and nothing may select by it.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from trainable.config import TrialConfig
from trainable.data.folds import Folds
from trainable.errors import InputError
from trainable.files import read_json_lines
from trainable.images.loader import Loader
from trainable.run.experiment import Experiment
from trainable.train import Report, training_batches
from trainable.training.fold import train_fold


def other_seeds(config: TrialConfig, count: int) -> list[TrialConfig]:
    """The trial with the next `count` seeds; train them in the same run with `trainable.train.run_trial`."""
    if count < 1:
        raise InputError(f"--seeds: received {count}; allowed: 1 or more")
    return [replace(config, seed=(config.seed + i) % 2**31) for i in range(1, count + 1)]


def on_all_rows(config: TrialConfig) -> TrialConfig:
    """The trial as it can be trained without validation: no epoch can be called the best, so the last is kept."""
    return replace(config, keep="last", patience=0) if config.keep == "best" else config


def train_on_all_rows(
    config: TrialConfig, experiment: Experiment, *, device: torch.device, workers: int = 0
) -> Iterator[Report]:
    """Train one network on every row; yields every epoch, with a score of NaN. Taken up again where it was left."""
    paths = experiment.paths.trial(config.trial_id(experiment.folds.fingerprint())).all_rows
    everything = replace(experiment, folds=Folds.of_one_network(len(experiment.folds.fold)))
    config = on_all_rows(config)
    loader = Loader(training_batches(config, everything), workers=workers, pin=device.type == "cuda")
    torch.compiler.reset()  # of a trial before this one in the same process
    epochs = (
        read_json_lines(paths.metrics) if paths.finished else train_fold(config, everything, 0, loader, device, paths)
    )
    for metrics in epochs:
        last = metrics["epoch"] == config.epochs
        yield Report(metrics["epoch"], 0, math.nan, decides=False, fold_done=last, metrics=metrics)
