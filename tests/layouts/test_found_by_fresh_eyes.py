"""What people's folders and tables hold beside the data: passed over, said, or refused for what it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from folders import photos, read, table, texts

from trainable.errors import InputError


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return photos(tmp_path / "d", [f"{kind}/{i}.png" for kind in ("cat", "dog") for i in range(4)])


def listed(root: Path, rows: list[tuple[object, ...]], *more: str) -> list[str]:
    """What is said of a manifest.csv of photos 0.png, 1.png, ... with these further cells."""
    photos(root, [f"{i}.png" for i in range(len(rows))])
    table(root, "manifest.csv", ("path", "label", *more), [(f"{i}.png", "ab"[i % 2], *r) for i, r in enumerate(rows)])
    return list(read(root)[0].taken.lines)


@pytest.mark.parametrize("left", ["__MACOSX", "@eaDir", ".ipynb_checkpoints"])
def test_folders_that_machines_leave_are_no_data(pets: Path, left: str) -> None:
    clean = texts(read(pets)[0])
    photos(pets, [f"{left}/{kind}/{i}.png" for kind in ("cat", "dog") for i in range(4)])
    assert texts(read(pets)[0]) == clean == ["cat"] * 4 + ["dog"] * 4


def test_numbers_that_count_photos_are_no_classes(pets: Path) -> None:
    photos(pets, [f"owl/more/{i}.png" for i in range(4)])  # of another depth: no folder per class
    with pytest.raises(InputError, match="folders of different depths: received dog/3"):
        read(pets)


def test_class_folder_without_a_photo_is_said_and_no_class(pets: Path) -> None:
    (pets / "bird").mkdir()
    (pets / "bird" / "readme.txt").touch()
    manifest, _ = read(pets)
    assert manifest.classes == ("cat", "dog") and "no photo in bird: no class" in manifest.taken.lines


def test_photos_beside_the_class_folders_are_named(pets: Path) -> None:
    photos(pets, ["12.png"])
    with pytest.raises(InputError, match=r"1 photo beside the folders cat, dog: 12\.png; allowed: every photo"):
        read(pets)


def test_tables_put_one_below_another_are_one(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"{i}.png" for i in range(6)])
    rows: list[tuple[object, ...]] = [(f"{i}.png", "ab"[i % 2], f"p{i // 2}") for i in range(6)]
    table(root, "manifest.csv", ("path", "label", "group"), [*rows[:3], ("path", "label", "group"), *rows[3:]])
    manifest, _ = read(root)
    assert len(manifest.frame) == 6 and manifest.frame["group"].nunique() == 3
    assert "manifest.csv: 1 rows that repeat the header are passed over" in manifest.taken.lines


def test_groups_that_may_be_nobody_or_were_rounded_are_warned_of(tmp_path: Path) -> None:
    names = ["unknown", "unknown", "1.23457E+17", "1.23457E+17", "p", "N/A", "N/A", "-"]
    said = listed(tmp_path / "d", [(name,) for name in names], "group")
    assert "warning: group 'unknown': one of them, or nobody known? 2 rows (an empty cell stands alone)" in said
    assert sum("nobody known" in line for line in said) == 2
    assert any("1 values such as 1.23457E+17 look like numbers that were rounded" in line for line in said)


def test_column_of_train_and_test_that_decides_nothing_is_said(tmp_path: Path) -> None:
    said = listed(tmp_path / "d", [(part,) for part in ["train", "Test", "val", "train"] * 2], "subset")
    assert any(line.startswith("warning: column subset (train 4, Test 2, val 2) decides nothing") for line in said)
    assert not any("decides nothing" in line for line in listed(tmp_path / "e", [("train",)] * 8, "subset"))


def test_names_in_another_encoding_are_named_where_a_photo_is_missing(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"i/{i}.png" for i in range(6)])
    table(
        root,
        "manifest.csv",
        ("path", "label"),
        [("i/사진.png", "a"), *((f"i/{i}.png", "ab"[i % 2]) for i in range(1, 6))],
    )
    os.rename(root / "i/0.png", os.fsencode(root / "i") + b"/" + "사진.png".encode("cp949"))  # noqa: PTH104
    with pytest.raises(InputError, match=r"i/사진.png not found below .*, where 1 names are no UTF-8.*convmv"):
        read(root)
