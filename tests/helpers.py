"""Small real data and commands for the tests: photos of a few pixels, tables, space files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from trainable.config import TrialConfig
from trainable.data.layouts.competition import CLASSES, MADE_OF
from trainable.data.manifest import Manifest
from trainable.run import Run, Trial, prepare
from trainable.training.trial import train

MASKS = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")
NETWORK = {"backbone": "test_resnet", "pretrained": False}

SPACE = """
from search.space import Search

SEARCH = Search(trials=2, folds=2, epochs=1, store_size=(32, 32), members=1)


def space(trial, data):
    return {
        "model": {"backbone": "test_resnet", "pretrained": False},
        "input": {"size": (32, 32)},
        "augment": {"policy": "none"},
        "optim": {"lr": trial.suggest_float("lr", 1e-3, 1e-2, log=True)},
        "batch_size": 8,
    }
"""


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def write_photo(path: Path, colour: int, seed: int = 0, side: int = 32) -> None:
    """A noisy square of one grey value; its format is that of the suffix."""
    noise = np.random.default_rng(seed).integers(-20, 21, (side, side, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.clip(noise + colour, 0, 255).astype(np.uint8))


def generic_data(root: Path, *, people: int = 12, each: int = 2, classes: int = 3, test: int = 5) -> Path:
    """Layout 2: `people` groups of `each` photos; class k is a shade of grey, and a group has one class."""
    rows = []
    for person in range(people):
        for photo in range(each):
            name, label = f"images/p{person:02}_{photo}.png", person % classes
            write_photo(root / name, 40 + 170 * label // max(1, classes - 1), seed=person * each + photo)
            rows.append((name, f"class{label}", f"p{person:02}"))
    write_table(root / "manifest.csv", ("path", "label", "group"), rows)
    # In no order that sorting by name or class would give.
    names = [f"test/{'edcba'[i % 5]}{i}.png" for i in range(test)]
    for i, name in enumerate(names):
        write_photo(root / name, 40 + 170 * (i % classes) // max(1, classes - 1), seed=1000 + i)
    write_table(root / "test.csv", ("path",), [(name,) for name in names])
    return root


def competition_data(root: Path, *, people: int = 6, test: int = 4) -> Path:
    """Layout 1 with photos of a few pixels, for tests that never look at them."""
    rows = []
    for person in range(people):
        gender, age = ("male", "female")[person % 2], (21, 45, 60)[person % 3]
        path = f"{person:06}_{gender}_Asian_{age}"
        for mask in MASKS:
            write_photo(root / "train" / "images" / path / f"{mask}.jpg", 100, side=16)
        rows.append((f"{person:06}", gender, "Asian", age, path))
    write_table(root / "train" / "train.csv", ("id", "gender", "race", "age", "path"), rows)
    names = [f"{9 - i}.jpg" for i in range(test)]
    for name in names:
        write_photo(root / "eval" / "images" / name, 100, side=16)
    write_table(root / "eval" / "info.csv", ("ImageID", "ans"), [(name, 0) for name in names])
    return root


def people(ages: Sequence[int] = tuple(range(18, 61)) * 4) -> Manifest:
    """The table of a competition, its photos nowhere: seven a person, every age in both genders."""
    who = np.repeat(np.arange(len(ages)), 7)
    mask, age = np.tile([0, 0, 0, 0, 0, 1, 2], len(ages)), np.array(ages, float)[who]
    gender = who % 2
    frame = pd.DataFrame(
        {
            "image": [f"{w:06d}/{i % 7}.jpg" for i, w in enumerate(who)],
            "group": [f"{w:06d}_x_Asian_{int(a)}" for w, a in zip(who, age, strict=True)],
            "extra": False,
            "mask": mask,
            "gender": gender,
            "age": age,
            "bytes": 1,
            "label": MADE_OF.grid.encode([mask, gender, MADE_OF["age"].codes(age)]),
        }
    )
    return Manifest(Path("nowhere"), "competition", frame, CLASSES, made_of=MADE_OF)


def tiny(**changes: Any) -> TrialConfig:
    """A trial that trains in under a second on `generic_data`."""
    values: dict[str, Any] = {
        "model": NETWORK,
        "input": {"store": (32, 32), "size": (32, 32)},
        "augment": {"policy": "none"},
        "optim": {"lr": 3e-3},
        "epochs": 1,
        "batch_size": 8,
    }
    return TrialConfig.from_dict({**values, **changes})


def prepared(data: Path, root: Path, *, folds: int = 2, size: tuple[int, int] = (32, 32)) -> Run:
    """A run on these data, begun, without trials."""
    run = Run(root)
    run.begin(prepare(data, folds=folds, seed=0, store_size=size), command=["test"], settings={})
    return run


def begun(run: Run, config: TrialConfig) -> Trial:
    """The trial of that configuration, its config.json written."""
    trial = run.trial(run.identify(config))
    trial.begin(config)
    return trial


def completed(run: Run, config: TrialConfig) -> Trial:
    """The trial of that configuration, trained in all folds."""
    trial = begun(run, config)
    assert train(trial, lambda _: True, device=torch.device("cpu")) is not None
    return trial


def complete_run(data: Path, root: Path, *, learning_rates: Sequence[float] = (3e-3,), **changes: Any) -> Path:
    """A run directory with a complete trial for each learning rate, as `trainable.train` makes it."""
    run = prepared(data, root)
    for lr in learning_rates:
        completed(run, tiny(optim={"lr": lr}, **changes))
    return root


def space_file(folder: Path, text: str = SPACE, name: str = "tiny") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder / f"{name}.py"


def rewrite(file: Path, /, **columns: list[object]) -> None:
    """Replace columns of a table."""
    table = pd.read_csv(file, dtype=str).assign(**columns)
    table.to_csv(file, index=False)


def refused(capfd: pytest.CaptureFixture[str], main: Callable[[list[str]], int], *arguments: object) -> str:
    """The one line with which a command refuses these arguments: exit code 2, no traceback."""
    capfd.readouterr()
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as stopped:
        code = stopped.code
    lines = capfd.readouterr().err.strip().splitlines()
    assert code == 2, (code, lines)
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


def listing(root: Path) -> dict[str, bytes]:
    """Every file below a folder with its content: equal before and after when nothing was written."""
    files = (p for p in sorted(root.rglob("*")) if p.is_file() and p.parent.name != "__pycache__")  # Python's own
    return {str(p.relative_to(root)): p.read_bytes() for p in files}
