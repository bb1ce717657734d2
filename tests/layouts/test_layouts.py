"""Every way of keeping labelled photos ends in the same manifest and test set."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from folders import animals, photos, read, table, texts

from trainable.errors import InputError


def test_table_of_ids_with_a_sample_submission(tmp_path: Path) -> None:
    manifest, test = read(animals(tmp_path / "d"), group="place")
    assert manifest.frame["image"].tolist() == [f"train/a{i:02}.jpg" for i in range(12)]
    assert texts(manifest) == ["cat", "dog", "owl"] * 4
    assert manifest.frame["group"].tolist() == [f"p{i // 2}" for i in range(12)]
    assert test is not None and test.images == ["test/t0.jpg", "test/t7.jpg", "test/t4.jpg", "test/t1.jpg"]
    assert "image = id + .jpg below train/: 12 of 12 found" in manifest.taken.lines
    assert manifest.attributes == ()


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_delimiter_and_encoding(tmp_path: Path, mark: str, encoding: str) -> None:
    root = photos(tmp_path / "d", [f"photos/{i}.png" for i in range(9)])
    lines = [f"{i}.png{mark}{('Kätzchen', 'Hündchen', 'Vögelchen')[i % 3]}{mark}Straße {i}" for i in range(9)]
    (root / "list.csv").write_bytes("\n".join([mark.join(("Datei", "Label", "Größe")), *lines]).encode(encoding))
    manifest, test = read(root)
    assert manifest.classes == ("Hündchen", "Kätzchen", "Vögelchen")
    assert manifest.frame["Größe"].tolist() == [f"Straße {i}" for i in range(9)]
    guessed = [line for line in manifest.taken.lines if "read as" in line]
    assert len(guessed) == (encoding == "cp1252") and all("such as 'Größe'" in line for line in guessed)
    assert test is None


def test_parquet_keeps_numbers_as_they_are(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"x/{i}.jpg" for i in range(8)])
    frame = pd.DataFrame({"key": range(8), "label": [7, 11] * 4, "site": pd.Series([1, None] * 4, dtype="Int64")})
    frame.to_parquet(root / "train.parquet")
    manifest, _ = read(root)
    assert manifest.classes == ("7", "11")
    assert manifest.frame["site"].tolist() == ["1", ""] * 4


def test_photos_in_several_folders_and_paths_in_cells(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"part_{i % 2 + 1}/{i}.jpg" for i in range(8)])
    table(root, "meta.csv", ("scan", "label"), [(i, "ab"[i % 2]) for i in range(8)])
    assert read(root)[0].frame["image"].tolist() == [f"part_{i % 2 + 1}/{i}.jpg" for i in range(8)]
    table(root, "meta.csv", ("scan", "label"), [(f"part_{i % 2 + 1}/{i}.jpg", "ab"[i % 2]) for i in range(8)])
    assert read(root)[0].frame["image"].tolist() == [f"part_{i % 2 + 1}/{i}.jpg" for i in range(8)]


def test_train_and_test_of_one_number_are_told_apart(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"{part}/{i}.jpg" for part in ("test", "train") for i in range(1, 7)])
    table(root, "train_labels.csv", ("name", "invasive"), [(i, i % 2) for i in range(1, 7)])
    table(root, "sample_submission.csv", ("name", "invasive"), [(i, 0.5) for i in range(1, 7)])
    manifest, test = read(root)
    assert manifest.frame["image"].tolist() == [f"train/{i}.jpg" for i in range(1, 7)]
    assert test is not None and test.images == [f"test/{i}.jpg" for i in range(1, 7)]
    assert test.form.kind == "score"


@pytest.mark.parametrize("top", ["", "train/", "pictures/"])
def test_folder_per_class(tmp_path: Path, top: str) -> None:
    root = photos(tmp_path / "d", [f"{top}{name}/{i}.jpg" for name in ("cat", "dog") for i in range(3)])
    manifest, test = read(root)
    assert manifest.classes == ("cat", "dog") and texts(manifest) == ["cat"] * 3 + ["dog"] * 3
    assert test is None


def test_folder_per_class_with_splits(tmp_path: Path) -> None:
    names = [f"{part}/{name}/{i}.jpg" for part in ("train", "valid") for name in ("cat", "dog") for i in range(3)]
    root = photos(tmp_path / "d", [*names, "test/9.jpg", "test/8.jpg"])
    manifest, test = read(root)
    assert len(manifest.frame) == 12 and manifest.classes == ("cat", "dog")
    assert any(line.startswith("6 photos of a validation folder") for line in manifest.taken.lines)
    assert test is not None and test.images == ["test/8.jpg", "test/9.jpg"]
    assert list(test.table.columns) == ["image", "label"]


def test_labelled_test_folders_are_predicted_not_read(tmp_path: Path) -> None:
    root = photos(
        tmp_path / "d", [f"{part}/{c}/{part}{i}.jpg" for part in ("train", "test") for c in "ab" for i in "012"]
    )
    manifest, test = read(root)
    assert len(manifest.frame) == 6
    assert test is not None and len(test.images) == 6 and set(test.table["label"]) == {""}


def test_class_in_the_name_of_the_file(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"train/{name}.{i}.jpg" for name in ("cat", "dog") for i in range(4)])
    photos(root, ["test/1.jpg", "test/2.jpg"])
    table(root, "sample_submission.csv", ("id", "label"), [(2, 0.5), (1, 0.5)])
    manifest, test = read(root)
    assert texts(manifest) == ["cat"] * 4 + ["dog"] * 4
    assert test is not None and test.images == ["test/2.jpg", "test/1.jpg"]
    assert (test.form.kind, test.form.positive) == ("score", 1)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_image_folder_with_metadata(tmp_path: Path, form: str) -> None:
    """Names are relative to the metadata's own folder; the two parts hold photos of one name."""
    root = photos(tmp_path / "d", [f"{part}/{i}.png" for part in ("train", "test") for i in range(6)])
    rows = [{"file_name": f"{i}.png", "label": "ab"[i % 2], "site": i // 2} for i in range(6)]
    for part in ("train", "test"):
        if form == "csv":
            pd.DataFrame(rows).to_csv(root / part / "metadata.csv", index=False)
        else:
            lines = "\n".join(json.dumps(row) for row in rows)
            (root / part / "metadata.jsonl").write_text(lines, encoding="utf-8")
    manifest, test = read(root, group="site")
    assert manifest.layout == "image folder"
    assert manifest.frame["image"].tolist() == [f"train/{i}.png" for i in range(6)]
    assert manifest.frame["group"].tolist() == [str(i // 2) for i in range(6)]
    assert test is not None and test.images == [f"test/{i}.png" for i in range(6)]
    assert test.groups == tuple(str(i // 2) for i in range(6))
    assert set(test.table["label"]) == {""}  # what it says of the test photos is not read


def test_coco_json_by_number_or_by_name(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"train/images/{i}.jpg" for i in range(6)] + ["test/images/0.jpg"])
    content = {
        "images": [{"id": i, "file_name": f"images/{i}.jpg", "location": i // 2} for i in range(6)],
        "annotations": [{"id": 90 + i, "image_id": i, "category_id": 5 + 5 * (i % 2)} for i in range(6)],
        "categories": [{"id": 5, "name": "fir"}, {"id": 10, "name": "oak"}, {"id": 11, "name": "elm"}],
    }
    (root / "train/metadata.json").write_text(json.dumps(content))
    (root / "test/metadata.json").write_text(json.dumps([{"id": "77", "file_name": "images/0.jpg"}]))
    for answer, classes in (("5", ("5", "10")), ("oak", ("fir", "oak"))):
        table(root, "sample_submission.csv", ("Id", "Predicted"), [(77, answer)])
        manifest, test = read(root, group="images.location")
        assert manifest.classes == classes
        assert manifest.frame["group"].tolist() == ["0", "0", "1", "1", "2", "2"]
        assert test is not None and test.images == ["test/images/0.jpg"]
        assert test.table.columns.tolist() == ["Id", "Predicted"]


def test_one_hot_columns_with_and_without_a_sample(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"images/{i}.jpg" for i in range(6)])
    rows = [(i, *(int(i % 3 == c) for c in range(3))) for i in range(6)]
    table(root, "train.csv", ("key", "fine", "rust", "scab"), rows)
    assert texts(read(root)[0]) == ["fine", "rust", "scab"] * 2


@pytest.mark.parametrize(("rows", "other", "read_as"), [(24, False, True), (8, False, False), (24, True, False)])
def test_two_columns_that_are_opposites_are_one_label_where_nothing_else_may_be(
    tmp_path: Path, rows: int, other: bool, read_as: bool
) -> None:
    """As labelling tools write a task of two classes; in few rows, or beside another column, that may be chance."""
    root = photos(tmp_path / "d", [f"images/{i}.jpg" for i in range(rows)])
    more = ("camera",) if other else ()
    cells = [(f"{i}.jpg", i % 2, 1 - i % 2, *("AB"[i % 3 // 2] for _ in more)) for i in range(rows)]
    table(root, "train.csv", ("filename", "dog", "cat", *more), cells)
    if read_as:
        assert texts(read(root)[0]) == ["cat", "dog"] * (rows // 2)
    else:
        with pytest.raises(InputError, match="--label"):
            read(root)


def test_label_by_what_the_test_table_lacks(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"all/{i}.jpg" for i in range(9)])
    table(root, "train.csv", ("key", "camera", "kind"), [(i, i % 2, i % 3) for i in range(6)])
    table(root, "test.csv", ("key", "camera"), [(i, 1) for i in (8, 6, 7)])
    manifest, test = read(root, group="camera")
    assert texts(manifest) == ["0", "1", "2"] * 2
    assert test is not None and test.images == ["all/8.jpg", "all/6.jpg", "all/7.jpg"]
    assert (test.groups, list(test.table.columns)) == (("1", "1", "1"), ["key", "kind"])


def test_label_by_values_that_are_columns_of_the_sample(tmp_path: Path) -> None:
    """Beside folders per class below a folder of their own, and a table of who drove."""
    names = [f"imgs/train/c{i % 2}/img_{i}.jpg" for i in range(8)]
    root = photos(tmp_path / "d", [*names, "imgs/test/img_90.jpg"])
    rows = [(f"p{i // 4}", f"c{i % 2}", f"img_{i}.jpg") for i in range(8)]
    table(root, "driver_list.csv", ("subject", "classname", "img"), rows)
    table(root, "sample_submission.csv", ("img", "c0", "c1", "c2"), [("img_90.jpg", 0.3, 0.3, 0.3)])
    manifest, test = read(root, group="subject")
    assert manifest.frame["image"].tolist() == names and texts(manifest) == ["c0", "c1"] * 4
    assert test is not None and test.form.absent == ("c2",)
    assert "submission: img, 3 columns, one a class; 0 for c2, without a photo" in manifest.taken.lines


def test_further_columns_are_kept_also_where_the_manifest_has_their_name(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"x/{i}.jpg" for i in range(6)])
    header = ("key", "label", "age", "gender", "bytes", "group")
    table(root, "a.csv", header, [(i, "ab"[i % 2], 40 + i, "f", 1, i // 2) for i in range(6)])
    manifest, _ = read(root, group="age")
    assert manifest.attributes == ()  # ages of patients, say: nothing that classes are made of
    assert manifest.frame["gender"].tolist() == ["f"] * 6
    assert manifest.frame["source.group"].tolist() == [str(i // 2) for i in range(6)]
    assert manifest.frame["group"].tolist() == [str(40 + i) for i in range(6)]


@pytest.mark.parametrize("name", ["answers.csv", "solution.csv", "test_truth.csv", "Solutions.parquet"])
def test_answers_are_never_read(tmp_path: Path, name: str) -> None:
    root = animals(tmp_path / "d")
    (root / name).write_bytes(b"\xff\xfe\x00 no table at all")
    before = read(root)[0].taken.lines
    (root / name).unlink()
    assert read(root)[0].taken.lines == before
