"""Epochs as trials run them, for `benchmarks.step`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from trainable.config import TrialConfig
from trainable.data.rows import TrainingRows
from trainable.ring.plan import Plan, split
from trainable.run import Run
from trainable.training.context import FoldContext
from trainable.training.epochs import Epochs
from trainable.training.state import begin_or_resume


@dataclass
class Held:
    """A loader whose batches lie in memory already, on whatever device `images` is."""

    images: torch.Tensor

    def train(self, rows: np.ndarray, batch_size: int, epoch: int) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        for part in split(rows, batch_size):
            yield part, self.images[: len(part)]

    def expect(self, *plans: Plan) -> None:
        """Nothing: it is all there."""


def config_of(backbone: str, size: int, batch: int, **changes: Any) -> TrialConfig:
    values: dict[str, Any] = {
        "model": {"backbone": backbone, "pretrained": False},
        "input": {"size": (size, size)},
        "augment": {"policy": "light"},
        "batch_size": batch,
        "epochs": 10_000,
    }
    return TrialConfig.from_dict({**values, **changes})


@dataclass(frozen=True, eq=False)
class RepeatedFold(FoldContext):
    """A fold whose epochs have `images` rows, its own again and again."""

    images: int | None = None

    @cached_property
    def training(self) -> TrainingRows:
        own = super().training
        return own if self.images is None else replace(own, rows=np.resize(own.rows, self.images))


def trainer(run: Run, config: TrialConfig, loader: Any, device: torch.device, images: int | None = None) -> Epochs:
    """The epochs of fold 0, of as many rows as it has or of `images`."""
    fold = RepeatedFold(config, run.experiment, 0, loader, device, run.trial("none").fold(0), images=images)
    return Epochs(fold, begin_or_resume(fold))
