"""Folders whose parts say different things: classes in folders, groups in a table; several tables; photos beside."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from folders import photos, read, table, texts

from trainable.errors import InputError


def refusal(root: Path, **flags: object) -> str:
    with pytest.raises(InputError) as said:
        read(root, **flags)
    assert "\n" not in str(said.value)
    return str(said.value)


def drivers(root: Path, *, named: bool = False) -> Path:
    """A folder per class, and a table that says which driver a photo is of; named: it says the class too."""
    photos(root, [f"imgs/train/c{i % 3}/img_{i}.jpg" for i in range(30)] + ["imgs/test/img_90.jpg"])
    header = ("subject", "classname", "img") if named else ("subject", "img")
    rows = [(f"p{i // 5}", *((f"c{i % 3}",) if named else ()), f"img_{i}.jpg") for i in range(30)]
    return table(root, "driver_imgs_list.csv", header, rows)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("sample", [False, True])
def test_classes_are_folders_and_groups_stand_in_a_table(tmp_path: Path, named: bool, sample: bool) -> None:
    drivers(tmp_path, named=named)
    if sample:
        table(tmp_path, "sample_submission.csv", ("img", "c0", "c1", "c2"), [("img_90.jpg", 0.3, 0.3, 0.3)])
    manifest, test = read(tmp_path, group="subject")
    assert texts(manifest) == ["c0", "c1", "c2"] * 10
    assert manifest.frame["group"].tolist() == [f"p{i // 5}" for i in range(30)]
    assert "folder" not in manifest.frame
    assert test is not None and test.images == ["imgs/test/img_90.jpg"]


def test_a_table_that_may_hold_classes_or_groups_is_refused_or_hinted_at(tmp_path: Path) -> None:
    line = refusal(drivers(tmp_path))
    assert "the label is subject (6 values, --label subject) or folder (3 values, --label folder), the one that" in line
    manifest, _ = read(tmp_path, label="folder")
    assert texts(manifest)[:3] == ["c0", "c1", "c2"]
    hint = "columns whose values repeat, if photos of one value belong together: --group subject (6 values)"
    assert hint in manifest.taken.lines
    assert read(tmp_path, label="subject")[0].classes == ("p0", "p1", "p2", "p3", "p4", "p5")


@pytest.mark.parametrize("parts", [["a/a1", "a/a2", "b/b1", "b/b2"], ["0/1", "0/2", "0/3", "1/4"]])
def test_folders_that_only_spread_photos_are_no_classes(tmp_path: Path, parts: list[str]) -> None:
    """Named by what their photos' names begin with; or the same parts as the column."""
    photos(tmp_path, [f"train/{part}.jpg" for part in parts])
    table(tmp_path, "list.csv", ("key", "kind"), [(f"{part[2:]}", "xxxy"[i]) for i, part in enumerate(parts)])
    assert read(tmp_path)[0].classes == ("x", "y")


def test_columns_of_a_second_table_are_joined_by_the_photo(tmp_path: Path) -> None:
    photos(tmp_path, [f"train/{i}.jpg" for i in range(12)])
    table(tmp_path, "labels.csv", ("id", "breed"), [(i, "ab"[i % 2]) for i in range(12)])
    table(
        tmp_path,
        "patients.csv",
        ("image", "patient", "age"),
        [(f"{i}.jpg", f"p{i // 3}", 40) for i in range(11, 0, -1)],
    )
    manifest, _ = read(tmp_path, label="breed", group="patient")
    assert manifest.classes == ("a", "b") and manifest.frame["age"].tolist() == ["", *["40"] * 11]
    assert manifest.frame["group"].tolist() == ["train/0.jpg", *(f"p{i // 3}" for i in range(1, 12))]
    assert "patients.csv: patient, age of 11 of 12 photos, by its image" in manifest.taken.lines
    assert "--label breed" in refusal(tmp_path)  # either table may hold the labels
    twice = pd.concat([pd.read_csv(tmp_path / "patients.csv")] * 2)
    twice.to_csv(tmp_path / "patients.csv", index=False)
    manifest, _ = read(tmp_path, label="breed")
    assert "warning: patients.csv is left out: the labelled rows are in labels.csv" in manifest.taken.lines


def test_photos_beside_the_training_folder_are_left_out_aloud(tmp_path: Path) -> None:
    names = [
        f"{part}/{part}/{kind}/{part}{i}.jpg" for part in ("seg_train", "seg_test") for kind in "ab" for i in "012"
    ]
    photos(tmp_path, [*names, "seg_pred/seg_pred/1.jpg", "seg_pred/seg_pred/2.jpg"])
    manifest, test = read(tmp_path)
    assert manifest.classes == ("a", "b") and len(manifest.frame) == 6
    assert any(line.startswith("warning: 2 photos elsewhere, such as seg_pred/") for line in manifest.taken.lines)
    assert test is not None and len(test.images) == 6


