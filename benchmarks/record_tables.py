"""The tables that benchmarks.record makes: on which photos, which configurations, how many folds and epochs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from benchmarks.grid import Grid, Point
from benchmarks.measure import CLOTHING
from trainable.config import TrialConfig
from trainable.data.flags import Flags
from trainable.sample.write import generate

LITE = ("tf_efficientnet_lite0", "tf_efficientnet_lite1")
SMALL = {
    "backbone": ("test_efficientnet", "test_resnet", "test_vit"),
    "lr": (3e-4, 1e-3, 3e-3, 1e-2),
    "augment": ("none", "light", "strong"),
    "loss": ("cross_entropy", "focal"),
    "balance": (0.0, 0.75),
}
FINE_TUNED = {
    "backbone": LITE,
    "side": (96, 128),
    "lr": (1e-4, 3e-4, 1e-3, 3e-3),
    "augment": ("none", "light", "strong"),
    "loss": ("cross_entropy", "focal"),
    "balance": (0.0, 0.5),
    "freeze": (0, 2),
    "mix": ("none", "cutmix"),
}
DRAWN = 64  # of the fine-tuned ones
# Written down before any of it was trained, and not chosen by the tables: the middle of what each grid holds.
RECIPE = {"backbone": "test_efficientnet", "lr": 3e-3, "augment": "light", "loss": "cross_entropy", "balance": 0.75}
FINE_TUNED_RECIPE = {
    **{"backbone": LITE[0], "side": 128, "lr": 1e-3, "augment": "light", "loss": "cross_entropy", "balance": 0.5},
    **{"freeze": 0, "mix": "none"},
}


@dataclass(frozen=True)
class Recorded:
    """data: folder that is to hold the data -> (folder that does, true class names or numbers of its test photos).

    stored: pixels of the store. fixed: what all configurations share. recipe: the point of somebody who trains one.
    backbones: that start pretrained. threads: of the training process. cost: what of a point the seconds of an epoch
    depend on, where they are measured apart (benchmarks.record_pace); empty where those of the trials count.
    """

    folds: int
    epochs: int
    stored: tuple[int, int]
    grid: Grid
    fixed: dict[str, Any]
    data: Callable[[Path], tuple[Path, np.ndarray]]
    recipe: Point
    flags: Flags = field(default_factory=Flags)
    backbones: tuple[str, ...] = ()
    threads: int = 1
    cost: tuple[str, ...] = ()

    def config(self, point: Point) -> TrialConfig:
        """What is trained at a point of the grid."""
        more = {**self.fixed, "input": {"store": self.stored, **self.fixed.get("input", {})}, "epochs": self.epochs}
        return self.grid.config(point, **more)


def _small(values: Point) -> dict[str, Any]:
    return {
        "model": {"backbone": values["backbone"], "pretrained": False},
        "optim": {"lr": values["lr"], "weight_decay": 0.05},
        **_common(values),
    }


def _fine_tuned(values: Point) -> dict[str, Any]:
    return {
        "model": {"backbone": values["backbone"], "freeze": values["freeze"]},
        "input": {"size": (values["side"], values["side"])},
        "mix": {"name": values["mix"]},
        "optim": {"lr": values["lr"], "weight_decay": 0.02},
        **_common(values),
    }


def _common(values: Point) -> dict[str, Any]:
    return {
        "augment": {"policy": values["augment"]},
        "sampler": {"name": "weighted", "power": values["balance"]} if values["balance"] else {"name": "shuffle"},
        "loss": {"name": values["loss"]},
    }


def _sample(folder: Path) -> tuple[Path, np.ndarray]:
    if not folder.exists():
        generate(folder, people=120, eval_people=150, seed=0, workers=1)
    return folder, pd.read_csv(folder / "eval" / "answers.csv")["ans"].to_numpy(np.int64)


def _digits(folder: Path) -> tuple[Path, np.ndarray]:
    """Neighbours in this data set were written by the same hand: blocks of 10 are the groups."""
    digits = load_digits()
    train, test = np.arange(0, 600), np.arange(600, 1797)
    if not folder.exists():
        folder.mkdir(parents=True)
        for i, image in enumerate(digits.images):
            grey = cv2.resize((image * 255 / 16).astype(np.uint8), (32, 32), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / f"{i}.png"), grey)
        rows = {"path": [f"{i}.png" for i in train], "label": digits.target[train], "group": train // 10}
        pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
        pd.DataFrame({"path": [f"{i}.png" for i in test]}).to_csv(folder / "test.csv", index=False)
    return folder, digits.target[test].astype(np.int64)


def _clothing(_: Path) -> tuple[Path, np.ndarray]:
    answers = pd.read_csv(CLOTHING / "answers.csv", index_col="image")["label"]
    return CLOTHING, answers.loc[pd.read_csv(CLOTHING / "sample_submission.csv")["image"]].to_numpy(str)


SENDERS = Flags(group="sender_id", drop=(("label", ("Not sure", "Skip", "Other")),))
EVERY, FEW = Grid(SMALL, _small), Grid(FINE_TUNED, _fine_tuned, DRAWN, (FINE_TUNED_RECIPE,))
TABLES = {
    "sample": Recorded(
        *(5, 16, (64, 48), EVERY, {"input": {"size": (32, 32), "crop": (0.75, 0.75)}, "batch_size": 64}),
        *(_sample, RECIPE),
    ),
    "digits": Recorded(
        *(5, 16, (32, 32), EVERY, {"input": {"size": (32, 32), "crop": (1.0, 1.0)}, "batch_size": 64}),
        *(_digits, RECIPE),
    ),
    "clothing": Recorded(
        *(3, 6, (128, 128), FEW, {"batch_size": 32}, _clothing, FINE_TUNED_RECIPE, SENDERS, LITE),
        **{"threads": 2, "cost": ("backbone", "side", "freeze")},
    ),
}
