"""What people's folders and tables hold beside the data: passed over, said, or refused for what it is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from folders import photos, read, table, texts

from trainable.data.layouts import plan_lines, read_manifest
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
    for name in ("cat/a.svg", "dog/1.mov", "dog/2.MOV"):
        (pets / name).touch()
    table(pets, "Test.csv", ("id",), [("1",)])
    assert any(
        "warning: Test.csv not read where folders or names are the classes" in line
        for line in read(pets)[0].taken.lines
    )
    assert "warning: passed over: 3 files not read as photos (2 .mov, 1 .svg)" in read(pets)[0].taken.lines


def test_photos_beside_the_class_folders_are_named(pets: Path) -> None:
    photos(pets, ["12.png"])
    with pytest.raises(InputError, match=r"1 photo beside the folders cat, dog: 12\.png; allowed: every photo"):
        read(pets)


def test_tables_that_are_not_read_by_their_name_are_named_where_nothing_else_is(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"i/{i}.png" for i in range(8)])
    for name in ("pcr_test.csv", "GroundTruth.csv"):
        table(root, name, ("id", "y"), [(i, "ab"[i % 2]) for i in range(8)])
    with pytest.raises(InputError, match=r"pcr_test.csv is taken for rows to predict.*GroundTruth\.csv is not read"):
        read(root)


def test_a_folder_beside_train_is_no_class(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"train/{kind}/{i}.png" for kind in ("cat", "dog") for i in range(4)])
    manifest, _ = read(photos(root, [f"unlabeled/{i}.png" for i in range(3)]))
    assert manifest.classes == ("cat", "dog") and len(manifest.frame) == 8
    assert any("warning: 3 photos elsewhere, such as unlabeled/0.png" in line for line in manifest.taken.lines)


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
    nobody = ["nan", "NaN", "None", "none", "p", "q", "p", "q"]
    alone = listed(tmp_path / "alone", [(name,) for name in nobody], "group")
    assert not any("one of them" in line for line in alone)  # each stands alone, however it is written
    table(tmp_path / "d", "test.csv", ("path", "group"), [(f"{i}.png", ("p", "unknown")[i > 0]) for i in range(3)])
    assert any("test group 'unknown': one of them" in line for line in plan_lines(read(tmp_path / "d")[0]))
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


@pytest.mark.parametrize(
    ("layout", "name", "said"),
    [
        ("manifest.csv", "Extra.csv", "rows that only train need a file extra.csv"),
        ("manifest.csv", "extra.tsv", "rows that only train need a file extra.csv"),
        ("train.csv", "extra.csv", "rows that only train need manifest.csv or the competition's train/ beside it"),
        ("manifest.csv", "sample_submission.csv", "predictions are of test.csv, as path,prediction"),
    ],
)
def test_files_that_mean_something_elsewhere_are_said(tmp_path: Path, layout: str, name: str, said: str) -> None:
    root = photos(tmp_path / "d", [f"{i}.png" for i in range(6)])
    table(root, layout, ("path", "label"), [(f"{i}.png", "ab"[i % 2]) for i in range(6)])
    if name != "extra.csv":  # a row of it would be refused, were it read
        table(root, name, ("path", "label"), [("nowhere.png", "c")])
    else:
        table(root, name, ("path", "label"), [("5.png", "a")])
    (line,) = [line for line in read_manifest(root).taken.lines if "is not read" in line]
    assert line.startswith(f"warning: {name} is not read") and line.endswith(said)


def test_a_photo_of_the_table_in_extra_csv_is_refused_there(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"{i}.png" for i in range(6)])
    table(root, "manifest.csv", ("path", "label"), [(f"{i}.png", "ab"[i % 2]) for i in range(6)])
    table(root, "extra.csv", ("path", "label"), [("2.png", "a")])
    with pytest.raises(InputError, match=r"extra\.csv: 2\.png occurs twice; allowed: one row an image, here or in man"):
        read(root)


def test_tables_beside_folders_of_classes_that_name_few_photos_are_no_labels(pets: Path) -> None:
    corrections = [(f"cat/{i}.png", "label", "dog", 1, "cat") for i in range(3)]
    table(pets, "suspects.csv", ("path_or_id", "field", "value", "score", "given"), corrections)
    assert texts(read(pets)[0]) == ["cat"] * 4 + ["dog"] * 4
    table(pets, "notes.csv", ("file", "seen"), [(f"cat/{i}.png", "yn"[i % 2]) for i in range(4)])
    with pytest.raises(InputError, match=r"file names 4 of 8 photos \(--image file\), or the folders that all lie in"):
        read(pets)
    (pets / "notes.csv").unlink()
    table(pets, "classes.csv", ("id", "name"), [(0, "cat"), (1, "dog")])
    photos(pets, ["cat/x.png"])
    for place in pets.glob("dog/[01].png"):
        place.rename(place.with_stem(f"d{place.stem}"))
    with pytest.raises(InputError, match=r"id names 2 photos \(--image id\), or name names folders of 9 photos"):
        read(pets)


def test_tables_that_name_some_of_what_folders_or_names_tell_of_all_are_refused(tmp_path: Path) -> None:
    root = photos(tmp_path / "a", [f"train/{kind}.{i}.png" for kind in ("cat", "dog") for i in range(6)])
    table(root, "done.csv", ("file", "label"), [(f"{kind}.{i}.png", kind) for kind in ("cat", "dog") for i in (0, 1)])
    with pytest.raises(InputError, match=r"file names 4 of 12 photos .*, or the first parts of all names are classes"):
        read(root)
    assert len(read(root, image="file")[0].frame) == 4
    root = photos(tmp_path / "b", [f"{kind}/{kind[0]}{i}.png" for kind in ("cat", "dog") for i in range(6)])
    rows = [(f"{kind}{i}.png", f"p{i}") for kind in "cd" for i in range(5)]
    table(root, "people.csv", ("file", "who"), rows)
    with pytest.raises(InputError, match=r"the label is the folder .* and 2 photos, such as cat/c5\.png, in no row"):
        read(root, group="who")
    assert len(read(root, group="who", image="file")[0].frame) == 10
    table(root, "people.csv", ("file", "kind"), [(f"c{i}.png", "ab"[i % 2]) for i in range(6)])
    table(root, "test.csv", ("file",), [(f"d{i}.png",) for i in range(6)])  # the folders only spread photos
    assert texts(read(root)[0]) == ["a", "b"] * 3
    root = photos(tmp_path / "c", [f"{i}.png" for i in range(8)])
    for name, header in (("train.csv", "kind"), ("labels.csv", "label")):
        table(root, name, ("id", header), [(i, "ab"[i % 2]) for i in range(8)])
    with pytest.raises(InputError, match="no column label here, and one in another table; allowed: --label label"):
        read(root)


def test_ids_of_folders_that_hold_a_photo_of_that_name_name_photos(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"i/{i:02}/{i:02}{end}.png" for i in range(8) for end in ("", "_mask")])
    table(root, "train.csv", ("id", "y"), [(f"{i:02}", "ab"[i % 2]) for i in range(8)])
    assert read(root)[0].frame["image"].tolist() == [f"i/{i:02}/{i:02}.png" for i in range(8)]


def test_photos_that_no_row_names_are_said(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"train/{i}.png" for i in range(9)] + [f"test/{i}.png" for i in range(20, 25)])
    table(root, "train.csv", ("id", "y", "ok"), [(i, "ab"[i % 2], "yn"[i == 4]) for i in range(8)])
    table(root, "sample_submission.csv", ("id", "y"), [(i, "a") for i in range(20, 23)])
    for flags in ({}, {"drop": (("ok", ("n",)),)}):
        (manifest, _), said = read(root, **flags), "neither training nor predicted"
        assert [li for li in manifest.taken.lines if li.startswith("warning")] == [
            f"warning: 1 photo, such as train/8.png, in no row of train.csv: {said}",
            "warning: 2 photos of test folders, such as test/23.png, not in sample_submission.csv, so nothing predicts "
            "them",
        ]
    (root / "sample_submission.csv").unlink()
    shutil.rmtree(root / "test")
    (warning,) = [line for line in read(root, label="y")[0].taken.lines if line.startswith("warning")]
    assert "neither training nor predicted (to have photos predicted: a folder called test, a test.csv, or" in warning


@pytest.mark.parametrize("name", ["no_label", "Unlabeled", "not labelled", "?", "N/A", "cat (1)", "cat - Copy", "none"])
def test_classes_that_may_be_none_and_copies_of_a_folder_are_warned_of(pets: Path, name: str) -> None:
    """What CVAT exports without a label lies in a folder no_label: it trained, and was scored, as a class."""
    if "/" in name:
        table(
            pets,
            "all.csv",
            ("file", "label"),
            [(f"{k}/{i}.png", (k, name)[i == 3]) for k in ("cat", "dog") for i in range(4)],
        )
    else:
        photos(pets, [f"{name}/{i}.png" for i in range(2)])
    said = [line for line in read(pets)[0].taken.lines if line.startswith("warning: label")]
    if name == "none":  # a name, as people call what has nothing
        assert not said
    elif name.startswith("cat"):
        assert said == [f"warning: label cat / {name}: one class? 2 rows"]
    else:
        drop = f"--drop label={name}" if name.isidentifier() or "/" in name else f"--drop 'label={name}'"
        assert said == [f"warning: label {name!r}: a class, or not labelled? 2 rows ({drop} leaves them out)"]


def test_groups_in_the_first_row_of_merged_cells_alone_are_warned_of(tmp_path: Path) -> None:
    said = listed(tmp_path / "d", [(f"p{i}" if i % 4 == 0 else "",) for i in range(8)], "group")
    assert any("warning: group: each value stands in one row, before rows without one: merged cells" in s for s in said)
    assert not any(
        "merged" in s for s in listed(tmp_path / "e", [(f"p{i // 2}" if i < 6 else "",) for i in range(8)], "group")
    )


def test_a_label_that_is_a_list_is_refused_and_no_other_column_is_taken_for_it(tmp_path: Path) -> None:
    photos(tmp_path, [f"train/{i}.png" for i in range(8)])
    rows = [{"file_name": f"{i}.png", "labels": ["cat"], "site": "ab"[i % 2]} for i in range(8)]
    (tmp_path / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(InputError, match=r"column labels holds lists; allowed: one label a photo"):
        read(tmp_path)
