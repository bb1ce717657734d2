"""A configuration changed here and there, trained for two epochs of two steps, and what that leaves."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from trainable.config import TrialConfig
from trainable.data.folds import Folds
from trainable.data.layouts.competition import CLASSES, MADE_OF
from trainable.data.manifest import Manifest
from trainable.images.loader import Loader
from trainable.images.store import ImageStore
from trainable.run import Experiment, Fold
from trainable.run.folder import RunFolder
from trainable.training.batches import training_batches
from trainable.training.checkpoints import Saving
from trainable.training.context import FoldContext
from trainable.training.fold import train_fold
from trainable.training.start import starting_heads

PEOPLE, SIDE = 24, 32
CPU = torch.device("cpu")
BASE: dict[str, Any] = {
    "model": {"backbone": "test_resnet", "pretrained": False},
    "input": {"store": (SIDE, SIDE), "size": (SIDE, SIDE)},
    "augment": {"policy": "none"},
    "optim": {"lr": 1e-2, "warmup": 0.0},
    "epochs": 2,
    "batch_size": 36,  # two steps an epoch
}


def noisy_people(root: Path) -> Experiment:
    """24 people of every age that a choice asks for, three noisy photos each, two folds; nothing is decoded."""
    rng = np.random.default_rng(0)
    ages = np.array([20, 26, 27, 28, 29, 30, 31, 45, 56, 57, 58, 59, 60, 60, 60] * 2)[:PEOPLE]
    who = np.repeat(np.arange(PEOPLE), 3)
    mask, gender, age = np.tile([0, 1, 2], PEOPLE), (who // 2) % 2, ages[who].astype(float)
    group = np.array([f"00{5000 + w}_x" for w in who])
    group[who == 3] = "006359_x"  # in the core list of corrections: a woman who is a man
    gender[who == 3] = 1
    label = MADE_OF.grid.encode([mask, gender, MADE_OF["age"].codes(age)])
    pixels = rng.integers(0, 256, (len(who), SIDE, SIDE, 3), dtype=np.uint8)
    pixels[:, 8:24, 8:24] //= 4
    pixels[:, 8:24, 8:24] += (label * 10)[:, None, None, None].astype(np.uint8)
    np.save(root / "pixels.npy", pixels)
    names = tuple(f"{g}/{i % 3}.jpg" for i, g in enumerate(group))
    boxes = np.tile(np.array([8, 24, 8, 24], np.int32), (len(who), 1))
    np.savez(root / "faces.npz", boxes=boxes, found=np.arange(len(who)) % 3 > 0)
    np.savez(root / "faces_mtcnn.npz", boxes=boxes + 2, found=np.ones(len(who), bool))
    frame = pd.DataFrame(
        {"image": names, "group": group, "extra": False, "mask": mask, "gender": gender, "age": age, "label": label}
    )
    manifest = Manifest(root, "competition", frame, CLASSES, made_of=MADE_OF)
    # Fold 0 is six photos, so that it trains on all classes and validation is quick.
    fold = np.where(who < PEOPLE - 2, 1, 0).astype(np.int8)
    made = Experiment(manifest, Folds(fold, np.ones(len(who), bool), 2), (SIDE, SIDE), 0, {})
    made.__dict__["store"] = ImageStore(root, names, (), root)
    return made


def merged(*changes: dict[str, Any]) -> TrialConfig:
    values = {k: dict(v) if isinstance(v, dict) else v for k, v in BASE.items()}
    for change in changes:
        for key, value in change.items():
            values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    return TrialConfig.from_dict(values)


def fold_of(config: TrialConfig, experiment: Experiment, name: str = "") -> FoldContext:
    """Fold 0 of a trial on `noisy_people`; `name` is that of its folder."""
    files = Fold(experiment.manifest.root / "folds" / (name or config.trial_id("techniques")))
    loader = Loader(training_batches(config, experiment))
    run = RunFolder(experiment.manifest.root)
    run.__dict__["experiment"] = experiment
    heads = starting_heads(run, config, experiment.folds, device=CPU)
    return FoldContext(config, experiment, 0, loader, CPU, files, saving=Saving(every=0), heads=heads)


def cut_off(config: TrialConfig, experiment: Experiment, epochs: int, name: str) -> FoldContext:
    """A fold whose training was given up after so many epochs."""
    fold = fold_of(config, experiment, name)
    begun = train_fold(fold)
    for _ in range(epochs):
        next(begun)
    begun.close()
    return fold_of(config, experiment, name)


class Trained:
    """What a fold of two epochs leaves: hashes of weights and predictions, losses, rates."""

    def __init__(self, config: TrialConfig, experiment: Experiment, name: str = "") -> None:
        fold = fold_of(config, experiment, name)
        self.batches, self.file = training_batches(config, experiment), fold.files.weights
        self.metrics = list(train_fold(fold))
        self.result, self.valid = fold.files.result, fold.files.validation()

    @property
    def skipped(self) -> int:
        """Epochs that early stopping left out."""
        return sum(m["images_per_second"] == 0 for m in self.metrics)

    @property
    def weights(self) -> str:
        return self.result.weights_sha256

    @property
    def guesses(self) -> str:
        return hashlib.sha256(self.valid.probabilities.tobytes()).hexdigest()
