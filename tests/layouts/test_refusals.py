"""Each wrong or ambiguous folder has its sentence, with the first cases and the flag that would help."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from folders import animals, photos, read, refusal, table, texts

from trainable.errors import InputError


def change(root: Path, file: str = "train.csv", /, **columns: object) -> Path:
    frame = pd.read_csv(root / file, dtype=str, keep_default_na=False).assign(**columns)
    frame.to_csv(root / file, index=False)
    return root


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return animals(tmp_path / "d")


def test_two_columns_of_photos(data: Path) -> None:
    change(data, other=[f"a{11 - i:02}" for i in range(12)])
    line = refusal(data)
    assert "two readings" in line and "--image id" in line and "--image other" in line
    assert read(data, image="other")[0].frame["image"][0] == "train/a11.jpg"


def test_two_folders_of_photos(data: Path) -> None:
    photos(data, [f"masks/a{i:02}.jpg" for i in range(12)])
    (data / "train").rename(data / "scans")
    line = refusal(data)
    assert "two readings" in line and "--image masks/" in line and "--image scans/" in line
    assert read(data, image="scans")[0].frame["image"][0] == "scans/a00.jpg"


def test_two_label_columns(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"x/{i}.jpg" for i in range(8)])
    table(root, "a.csv", ("key", "kind", "size"), [(i, i % 2, i % 4) for i in range(8)])
    line = refusal(root)
    assert "two readings" in line and "--label kind" in line and "--label size" in line
    assert texts(read(root, label="size")[0]) == ["0", "1", "2", "3"] * 2
    root = animals(tmp_path / "e")
    change(root, target="x")
    (root / "sample_submission.csv").write_text((root / "sample_submission.csv").read_text().replace("label", "target"))
    assert "the label is label, by its name, or target, which sample_submission.csv asks for" in refusal(root)


def test_two_tables(data: Path) -> None:
    (data / "train.csv").rename(data / "one.csv")
    (data / "sample_submission.csv").unlink()
    frame = pd.read_csv(data / "one.csv").rename(columns={"label": "kind"})
    frame.to_csv(data / "two.csv", index=False)
    change(data, "one.csv", extra="x")
    assert len(read(data)[0].frame) == 12  # one has a column called label
    frame.rename(columns={"kind": "sort"}).to_csv(data / "one.csv", index=False)
    line = refusal(data)
    assert "two readings" in line and "--label sort" in line and "--label kind" in line
    assert texts(read(data, label="kind")[0])[:3] == ["cat", "dog", "owl"]


def test_two_levels_of_folders(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"{a}/{b}/{i}.jpg" for a in ("x", "y") for b in ("p", "q") for i in range(3)])
    line = refusal(root)
    assert "two readings" in line and "--label folder_1" in line and "--label folder_2" in line
    assert read(root, label="folder_2", group="folder_1")[0].classes == ("p", "q")


def test_no_image_found_for_an_id(data: Path) -> None:
    for name in ("a03", "a05", "a07", "a09"):
        (data / f"train/{name}.jpg").unlink()
    line = refusal(data)
    assert "no image found for 4 of 12 ids in id: received 'a03', 'a05', 'a07' and 1 more" in line
    assert "--drop COLUMN=VALUE for rows that count for nothing, or" in line
    ids = pd.read_csv(data / "train.csv")["id"]
    change(data, quality=["bad" if one in ("a03", "a05", "a07", "a09", "a10") else "good" for one in ids])
    assert "--drop quality=bad for rows that count for nothing (all 4 are among the 5 such rows), or" in refusal(data)
    manifest, _ = read(data, skip_missing=True)
    assert len(manifest.frame) == 8
    assert "warning: training without 4 rows whose photo is missing" in manifest.taken.lines


def test_ids_that_match_twice(data: Path) -> None:
    photos(data, ["train/a01.png", "train/a02.png"])
    line = refusal(data)
    assert "ids that match two photos: received 'a01' (train/a01.jpg and train/a01.png), 'a02'" in line


def test_sample_submission_with_other_ids(data: Path) -> None:
    table(data, "test.csv", ("id", "place"), [(one, "p") for one in ("t0", "t7", "t4")])
    assert "sample_submission.csv: ids that test.csv lacks: received 't1'; allowed: the ids of test.csv" in refusal(
        data
    )
    (data / "test.csv").unlink()
    change(data, "sample_submission.csv", id=["t0", "t7", "x1", "x2"])
    assert "sample_submission.csv: no image found for 2 of 4 ids in id: received 'x1', 'x2'" in refusal(data)


def test_fold_column_that_splits_a_group(data: Path) -> None:
    change(data, site=["s1", "s2"] * 6)
    assert "a group in two folds of site: received 'p0' in s1 and s2, 'p1'" in refusal(data, group="place", fold="site")
    manifest, _ = read(data, fold="site")
    assert manifest.frame["fold"].tolist() == [0, 1] * 6
    assert "fold = site: 2 folds as given, s1 (6), s2 (6)" in manifest.taken.lines
    assert "fold column place has 1 values" in refusal(change(data, place="x"), fold="place")


def test_label_with_one_value(data: Path) -> None:
    assert "received the one label 'cat'; allowed: at least two" in refusal(change(data, label="cat"))


def test_labels_that_do_not_repeat(data: Path) -> None:
    line = refusal(change(data, label=[f"n{i}" for i in range(12)]))
    assert "12 classes of 12 photos in column label: received fewer than two photos a class" in line


def test_ten_thousand_classes(tmp_path: Path) -> None:
    from trainable.data.layouts.refusals import many_classes, refuse_other_tasks

    labels = pd.Series([f"n{i % 10_000}" for i in range(15_000)])
    with pytest.raises(InputError, match="10,000 classes of 15,000 photos"):
        refuse_other_tasks(labels, "label", "train.csv")
    (line,) = many_classes([str(i) for i in range(10_000)], 1_000_000)
    assert line.startswith("warning: 10,000 classes: the out-of-fold table of one trial takes 40.0 GB")


def test_label_column_of_floats(data: Path) -> None:
    line = refusal(change(data, label=[f"{i / 8}" for i in range(12)]))
    assert "numbers with decimals in label column label: received 0.125, 0.25, 0.375" in line and "regression" in line


def test_several_labels_a_photo(data: Path) -> None:
    assert "several labels a photo in column label: received 'cat dog'" in refusal(
        change(data, label=["cat", "dog", "cat dog"] * 4)
    )
    line = refusal(change(data, label="cat", tags=["cat", "dog|cat", "dog"] * 4), label="tags")
    assert "several labels a photo" in line
    manifest, _ = read(change(data, label=["Not sure", "cat", "sea cat"] * 4))  # names with blanks are names
    assert manifest.classes == ("Not sure", "cat", "sea cat")


def test_photo_in_two_rows_of_different_labels(data: Path) -> None:
    change(data, id=["a00", "a00", *(f"a{i:02}" for i in range(2, 12))])
    assert "several labels a photo: received train/a00.jpg (cat, dog)" in refusal(data)
    change(data, label=["cat", "cat", *["dog", "owl"] * 5])
    manifest, _ = read(data)
    assert len(manifest.frame) == 11
    assert "1 rows name a photo again, with the same label: counted once" in manifest.taken.lines


def test_multi_label_columns(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"x/{i}.jpg" for i in range(6)] + ["test/9.jpg"])
    table(root, "train.csv", ("key", "a", "b", "c"), [(i, 1, i % 2, 0) for i in range(6)])
    table(root, "sample_submission.csv", ("key", "a", "b", "c"), [(9, 0, 0, 0)])
    assert "several labels a photo, or none, in columns a, b, c: received '1' (2 labels)" in refusal(root)


def test_detection_is_refused(tmp_path: Path) -> None:
    root = photos(tmp_path / "d", [f"{i}.jpg" for i in range(3)])
    notes = [{"id": i, "image_id": i % 3, "category_id": i % 2} for i in range(6)]
    content = {"images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(3)], "annotations": notes}
    (root / "train.json").write_text(json.dumps(content))
    assert "several labels a photo" in refusal(root)


@pytest.mark.parametrize("name", ["groups", "Grup", "lable", "folds"])
def test_header_near_a_known_one(data: Path, name: str) -> None:
    frame = pd.read_csv(data / "train.csv").rename(columns={"place": name})
    if name == "lable":
        frame = frame.rename(columns={"label": "kind"})
    frame.to_csv(data / "train.csv", index=False)
    flag = {"groups": "group", "Grup": "group", "lable": "label", "folds": "fold"}[name]
    assert f"received column {name!r}, nearly {flag!r}" in refusal(data)
    if flag != "fold":
        read(data, **({"group": name} if flag == "group" else {"label": "kind"}))


@pytest.mark.parametrize("header", ["Group", "group ", " GROUP", "\ufeffgroup"])
def test_known_header_in_another_spelling(data: Path, header: str) -> None:
    frame = pd.read_csv(data / "train.csv").rename(columns={"place": header})[[header, "id", "label"]]
    frame.to_csv(data / "train.csv", index=False)
    assert read(data)[0].frame["group"].nunique() == 6


def test_header_there_twice(data: Path) -> None:
    text = (data / "train.csv").read_text().replace("id,label,place", "id,label,label")
    (data / "train.csv").write_text(text)
    assert "header there twice: received 'label'" in refusal(data)
    (data / "train.csv").write_text(text.replace("id,label,label", "id,label,Label"))
    assert read(data)[0].frame["Label"].nunique() == 6  # another spelling: a further column


def test_groups_are_joined_or_kept_apart_and_named(data: Path) -> None:
    change(data, place=["p1", " p1", "P1", "p1\u3000", "07", "7", "1", "1.0", "p/", "p", "e\u0301", "\u00e9"])
    manifest, _ = read(data, group="place")
    groups = manifest.frame["group"].tolist()
    assert groups[0] == groups[1] == groups[3] != groups[2] and groups[10] == groups[11]
    assert len(set(groups)) == 9
    said = [line for line in manifest.taken.lines if line.startswith(("group", "warning: group"))]
    assert "group: 3 rows lost blanks or took composed letters" in said
    assert "warning: group P1 / p1: one of them? 4 rows" in said
    assert {"warning: group 07 / 7: one of them? 2 rows", "warning: group p / p/: one of them? 2 rows"} <= set(said)


def test_classes_may_be_called_as_missing_values_are(data: Path) -> None:
    assert read(change(data, label=["None", "NA", "True"] * 4))[0].classes == ("NA", "None", "True")


def test_empty_labels_are_refused_or_dropped(data: Path) -> None:
    change(data, label=["", "cat", "dog"] * 4)
    assert "no label for 'a00', 'a03', 'a06' and 1 more" in refusal(data)
    assert "--drop label=" in refusal(data)
    manifest, _ = read(data, drop=(("label", ("",)),))
    assert len(manifest.frame) == 8
    assert "dropped: 4 of 12 rows, label = an empty cell" in manifest.taken.lines


def test_drop_comes_before_every_check(data: Path) -> None:
    change(data, label=["Not sure", "cat", "dog"] * 4)
    (data / "train/a00.jpg").unlink()
    manifest, _ = read(data, drop=(("label", ("Not sure",)),))
    assert manifest.classes == ("cat", "dog")
    assert "nearest: Not sure" in refusal(data, drop=(("label", ("Not sur",)),))
    assert "no column of train.csv; allowed: label" in refusal(data, drop=(("lable", ("x",)),))


@pytest.mark.parametrize("flag", ["label", "group", "fold", "image"])
def test_flag_that_names_no_column(data: Path, flag: str) -> None:
    assert f"--{flag}: received 'plaice', no column of train.csv; allowed: place" in refusal(data, **{flag: "plaice"})


def test_line_break_inside_a_label(data: Path) -> None:
    assert "label with a line break inside: received 'ca\\nt'" in refusal(
        change(data, label=["ca\nt", "dog", "owl"] * 4)
    )


def test_arrays_are_no_photos(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.npy").write_bytes(b"x")
    assert "no photo in it; received 1 .npy" in refusal(tmp_path / "d")


@pytest.mark.parametrize("top", ["", "train/"])
def test_photos_beside_class_folders_are_named_wherever_these_lie(tmp_path: Path, top: str) -> None:
    photos(tmp_path, [f"{top}{kind}/{i}.png" for kind in ("cat", "dog") for i in range(3)] + [f"{top}9.png"])
    assert f"received 1 photo beside the folders cat, dog: {top}9.png" in refusal(tmp_path)
