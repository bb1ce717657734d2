"""Names that only seem to be those of photos, names that tools changed, and what names say of labels and of copies."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from folders import photos, read, table, texts

from trainable.errors import InputError

KINDS = ["cat", "dog", "dog"] * 4


def refused(root: Path, **flags: object) -> str:
    with pytest.raises(InputError) as said:
        read(root, **flags)
    return str(said.value)


@pytest.mark.parametrize("header", ["", "Unnamed: 0", "index", "n"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "PNG"])
def test_numbers_of_rows_are_no_names_of_photos(tmp_path: Path, header: str, suffix: str) -> None:
    """Rows in another order than photos: every label would be another photo's."""
    root = photos(tmp_path, [f"i/{i}.png" for i in range(12)])
    table(root, "train.csv", (header, "file", "kind"), [(i, f"{11 - i}.{suffix}", KINDS[i]) for i in range(12)])
    if header == "n":
        assert "two readings" in refused(root)
    read_by = {"image": "file"} if header == "n" else {}
    for _ in range(2):
        manifest, _ = read(root, skip_missing=True, **read_by)
        kinds = dict(zip(manifest.frame["image"], texts(manifest), strict=True))
        assert all(kind == KINDS[11 - int(Path(image).stem)] for image, kind in kinds.items()) and len(kinds) > 10
        (root / "i/7.png").unlink(missing_ok=True)  # as many rows have a photo by their number as before


def test_numbers_beside_names_of_photos_that_are_not_here_are_refused(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"i/{i}.png" for i in range(12)])
    table(root, "train.csv", ("id", "image", "kind"), [(i, f"/data/x{11 - i}.png", KINDS[i]) for i in range(12)])
    line = refused(root)
    assert "image = image below the data folder: 0 of 12 found, such as '/data/x11.png', and by number" in line
    assert texts(read(root, image="id")[0]) == KINDS


@pytest.mark.parametrize("written", ["{}.tif", "{}.PNG", "/data/upload/1/0a1b2c3d-{}.png", "{}"])
def test_names_as_tools_write_them_are_found_and_said(tmp_path: Path, written: str) -> None:
    root = photos(tmp_path, [f"i/photo {i:02}.png" for i in range(12)])
    cells = [written.format(f"photo%20{i:02}") for i in range(12)]
    table(root, "export.csv", ("image", "choice"), list(zip(cells, KINDS, strict=True)))
    manifest, _ = read(root)
    assert texts(manifest) == KINDS
    assert f"({cells[0]} is photo 00.png)" in " ".join(manifest.taken.lines)


@pytest.mark.parametrize("form", ["{}.png", "gs://bucket/i/{}.png", "{}"])
def test_a_table_without_a_header_is_refused(tmp_path: Path, form: str) -> None:
    root = photos(tmp_path, [f"i/{i}.png" for i in range(12)])
    table(root, "train.csv", (form.format(0), KINDS[0]), [(form.format(i), KINDS[i]) for i in range(1, 12)])
    said = f"received {form.format(0)}, {KINDS[0]}, of which {form.format(0)} is a photo"
    assert f"the first line is no header: {said}" in refused(root)


def test_a_folder_that_is_not_here_is_not_another_one(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"a/{i}.png" for i in range(12)])
    rows = [(f"/home/x/{'ab'[i % 2]}/{i}.png", KINDS[i]) for i in range(12)]
    table(root, "train.csv", ("image", "kind"), rows)
    assert "no image found for 6 of 12 ids in image: received '/home/x/b/1.png'" in refused(root)
    assert len(read(root, skip_missing=True)[0].frame) == 6
    table(root, "train.csv", ("image", "kind"), [(path.replace("/b/", "/a/"), kind) for path, kind in rows])
    assert texts(read(root)[0]) == KINDS


def test_a_photo_of_two_groups_is_refused(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"i/{i}.png" for i in range(12)])
    rows = [(f"{i}.png", KINDS[i], f"p{i // 2}") for i in range(12)]
    table(root, "train.csv", ("image", "label", "group"), [*rows, ("3.png", KINDS[3], "p5")])
    assert "several groups a photo: received i/3.png (p1, p5); allowed: one" in refused(root)


