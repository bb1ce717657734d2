"""A chosen trial's configuration once more, on every row.

Such a network has no out-of-fold predictions: it lies beside its trial's folds, and nothing may select by it.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from trainable.config import TrialConfig
from trainable.data.folds import Folds
from trainable.images.loader import Loader
from trainable.models.compile import forget_compiled
from trainable.run import Trial
from trainable.training.batches import training_batches
from trainable.training.checkpoints import SELDOM, Saving
from trainable.training.context import FoldContext
from trainable.training.fold import train_fold
from trainable.training.frozen import FrozenHeads, fit_fold
from trainable.training.report import Report
from trainable.training.start import starting_heads


def without_validation(config: TrialConfig) -> TrialConfig:
    """The configuration as it can be trained without validation: no epoch can be called the best, so the last is."""
    return replace(config, keep="last", patience=0) if config.keep == "best" else config


def train_on_all_rows(
    trial: Trial, *, device: torch.device, workers: int = 0, saving: Saving = SELDOM
) -> Iterator[Report]:
    """Train one network on every row; yields every epoch, with a score of NaN. Taken up again where it was left."""
    experiment, files = trial.run.experiment, trial.all_rows
    everything = replace(experiment, folds=Folds.of_one_network(len(experiment.folds.fold)))
    config = without_validation(trial.config)
    if files.finished:
        epochs = iter(files.epochs())
    elif config.fitted:
        heads = FrozenHeads(trial.run, config, everything.folds, device=device, workers=workers)
        epochs = fit_fold(heads.of_fold(0), 0, files)
    else:
        batches, pin = training_batches(config, everything), device.type == "cuda"
        loader = Loader(batches, workers=workers, pin=pin, held=config.optim.accumulate)
        forget_compiled()
        start = starting_heads(trial.run, config, everything.folds, device=device, workers=workers)
        ways = trial.run.ways
        epochs = train_fold(
            FoldContext(config, everything, 0, loader, device, files, saving=saving, ways=ways, heads=start)
        )
    for metrics in epochs:
        epoch = int(metrics["epoch"])
        yield Report(epoch, 0, math.nan, decides=False, fold_done=epoch == config.epochs, metrics=metrics)
