"""Numbers that name photos: zeros that a spreadsheet took, and numbers that name none."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import padded, photos, read, table, texts

from trainable.errors import InputError


@pytest.mark.parametrize("train", ["{}", "{}.0", "{}.png", "{:04}"])
@pytest.mark.parametrize("asked", ["{}", "{:04}"])
def test_leading_zeros_that_a_spreadsheet_took_are_found_and_said(tmp_path: Path, train: str, asked: str) -> None:
    manifest, test = read(padded(tmp_path / "d", train, asked))
    assert manifest.frame["image"].tolist() == [f"train/{i:04}.png" for i in range(12)]
    assert test is not None and test.images == [f"test/{i:04}.png" for i in range(20, 24)]
    assert test.table["id"].tolist() == [asked.format(i) for i in range(20, 24)]  # answered as asked
    lost = [f"leading zeros lost as spreadsheets do ({train.format(0)} is 0000.png)" in " ".join(manifest.taken.lines)]
    assert lost == [train != "{:04}"]


def test_numbers_beside_ids_that_are_whole_name_no_photos(tmp_path: Path) -> None:
    root = padded(tmp_path / "d", "{:04}", "{:04}")
    table(root, "train.csv", ("n", "id", "label"), [(11 - i, f"{i:04}", "ab"[i % 2]) for i in range(12)])
    assert read(root)[0].frame["image"].tolist() == [f"train/{i:04}.png" for i in range(12)]


def test_paths_of_a_manifest_that_lost_zeros_are_found_and_two_of_one_number_are_not(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"{i:03}.png" for i in range(6)])
    table(root, "manifest.csv", ("path", "label"), [(f"{i}.png", "ab"[i % 2]) for i in range(6)])
    manifest, _ = read(root)
    assert manifest.frame["image"].tolist() == [f"{i:03}.png" for i in range(6)]
    assert any("6 without leading zeros; '0.png' is 000.png" in line for line in manifest.taken.lines)
    photos(root, ["0005.png"])
    with pytest.raises(InputError, match=r"'5\.png' names two photos: received (005|0005)\.png, (005|0005)\.png"):
        read(root)


@pytest.mark.parametrize("name", ["{}", "a{}", "each"])
def test_a_table_of_classes_names_no_photos_that_are_numbered_as_they_are(tmp_path: Path, name: str) -> None:
    names = [f"{i % 4}/{name.format(i) if name != 'each' else i // 4}.png" for i in range(20)]
    root = photos(tmp_path / "d", names)
    table(root, "labels.csv", ("ClassId", "Name"), [(i, f"sign {i % 2}") for i in range(4)])
    if name == "{}":
        with pytest.raises(InputError, match=r"ClassId names 4 photos \(--image ClassId\), or .* folders of 20 photos"):
            read(root)
        assert len(read(root, image="ClassId")[0].frame) == 4
        rows = [(f"{i}.png", i % 4, i % 3) for i in range(20)]
        assert len(read(table(root, "train.csv", ("file", "n", "label"), rows))[0].frame) == 20
        return
    manifest, _ = read(root)
    assert texts(manifest) == [image.split("/")[0] for image in manifest.frame["image"]]
    assert len(manifest.frame) == 20 and any(
        "labels.csv: no photo to train on by name" in li for li in manifest.taken.lines
    )


def test_numbers_that_lost_zeros_are_found_in_their_folder_beside_whole_ones(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"i/{kind}/{i:02}.png" for kind in "ab" for i in range(4, 16)])
    rows = [(f"{kind}/{i}.png", kind) for kind in "ab" for i in range(4, 16)]
    table(root, "train.csv", ("image", "label"), rows)
    manifest, _ = read(root)
    assert manifest.frame["image"].tolist() == [f"i/{kind}/{i:02}.png" for kind in "ab" for i in range(4, 16)]