def test_folder_flag_says_which_photos_train(tmp_path: Path) -> None:
    photos(tmp_path, [f"train_images/{kind}/{kind}{i}.jpg" for kind in "ab" for i in range(3)] + ["train_masks/1.png"])
    table(tmp_path, "notes.csv", ("who", "when"), [("me", 2020), ("you", 2021)])
    line = refusal(tmp_path)
    assert "photos in folders of different depths: received train_images/b/b2.jpg, train_masks/1.png" in line
    manifest, _ = read(tmp_path, image="train_images")
    assert (
        manifest.classes == ("a", "b")
        and "warning: notes.csv: no photo to train on by name, so left out" in manifest.taken.lines
    )


def test_groups_of_test_photos_are_their_folders_where_groups_are_folders(tmp_path: Path) -> None:
    names = [f"train/{kind}/{kind}{who}/{who}{i}.jpg" for kind in "ab" for who in "pq" for i in range(2)]
    photos(tmp_path, [*names, *(f"test/{who}/{who}{i}.jpg" for who in ("x", "y") for i in range(2))])
    manifest, test = read(tmp_path, label="folder_1", group="folder_2")
    assert manifest.classes == ("a", "b") and sorted(set(manifest.frame["group"])) == ["ap", "aq", "bp", "bq"]
    assert test is not None and test.groups == ("x", "x", "y", "y")
    photos(tmp_path, ["test/9.jpg"])
    _, test = read(tmp_path, label="folder_1", group="folder_2")
    assert test is not None and test.groups is None  # not every photo lies in such a folder


@pytest.fixture
def whales(tmp_path: Path) -> Path:
    photos(tmp_path, [f"train/{i:02}.jpg" for i in range(12)] + ["test/90.jpg"])
    rows = [(f"{i:02}.jpg", "ab"[i % 2], f"w{i % 4}") for i in range(12)]
    return table(tmp_path, "train.csv", ("image", "species", "individual"), rows)


def test_label_by_values_that_the_sample_holds(whales: Path) -> None:
    table(whales, "sample_submission.csv", ("image", "predictions"), [("90.jpg", "w1 w3 w9")])
    manifest, test = read(whales)
    assert manifest.classes == ("w0", "w1", "w2", "w3")
    assert test is not None and (test.form.kind, test.form.length) == ("ranked", 3)


def test_a_sample_of_ids_asks_for_photos(whales: Path) -> None:
    table(whales, "sample_submission.csv", ("image", "matches"), [("90.jpg", "90.jpg")])
    assert "photos that are alike in matches: received 90.jpg, the ids themselves" in refusal(whales, label="species")


def test_a_sample_of_words_of_which_classes_are_made_asks_for_several_labels(whales: Path) -> None:
    table(whales, "sample_submission.csv", ("image", "tags"), [("90.jpg", "clear road water")])
    frame = pd.read_csv(whales / "train.csv").assign(tags=["clear road", "haze water"] * 6)
    frame.to_csv(whales / "train.csv", index=False)
    line = refusal(whales)
    assert "tags: several labels a photo: received 'clear road water', and classes such as clear road, haze" in line


def test_a_test_table_whose_photos_are_not_here_names_the_way_out(whales: Path) -> None:
    table(whales, "test.csv", ("image",), [("70.jpg",), ("71.jpg",)])
    assert "or test.csv taken away with the sample submission" in refusal(whales, label="species")


@pytest.mark.parametrize("form", ["{}/labels.csv", "{}.csv"])
@pytest.mark.parametrize("ending", [".jpg", ""])
def test_tables_of_two_parts_that_name_photos_alike(tmp_path: Path, form: str, ending: str) -> None:
    """Rows of both were taken for the photos of train/: equal labels counted once, valid/ dropped."""
    labels = {"train": ["cat", "dog", "cat", "dog"] * 2, "valid": ["cat", "cat", "dog", "dog"]}
    photos(tmp_path, [f"{part}/images/{i}.jpg" for part, names in labels.items() for i in range(len(names))])
    photos(tmp_path, [f"test/images/{i}.jpg" for i in range(4)])
    for part, names in labels.items():
        rows = [(f"{i}{ending}", label) for i, label in enumerate(names)]
        table(tmp_path, form.format(part), ("filename", "class"), rows)
    manifest, _ = read(tmp_path)
    found = dict(zip(manifest.frame["image"], texts(manifest), strict=True))
    assert found == {f"{part}/images/{i}.jpg": name for part, names in labels.items() for i, name in enumerate(names)}


def test_photos_in_several_rows_each_are_named_as_such(tmp_path: Path) -> None:
    """A row an annotator: it was said that no column names photos."""
    photos(tmp_path, [f"p/{i}.jpg" for i in range(6)])
    rows = [(f"{i}.jpg", k, "ab"[i % 2]) for k in range(3) for i in range(6)]
    table(tmp_path, "labels.csv", ("image", "by", "label"), rows)
    assert "names photos in image, each in several rows (--image image reads it)" in refusal(tmp_path)
    assert len(read(tmp_path, image="image")[0].frame) == 6
