"""A table as benchmarks.record writes it, made up: 144 configurations, 3 folds, 4 epochs, 3 classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.record_tables import TABLES
from trainable.metrics import macro_f1

FOLDS, EPOCHS, ROWS, TEST, CLASSES = 3, 4, 90, 120, 3


def write_table(folder: Path, name: str, seed: int) -> None:
    """Configurations differ in how clear their signal is; scores rise to what the predictions give."""
    rng, configs = np.random.default_rng(seed), TABLES[name].grid.points
    label, test_label = np.arange(ROWS) % CLASSES, np.arange(TEST) % CLASSES
    fold = (np.arange(ROWS) // CLASSES % FOLDS).astype(np.int8)
    signal = rng.normal(1.0, 0.7, len(configs))

    def predictions(truth: np.ndarray) -> np.ndarray:
        logits = rng.normal(size=(len(configs), len(truth), CLASSES))
        logits[:, np.arange(len(truth)), truth] += signal[:, None]
        return np.exp(logits) / np.exp(logits).sum(2, keepdims=True)

    valid, test = predictions(label), predictions(test_label)
    last = [[macro_f1(label[fold == k], p[fold == k].argmax(1), CLASSES) for k in range(FOLDS)] for p in valid]
    score = np.array(last)[:, :, None] * np.linspace(0.6, 1.0, EPOCHS)
    with (folder / f"table_{name}.npz").open("wb") as file:
        np.savez_compressed(
            file,
            score=score.astype(np.float32),
            seconds=rng.uniform(1, 2, score.shape).astype(np.float32),
            valid=valid.astype(np.float16),
            test=test.astype(np.float16),
            fold=fold,
            label=label,
            group=label.astype(str),
            test_label=test_label,
            configs=np.array([json.dumps(c) for c in configs]),
        )
