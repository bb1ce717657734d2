"""Real images through the whole tool: scikit-learn's handwritten digits as a generic folder."""

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import space_file, write_table
from sklearn.datasets import load_digits

SPACE = """
from search.space import Search

SEARCH = Search(trials=3, folds=3, epochs=9, store_size=(32, 32), members=2, startup=3)


def space(trial, data):
    return {
        "model": {"backbone": "test_resnet", "pretrained": False},
        "input": {"size": (32, 32)},
        "augment": {"policy": "none"},
        "optim": {"lr": trial.suggest_float("lr", 4e-3, 1.2e-2, log=True), "weight_decay": 0.05},
        "batch_size": 32,
    }
"""


def export(root: Path, images: np.ndarray, names: list[str]) -> None:
    """8x8 digits of 0..16 as 32x32 PNGs."""
    root.mkdir(parents=True)
    for image, name in zip(images, names, strict=True):
        large = cv2.resize((image * 255 / 16).astype(np.uint8), (32, 32), interpolation=cv2.INTER_CUBIC)
        assert cv2.imwrite(str(root / name), large)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """The data folder, and the digits of its test rows. Writers wrote in sequence: a group is ten digits in a row."""
    root = tmp_path_factory.mktemp("digits") / "data"
    images, labels = load_digits(return_X_y=True)
    groups = np.arange(len(labels)) // 10
    held = groups % 5 == 4
    names = [f"{i:04}.png" for i in range(len(labels))]
    export(root / "images", images.reshape(-1, 8, 8), names)
    rows = [(f"images/{names[i]}", labels[i], f"g{groups[i]}") for i in np.flatnonzero(~held)]
    write_table(root / "manifest.csv", ("path", "label", "group"), rows)
    order = np.random.default_rng(0).permutation(np.flatnonzero(held))
    write_table(root / "test.csv", ("path",), [(f"images/{names[i]}",) for i in order])
    return root, labels[order]


@pytest.mark.slow
def test_digits_are_read_by_the_ensemble(digits: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    data, truth = digits
    began = time.monotonic()
    for command in (
        ["search.run", space_file(tmp_path, SPACE, "digits"), "--data", data, "--out", tmp_path / "runs"],
        ["ensembles.build", tmp_path / "runs" / "digits"],
    ):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-m", *map(str, command)], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
    submission = pd.read_csv(tmp_path / "runs" / "digits" / "ensembles" / "auto" / "submission.csv")
    assert submission["path"].tolist() == pd.read_csv(data / "test.csv")["path"].tolist()
    accuracy = (submission["prediction"].to_numpy() == truth).mean()
    print(f"accuracy {accuracy:.4f} in {time.monotonic() - began:.0f} s")
    assert accuracy > 0.95