@pytest.mark.parametrize("name", ["labels.csv", "labels.xlsx", "project.jsonl"])
def test_names_are_not_the_label_where_a_table_may_hold_it(tmp_path: Path, name: str) -> None:
    root = photos(tmp_path, [f"p{i // 3}_{i}.png" for i in range(12)])
    table(root, name, ("case", "label"), [(f"x{i}", KINDS[i]) for i in range(12)])
    line = refused(root)
    assert f"a part of the file's name, part_1 (p0, p1, p2 and 1 more, --label part_1), or in {name}" in line
    assert read(root, label="part_1")[0].classes == ("p0", "p1", "p2", "p3")


def test_names_are_not_the_label_where_a_list_may_hold_it(tmp_path: Path) -> None:
    names = [f"p{i // 3}_{i}.png" for i in range(12)]
    root = photos(tmp_path, names)
    (root / "readme.txt").write_text("twelve photos\nof four patients, named p0 to p3\n")
    assert read(root)[0].classes == ("p0", "p1", "p2", "p3")
    (root / "labels.txt").write_text("".join(f"./{name} {kind}\n" for name, kind in zip(names, KINDS, strict=True)))
    assert "or in labels.txt" in refused(root)


def test_names_are_not_the_label_where_folders_may_be(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"{kind}/{part}/{n}_{i}.png" for kind in ("cat", "dog") for part in ("train", "test")
                             for n in "ab" for i in range(3)])  # fmt: skip
    assert "part_1 (a, b, --label part_1), or a folder, such as cat, dog; allowed: the flag" in refused(root)
    assert read(root, label="part_1")[0].classes == ("a", "b")


def test_parts_of_names_that_may_each_be_the_label_are_refused(tmp_path: Path) -> None:
    root = photos(tmp_path / "a", [f"p{i // 4}_{'xy'[i % 2]}_{i}.png" for i in range(12)])
    line = refused(root)
    assert "part_1 (p0, p1, p2, --label part_1) or part_2 (x, y, --label part_2) or front (p0_x" in line
    manifest, _ = read(root, label="part_2", group="part_1")
    assert manifest.classes == ("x", "y") and manifest.frame["group"].nunique() == 3
    names = ["pug", "american_bulldog", "american_pit_bull"]
    root = photos(tmp_path / "b", [f"{name}_{i}.png" for name in names for i in range(3)])
    assert "front (american_bulldog, american_pit_bull, pug, --label front)" in refused(root)
    assert len(read(root, label="front")[0].classes) == 3


def test_a_folder_that_shows_itself_again_is_read_once(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"i/{i}.png" for i in range(12)])
    table(root, "train.csv", ("id", "kind"), list(enumerate(KINDS)))
    os.symlink("..", root / "i/up")  # noqa: PTH211
    assert texts(read(root)[0]) == KINDS


def test_folders_and_names_in_decomposed_letters_or_with_blanks_are_found(tmp_path: Path) -> None:
    kinds = [unicodedata.normalize("NFD", "가"), "dog ", "dog"]
    root = photos(
        tmp_path, [f"{unicodedata.normalize('NFD', 'é')}/{kind}/é {i}.png" for kind in kinds for i in range(4)]
    )
    manifest, _ = read(root)
    assert texts(manifest) == ["dog"] * 8 + ["가"] * 4 and manifest.frame["image"].nunique() == 12


