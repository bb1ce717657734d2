"""Shapes of public data sets that were read wrongly, or said too little: Market-1501, Oxford Pets, RAF-DB, ..."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import photos, read, refusal, table, texts


@pytest.mark.parametrize("beside", ["query/09_c1_{}.png", "trimaps/cat_{}.png", "other/{}.png"])
def test_of_names_that_begin_with_their_class_a_folder_may_be_chosen(tmp_path: Path, beside: str) -> None:
    """Market-1501, Oxford Pets: the command ended in a traceback."""
    photos(tmp_path, [f"train/{kind}_{i}.png" for kind in ("cat", "dog") for i in range(4)])
    photos(tmp_path, [beside.format(i) for i in range(4)])
    manifest, _ = read(tmp_path, image="train", label="part_1")
    assert texts(manifest) == ["cat"] * 4 + ["dog"] * 4
    assert f"warning: 4 photos elsewhere, such as {beside.format(0)}, neither train" in " ".join(manifest.taken.lines)
    assert texts(read(tmp_path, image="train")[0]) == texts(manifest)
