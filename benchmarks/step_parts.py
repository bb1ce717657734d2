"""Epochs as trials run them, for `benchmarks.step`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from trainable.config import TrialConfig
from trainable.data.rows import training_rows
from trainable.images.loader import split
from trainable.models.normalise import pixel_statistics
from trainable.models.predict import use_bf16
from trainable.run.experiment import Experiment
from trainable.training.epochs import Trainer, new_learner


@dataclass
class Held:
    """A loader whose batches lie in memory already, on whatever device `images` is."""

    images: torch.Tensor

    def train(self, rows: np.ndarray, batch_size: int, epoch: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        for part in split(rows, batch_size):
            yield part, self.images[: len(part)]


def config_of(backbone: str, size: int, batch: int, **changes: Any) -> TrialConfig:
    values: dict[str, Any] = {
        "model": {"backbone": backbone, "pretrained": False},
        "input": {"size": (size, size)},
        "augment": {"policy": "light"},
        "batch_size": batch,
        "epochs": 10_000,
    }
    return TrialConfig.from_dict({**values, **changes})


def trainer(
    experiment: Experiment, config: TrialConfig, loader: Any, device: torch.device, images: int | None = None
) -> Trainer:
    """The epochs of fold 0; of `images` rows, the fold's own again and again."""
    training = training_rows(config, experiment.manifest, experiment.folds, 0)
    if images is not None:
        training = replace(training, rows=np.resize(training.rows, images))
    learner = new_learner(config, experiment, 0, device, experiment.paths.trial("none").fold(0))
    statistics = pixel_statistics(config.model.backbone, "imagenet", ((0.0,) * 3, (1.0,) * 3)).to(device)
    return Trainer(config, learner, training, 0, loader, statistics, device, use_bf16("auto", device))