def test_a_validation_table_in_another_order_of_columns_is_read_too(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"i/{i}.png" for i in range(12)])
    table(root, "train.csv", ("image", "label"), [(f"{i}.png", KINDS[i]) for i in range(8)])
    table(root, "val.csv", ("label", "image"), [(KINDS[i], f"{i}.png") for i in range(8, 12)])
    assert texts(read(root)[0]) == KINDS


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["car", "bus", "crash_test"], "photos of crash_test are to be predicted, or of a class, by the word crash"),
        (["car", "bus", "train"], "train: photos of a part of the data, by the folder's name, beside bus, car"),
        (["valid", "invalid"], "valid: photos of a part of the data, by the folder's name, beside invalid; allowed"),
        (["test_pos", "test_neg"], "test_neg, test_pos: photos of a part of the data, by the folder's name; allowed"),
    ],
)
def test_classes_that_are_called_like_parts_are_refused(tmp_path: Path, folders: list[str], said: str) -> None:
    assert said in refused(photos(tmp_path, [f"{folder}/{i}.png" for folder in folders for i in range(4)]))


def test_folders_of_one_name_below_others_keep_their_photos(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"{above}train/{kind}/{i}.png" for above in ("", "b/") for kind in "xy" for i in range(4)])
    assert len(read(root)[0].frame) == 16


def test_rows_that_an_open_quote_swallows_are_refused(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"{i}.png" for i in range(12)])
    lines = [f"{i}.png,{KINDS[i]},fine" for i in range(12)]
    lines[2], lines[8] = '2.png,dog,"open', '8.png,dog,closed"'
    (root / "manifest.csv").write_text("\n".join(["path,label,note", *lines]))
    assert "rows inside a cell of note, which begins 'open': a quote is open" in refused(root)
    lines[2], lines[8] = '2.png,dog,"two\nlines, of a note"', "8.png,dog,fine"
    (root / "manifest.csv").write_text("\n".join(["path,label,note", *lines]))
    assert texts(read(root)[0]) == KINDS


def test_columns_that_may_be_groups_are_named_for_a_manifest_too(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"{i}.png" for i in range(12)])
    rows = [(f"{i}.png", KINDS[i], f"p{i // 3}" if i else "") for i in range(12)]
    table(root, "manifest.csv", ("path", "label", "patient"), rows)
    assert any("belong together: --group patient (5 values)" in line for line in read(root)[0].taken.lines)
    table(root, "manifest.csv", ("path", "label", "group_id"), rows)
    assert "received column 'group_id', nearly 'group'" in refused(root)


def coco(root: Path, name: str, numbers: range, categories: dict[int, str], *, annotated: int) -> None:
    images = [{"id": i, "file_name": f"{11 - i}.png"} for i in numbers]
    ids = {kind: key for key, kind in categories.items()}
    notes = [{"image_id": i, "category_id": ids[KINDS[11 - i]]} for i in numbers[:annotated]]
    listed = [{"id": key, "name": kind} for key, kind in categories.items()]
    (root / name).write_text(json.dumps({"images": images, "annotations": notes, "categories": listed}))


def test_coco_of_two_exports_goes_by_names_of_files_and_says_what_lacks_an_annotation(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"i/{i}.png" for i in range(12)])
    coco(root, "instances_train.json", range(8), {1: "cat", 2: "dog"}, annotated=7)
    coco(root, "instances_val.json", range(8, 12), {2: "cat", 1: "dog"}, annotated=4)
    assert "categories with other names than before: received 2 (cat, dog), 1 (dog, cat)" in refused(root)
    manifest, _ = read(root, label="name")
    assert texts(manifest) == [KINDS[int(Path(image).stem)] for image in manifest.frame["image"]]
    assert "warning: instances_train.json: 1 of 8 images have no annotation and do not train" in manifest.taken.lines


def test_folders_of_other_classes_and_links_that_lead_nowhere_are_warned_of(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"{KINDS[i]}/{i}.png" for i in range(12)])
    os.symlink(root / "gone.png", root / "cat/12.png")  # noqa: PTH211
    assert "warning: 1 links that lead nowhere: were these photos fetched?" in read(root)[0].taken.lines
    table(root, "train.csv", ("image", "label"), [(f"{i}.png", KINDS[i] if i > 1 else "dog") for i in range(12)])
    lines = read(root)[0].taken.lines
    assert "warning: 1 photo in a folder of another class than the table says: cat/0.png is dog" in lines


