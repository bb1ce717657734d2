"""A fold of a trial while it trains: what every part of the training is handed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from trainable.config import TrialConfig
from trainable.data.attributes import Attributes
from trainable.data.items import Photos, photos_of
from trainable.data.rows import TrainingRows, made_of_target, target_classes, target_labels, training_rows
from trainable.images.loader import Loader
from trainable.metrics import MACRO_F1, Asked, Metric, get
from trainable.models.normalise import pixel_statistics
from trainable.models.predict import use_bf16
from trainable.run import Experiment, Fold
from trainable.run.ways import Ways
from trainable.training.checkpoints import SELDOM, Saving
from trainable.training.frozen import FrozenHeads

SAMPLED = 1000  # photos that `normalise: dataset` looks at


@dataclass(frozen=True, eq=False)
class FoldContext:
    """Fold `k` of the trial `config`; its files are `files`.

    micro_batch: how many images at once fitted the memory in the fold before; None for whole batches. metric: what its
    scores are. saving: when its state goes to disk. ways: how
    networks are called in training, as the run has found out. heads: what its network starts from, None: at random.
    """

    config: TrialConfig
    experiment: Experiment
    k: int
    loader: Loader
    device: torch.device
    files: Fold
    micro_batch: int | None = None
    metric: Asked = MACRO_F1
    saving: Saving = SELDOM
    ways: Ways = Ways()  # noqa: RUF009  frozen
    heads: FrozenHeads | None = None

    @cached_property
    def training(self) -> TrainingRows:
        return training_rows(self.config, self.experiment.manifest, self.experiment.folds, self.k)

    @cached_property
    def validation_rows(self) -> np.ndarray:
        """int64[M] of the manifest; empty for a network of all rows."""
        return self.experiment.folds.valid_rows(self.k)

    @cached_property
    def validation_photos(self) -> Photos:
        """What is looked at to answer the validation rows."""
        return photos_of(self.experiment.manifest, self.validation_rows)

    @cached_property
    def truth(self) -> np.ndarray:
        """int64[M]: original labels of the validation rows."""
        return target_labels(self.experiment.manifest, self.config.target)[self.validation_rows]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(target_classes(self.experiment.manifest, self.config.target))

    @cached_property
    def measure(self) -> Metric:
        """The metric over the classes that are predicted."""
        return get(self.metric, self.classes)

    @property
    def made_of(self) -> Attributes:
        """The attributes whose accuracies are told apart in what is predicted."""
        return made_of_target(self.experiment.manifest, self.config.target)

    @cached_property
    def bf16(self) -> bool:
        return use_bf16(self.config.precision, self.device)

    @cached_property
    def statistics(self) -> Tensor:
        """Mean and deviation float32 [2, 3] on the device; the data set's own come from photos of the training rows."""
        own: tuple = ((0.0,) * 3, (1.0,) * 3)
        if self.config.input.normalise == "dataset":
            rows = self.training.rows
            chosen = rows[np.linspace(0, len(rows) - 1, min(SAMPLED, len(rows))).astype(int)]
            pixels = self.experiment.store.pixels()[self.experiment.place[chosen]] / np.float32(255)
            own = (pixels.mean((0, 1, 2)).tolist(), pixels.std((0, 1, 2)).tolist())
        return pixel_statistics(self.config.model.backbone, self.config.input.normalise, own).to(self.device)
