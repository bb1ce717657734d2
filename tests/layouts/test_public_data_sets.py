"""Shapes of public data sets that were read wrongly, or said too little: Market-1501, Oxford Pets, RAF-DB, ..."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import photos, read, refusal, texts


@pytest.mark.parametrize("beside", ["query/09_c1_{}.png", "trimaps/cat_{}.png", "other/{}.png"])
def test_of_names_that_begin_with_their_class_a_folder_may_be_chosen(tmp_path: Path, beside: str) -> None:
    """Market-1501, Oxford Pets: the command ended in a traceback."""
    photos(tmp_path, [f"train/{kind}_{i}.png" for kind in ("cat", "dog") for i in range(4)])
    photos(tmp_path, [beside.format(i) for i in range(4)])
    manifest, _ = read(tmp_path, image="train", label="part_1")
    assert texts(manifest) == ["cat"] * 4 + ["dog"] * 4
    assert f"warning: 4 photos elsewhere, such as {beside.format(0)}, neither train" in " ".join(manifest.taken.lines)
    assert texts(read(tmp_path, image="train")[0]) == texts(manifest)


@pytest.mark.parametrize("names", [("train", "test"), ("val", "Train"), ("cat", "valid")])
def test_parts_of_the_data_that_names_begin_with_are_no_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    """RAF-DB: train_00001_aligned.jpg beside test_0001_aligned.jpg were searched as the classes train and test."""
    photos(tmp_path, [f"aligned/{name}_{i:05}.png" for name in names for i in range(4)])
    assert "a part of the data; allowed: a folder per class" in refusal(tmp_path)
    assert sorted(set(texts(read(tmp_path, label="part_1")[0]))) == sorted(names)