def test_classes_as_columns_of_numbers_with_blanks_before_them_are_read(tmp_path: Path) -> None:
    names = [f"train/{i}_jpg.rf.01{i:02x}.jpg" for i in range(12)]
    root, kinds = photos(tmp_path, names), ["cat", "dog", "owl"]
    rows = [f"{Path(name).name}, {', '.join(str(int(i % 3 == k)) for k in range(3))}" for i, name in enumerate(names)]
    (root / "train/_classes.csv").write_text("\n".join(["filename, cat, dog, owl", *rows]))
    assert sorted(texts(read(root)[0])) == sorted(kinds * 4)


@pytest.mark.parametrize("name", ["{}.{}", "{}_{}", "{}{}", "{} ({})"])
def test_classes_in_names_of_photos_beside_a_table_of_something_else_are_two_readings(
    tmp_path: Path, name: str
) -> None:
    """Cameras became the classes of cat.0.jpg, since theirs was the one column whose values repeat."""
    names = [f"train/{name.format(kind, i)}.png" for i, kind in enumerate(KINDS)]
    photos(tmp_path, [*names, *(f"test/{i}.png" for i in range(4))])
    table(tmp_path, "info.csv", ("file", "camera"), [(one[6:], f"c{i // 6}") for i, one in enumerate(names)])
    table(tmp_path, "sample_submission.csv", ("id", "label"), [(i, 0.5) for i in range(4)])
    assert "label is camera (2 values, --label camera) or part_1 (2 values, --label part_1)" in refused(tmp_path)
    manifest, test = read(tmp_path, label="part_1", group="camera")
    assert sorted(texts(manifest)) == sorted(KINDS) and manifest.frame["group"].nunique() == 2
    assert test is not None and test.form.sentence() == "submission: id, label = the probability of dog"
    assert set(texts(read(tmp_path, label="camera")[0])) == {"c0", "c1"}


@pytest.mark.parametrize("kinds", [("IMG", "DSC"), ("a", "b"), ("cat", "dog")])
def test_what_cameras_call_photos_and_what_the_column_says_too_is_no_second_reading(
    tmp_path: Path, kinds: tuple[str, str]
) -> None:
    names = photos(tmp_path, [f"{kinds[i % 2]}_{i}.png" for i in range(12)])
    same = kinds[0] == "cat"
    rows = [(f"{kinds[i % 2]}_{i}.png", "xy"[i % 2] if same else KINDS[i]) for i in range(12)]
    assert read(table(names, "info.csv", ("file", "what"), rows))[0].classes == (("x", "y") if same else ("cat", "dog"))


@pytest.mark.parametrize(("place", "written"), [("RelativePath", "{}/{}"), ("folder", "{}\\{}")])
def test_a_folder_in_one_column_and_a_name_in_another_are_one_photo(tmp_path: Path, place: str, written: str) -> None:
    """As camera traps and seasons have them. The advice was to read one folder, whose photos then had all labels.

    A header `folder` was refused as nearly `fold`.
    """
    places = [(site, camera, i) for site in "AB" for camera in "12" for i in range(6)]
    photos(tmp_path, [f"{site}/{camera}/IMG_{i}.png" for site, camera, i in places])
    rows = [(written.format(s, c), f"IMG_{i}.png", KINDS[(i + (s == "B")) % 12], c) for s, c, i in places[::-1]]
    table(tmp_path, "all.csv", (place, "File", "label", "camera"), rows)
    manifest, _ = read(tmp_path, group=place)
    kinds = dict(zip(manifest.frame["image"], texts(manifest), strict=True))
    assert kinds == {f"{s}/{c}/IMG_{i}.png": KINDS[(i + (s == "B")) % 12] for s, c, i in places}
    assert manifest.frame["group"].nunique() == 4
    said = f"File: behind the folder of {place}, since names alone are several photos (B/2/IMG_5.png)"
    assert said in manifest.taken.lines
    table(tmp_path, "all.csv", ("File", "label"), [row[1:3] for row in rows])
    assert "or paths, where a name in several rows is several photos" in refused(tmp_path, image="File")
