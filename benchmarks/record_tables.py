"""The tables that benchmarks.record makes: on which photos, which configurations, how many folds and epochs."""

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from trainable.config import TrialConfig
from trainable.data.flags import Flags
from trainable.sample.write import generate

CLOTHING = Path(os.environ.get("FOLDVOTE_CLOTHING", "../shared/data/clothing"))
LITE = ("tf_efficientnet_lite0", "tf_efficientnet_lite1")
GRID = {
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

    stored: pixels of the store. recipe: what somebody would train who trains one thing, of what `values` are made.
    backbones: that start pretrained. threads: of the training process.
    """

    folds: int
    epochs: int
    stored: tuple[int, int]
    values: Callable[[], list[dict[str, Any]]]
    config: Callable[[dict[str, Any]], TrialConfig]
    data: Callable[[Path], tuple[Path, np.ndarray]]
    recipe: dict[str, Any]
    flags: Flags = field(default_factory=Flags)
    backbones: tuple[str, ...] = ()
    threads: int = 1


def grid() -> list[dict[str, Any]]:
    """All combinations, in an order that never changes."""
    return [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]


def fine_tuned() -> list[dict[str, Any]]:
    """Some of all combinations, drawn once."""
    every = list(itertools.product(*FINE_TUNED.values()))
    drawn = sorted(np.random.default_rng(0).choice(len(every), DRAWN, replace=False))
    return [dict(zip(FINE_TUNED, every[i], strict=True)) for i in drawn]


def _from_random_weights(store: tuple[int, int], crop: float) -> Callable[[dict[str, Any]], TrialConfig]:
    def config(values: dict[str, Any]) -> TrialConfig:
        return _resolved(
            values,
            model={"backbone": values["backbone"], "pretrained": False},
            input={"store": store, "size": (32, 32), "crop": (crop, crop)},
            optim={"lr": values["lr"], "weight_decay": 0.05},
            epochs=16,
            batch_size=64,
        )

    return config


def _clothing_config(values: dict[str, Any]) -> TrialConfig:
    side = values["side"]
    return _resolved(
        values,
        model={"backbone": values["backbone"], "freeze": values["freeze"]},
        input={"store": (128, 128), "size": (side, side)},
        mix={"name": values["mix"]},
        optim={"lr": values["lr"], "weight_decay": 0.02},
        epochs=6,
        batch_size=32,
    )


def _resolved(values: dict[str, Any], **fields: Any) -> TrialConfig:
    return TrialConfig.from_dict(
        {
            "augment": {"policy": values["augment"]},
            "sampler": {"name": "weighted", "power": values["balance"]} if values["balance"] else {"name": "shuffle"},
            "loss": {"name": values["loss"]},
            **fields,
        }
    )


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
TABLES = {
    "sample": Recorded(5, 16, (64, 48), grid, _from_random_weights((64, 48), 0.75), _sample, RECIPE),
    "digits": Recorded(5, 16, (32, 32), grid, _from_random_weights((32, 32), 1.0), _digits, RECIPE),
    "clothing": Recorded(
        3, 6, (128, 128), fine_tuned, _clothing_config, _clothing, FINE_TUNED_RECIPE, SENDERS, LITE, threads=2
    ),
}
