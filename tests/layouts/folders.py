"""Small folders of labelled photos, one a way in which people keep them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from helpers import write_photo, write_table

from trainable.data.flags import Flags
from trainable.data.layouts import read_manifest, read_test
from trainable.data.manifest import Manifest, TestSet
from trainable.errors import InputError


def photos(root: Path, names: Iterable[str]) -> Path:
    for i, name in enumerate(names):
        write_photo(root / name, 40 + 17 * (i % 10), seed=i, side=8)
    return root


def table(root: Path, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    write_table(root / name, header, rows)
    return root


def animals(root: Path, *, rows: int = 12, test: int = 4, labels: Sequence[str] = ("cat", "dog", "owl")) -> Path:
    """train.csv with id,label,place; train/ID.jpg; test/ID.jpg; sample_submission.csv, not in the order of names."""
    ids = [f"a{i:02}" for i in range(rows)]
    photos(root, [f"train/{one}.jpg" for one in ids])
    lines = [(one, labels[i % len(labels)], f"p{i // 2}") for i, one in enumerate(ids)]
    table(root, "train.csv", ("id", "label", "place"), lines)
    asked = [f"t{(7 * i) % 10}" for i in range(test)]
    photos(root, [f"test/{one}.jpg" for one in asked])
    return table(root, "sample_submission.csv", ("id", "label"), [(one, labels[0]) for one in asked])


def read(root: Path, **flags: object) -> tuple[Manifest, TestSet | None]:
    made = Flags(**flags)  # type: ignore[arg-type]
    manifest = read_manifest(root, made)
    return manifest, read_test(root, manifest.classes, made)


def texts(manifest: Manifest) -> list[str]:
    """The label of each row, by name."""
    return [manifest.classes[label] for label in manifest.labels]


def padded(root: Path, train: str, asked: str) -> Path:
    """0000.png to 0011.png in train/, 0020.png to 0023.png in test/, written in the tables by these formats."""
    photos(root, [f"train/{i:04}.png" for i in range(12)] + [f"test/{i:04}.png" for i in range(20, 24)])
    table(root, "train.csv", ("id", "label"), [(train.format(i), "ab"[i % 2]) for i in range(12)])
    return table(root, "sample_submission.csv", ("id", "label"), [(asked.format(i), "a") for i in range(20, 24)])


def refusal(root: Path, **flags: object) -> str:
    with pytest.raises(InputError) as said:
        read(root, **flags)
    line = str(said.value)
    assert "\n" not in line
    return line
