"""The table of images, from either layout, and the tables that cannot be read."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import MASKS, competition_data, generic_data, write_photo, write_table
from PIL import Image

from trainable.data.flags import Flags
from trainable.data.folds import make_folds
from trainable.data.layouts import plan_lines, read_manifest, read_test
from trainable.data.layouts.competition import MADE_OF
from trainable.data.text_tables import read_table
from trainable.errors import InputError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return generic_data(tmp_path / "data", people=6)


@pytest.fixture
def competition(tmp_path: Path) -> Path:
    return competition_data(tmp_path / "competition")


def rewrite(file: Path, /, **columns: list[object]) -> None:
    """Replace columns of a table."""
    table = pd.read_csv(file, dtype=str).assign(**columns)
    table.to_csv(file, index=False)


# --- what is read -----------------------------------------------------------------------------------------------


def test_competition_has_seven_photos_a_person_and_a_group_is_a_folder(sample: Path) -> None:
    frame = read_manifest(sample).frame
    people = pd.read_csv(sample / "train" / "train.csv", dtype=str)
    assert len(frame) == 7 * len(people)
    assert frame["group"].tolist() == np.repeat(people["path"].to_numpy(), 7).tolist()
    assert frame["image"].str.rsplit("/", n=1).str[1].str.split(".").str[0].tolist() == list(MASKS) * len(people)
    assert not frame["image"].str.contains(r"\._").any()
    assert all((sample / image).is_file() for image in frame["image"])


def test_competition_labels_follow_the_formula(sample: Path) -> None:
    manifest = read_manifest(sample)
    people = pd.read_csv(sample / "train" / "train.csv", dtype={"id": str}).set_index("path")
    for row in manifest.frame.itertuples():
        person = people.loc[row.group]
        mask = {"incorrect_mask": 1, "normal": 2}.get(Path(row.image).stem, 0)
        band = int(MADE_OF["age"].codes(np.array([person["age"]]))[0])
        assert row.label == mask * 6 + ("male", "female").index(person["gender"]) * 3 + band
    assert manifest.attributes == ("mask", "gender", "age")


def test_test_rows_keep_their_order(sample: Path, generic: Path) -> None:
    """Neither the order of files in the folder nor that of names: the order of the table."""
    info = pd.read_csv(sample / "eval" / "info.csv", dtype=str)
    test = read_test(sample, ())
    assert test.images == [f"eval/images/{name}" for name in info["ImageID"]] != sorted(test.images)
    assert test.table.equals(info)
    names = pd.read_csv(generic / "test.csv")["path"].tolist()
    assert read_test(generic, ("a",)).images == names != sorted(names)


def test_people_with_one_id_stay_apart(competition: Path) -> None:
    rewrite(competition / "train" / "train.csv", id=["000001"] * 6)
    assert read_manifest(competition).frame["group"].nunique() == 6


def test_generic_classes_are_sorted_numbers_by_value_and_names_by_alphabet(data: Path) -> None:
    assert read_manifest(data).classes == ("class0", "class1", "class2")
    rewrite(data / "manifest.csv", label=[10, 9, 2] * 4)
    manifest = read_manifest(data)
    assert manifest.classes == ("2", "9", "10")
    assert manifest.labels.tolist() == [2, 1, 0] * 4
    rewrite(data / "manifest.csv", label=["²", "--1"] * 6)
    assert read_manifest(data).classes == ("--1", "²")


def test_a_class_may_be_called_na(data: Path) -> None:
    rewrite(data / "manifest.csv", label=["NA", "nan"] * 6)
    assert read_manifest(data).classes == ("NA", "nan")


def test_without_a_group_every_image_is_its_own(data: Path) -> None:
    table = pd.read_csv(data / "manifest.csv").drop(columns="group")
    table.to_csv(data / "manifest.csv", index=False)
    frame = read_manifest(data).frame
    assert frame["group"].tolist() == frame["image"].tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_mark_and_windows_lines_make_no_difference(data: Path, encoding: str, newline: str) -> None:
    plain = read_manifest(data)
    text = (data / "manifest.csv").read_text(encoding="utf-8")
    (data / "manifest.csv").write_bytes(text.replace("\n", newline).encode(encoding))
    assert read_manifest(data).frame.equals(plain.frame)


def test_fingerprint_follows_files_and_labels(data: Path) -> None:
    before = read_manifest(data).fingerprint()
    assert before == read_manifest(data).fingerprint()
    write_photo(data / "images" / "p00_0.png", 3, seed=999, side=33)
    after = read_manifest(data).fingerprint()
    assert after != before
    rewrite(data / "manifest.csv", label=["class0", "class1", "class2"] * 4)
    assert read_manifest(data).fingerprint() not in (before, after)


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no readable table"),
        (b"\n\n", "no readable table"),
        (b"path,label\n", "no rows"),
        (bytes(range(256)) * 9, "manifest.csv"),
        (b"\x00\x01\x02" * 99, "missing column path, label"),
        ("path,label\na,b\n".encode("utf-16"), "a not found"),
        (b'path,label\n"a,b\n', "no readable table"),
        (b"path,label\na,b\nc,d,e\n", "no readable table"),
        (b"path,label\na,b,c\nd,e,f\n", "rows of 3 cells below 2 headers"),
        (b"file,label\na,b\n", "missing column path; received 'file, label'"),
        (b"path,label\nimages/p00_0.png\n", "no label for 'images/p00_0.png'"),
        (b"path,label\n\x00,x\n\x01,y\n", "not found"),
        (b"path,label\nimages/p00_0.png,x\n", "the one label 'x'"),
    ],
)
def test_broken_table_is_refused_in_one_line(data: Path, content: bytes, words: str) -> None:
    (data / "manifest.csv").write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read_manifest(data)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "manifest.csv" in str(refusal.value)


@pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname", "images/../../outside.png", ""])
@pytest.mark.parametrize("table", ["manifest.csv", "test.csv", "extra.csv"])
def test_path_that_leaves_the_data_folder_is_refused(data: Path, table: str, path: str) -> None:
    write_photo(data.parent / "outside.png", 50)
    if table == "extra.csv":
        shutil.copy(data / "manifest.csv", data / table)
    names = pd.read_csv(data / table)["path"].tolist()
    rewrite(data / table, path=[*names[:-1], path or " . "])
    with pytest.raises(InputError, match="leaves the data folder"):
        read_test(data, ()) if table == "test.csv" else read_manifest(data)


@pytest.mark.parametrize("path", ["../../eval/images", "/etc", ""])
def test_person_folder_that_leaves_the_images_is_refused(competition: Path, path: str) -> None:
    names = pd.read_csv(competition / "train" / "train.csv")["path"].tolist()
    rewrite(competition / "train" / "train.csv", path=[path, *names[1:]])
    with pytest.raises(InputError, match="leaves the data folder"):
        read_manifest(competition)


@pytest.mark.parametrize("name", ["../../train/train.csv", "/etc/hostname", "", "._9.jpg"])
def test_image_id_that_leaves_the_eval_images_is_refused(competition: Path, name: str) -> None:
    rewrite(competition / "eval" / "info.csv", ImageID=["9.jpg", "8.jpg", "7.jpg", name])
    with pytest.raises(InputError, match=r"leaves the data folder|not found"):
        read_test(competition, ())


def test_photo_in_two_rows_is_refused_however_it_is_spelt(data: Path) -> None:
    """The same photo in two groups would be trained on and scored."""
    names = pd.read_csv(data / "manifest.csv")["path"].tolist()
    for again in (names[0], "./" + names[0], names[0].replace("/", "//")):
        rewrite(data / "manifest.csv", path=[*names[:-1], again])
        with pytest.raises(InputError, match="occurs twice"):
            read_manifest(data)


def test_scored_photo_cannot_be_an_extra_row_as_well(competition: Path) -> None:
    image = read_manifest(competition).frame["image"][0]
    write_table(competition / "extra.csv", ("path", "mask", "gender", "age"), [(image, "worn", "male", 30)])
    with pytest.raises(InputError, match="occurs twice"):
        read_manifest(competition)


@pytest.mark.parametrize("nobody", [" ", "", "nan", "NA", "None"])
def test_rows_without_a_group_stand_alone(data: Path, nobody: str) -> None:
    """They would silently become one person."""
    rewrite(data / "manifest.csv", group=["a", "b", "c", "d", "e", nobody] * 2)
    manifest = read_manifest(data)
    alone = manifest.frame["image"][[5, 11]].tolist()
    assert manifest.frame["group"].tolist() == [*"abcde", alone[0], *"abcde", alone[1]]
    assert "group: 2 rows without one, each stands alone" in manifest.taken.lines


def test_competition_row_that_occurs_twice_is_refused(competition: Path) -> None:
    path = competition / "train" / "train.csv"
    table = pd.read_csv(path, dtype=str)
    pd.concat([table, table.iloc[:1]]).to_csv(path, index=False)
    with pytest.raises(InputError, match="occurs twice"):
        read_manifest(competition)


@pytest.mark.parametrize("age", ["young", "", "nan", "inf", "-1", "121", "1e400"])
def test_age_that_is_no_number_is_refused(competition: Path, age: str) -> None:
    rewrite(competition / "train" / "train.csv", age=["20", age, "20", "20", "20", "20"])
    with pytest.raises(InputError, match=f"received age {age!r}; allowed: a number of years from 0 to 120"):
        read_manifest(competition)


@pytest.mark.parametrize("gender", ["", "m", "other"])
def test_unknown_gender_is_refused(competition: Path, gender: str) -> None:
    rewrite(competition / "train" / "train.csv", gender=["male", gender] * 3)
    with pytest.raises(InputError, match=f"received gender {gender!r}; allowed: male, female"):
        read_manifest(competition)


def test_person_whose_photo_is_missing_or_there_twice_is_named(competition: Path) -> None:
    folder = competition / "train" / "images" / "000002_male_Asian_60"
    shutil.copy(folder / "normal.jpg", folder / "normal.png")
    with pytest.raises(InputError, match="received normal twice"):
        read_manifest(competition)
    for name in ("normal.jpg", "normal.png", "mask3.jpg"):
        (folder / name).unlink()
    with pytest.raises(InputError, match="000002_male_Asian_60: mask3, normal not found"):
        read_manifest(competition)


def test_missing_files_are_named_and_counted(data: Path) -> None:
    for i in range(6):
        (data / "images" / f"p{i:02}_0.png").unlink()
    with pytest.raises(InputError, match=r" and 3 more not found"):
        read_manifest(data)


def test_extra_label_that_manifest_lacks_is_refused(data: Path) -> None:
    write_photo(data / "more.png", 9)
    write_table(data / "extra.csv", ("path", "label"), [("more.png", "class7")])
    with pytest.raises(InputError, match="received label 'class7'"):
        read_manifest(data)


def test_missing_table_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed: a CSV with columns a, b"):
        read_table(tmp_path / "none.csv", ("a", "b"))


def test_extra_copy_of_a_scored_photo_joins_its_group(data: Path) -> None:
    """It would train in the fold that is scored on the other: as an equal file, written anew, or smaller."""
    photo = Image.open(data / "images" / "p01_0.png")
    shutil.copy(data / "images" / "p01_0.png", data / "copy.png")
    photo.save(data / "again.jpg", quality=95, subsampling=0)
    photo.resize((48, 48)).save(data / "large.bmp")
    write_photo(data / "more.png", 190, seed=99)
    rows = [(name, "class1", "") for name in ("copy.png", "again.jpg", "large.bmp", "more.png")]
    write_table(data / "extra.csv", ("path", "label", "Group"), rows)
    manifest = read_manifest(data)
    assert manifest.frame["group"].tolist()[-4:] == ["p01", "p01", "p01", "more.png"]
    assert "extra.csv: 3 photos are copies of scored ones and join their group" in manifest.taken.lines
    said = [
        line for line in manifest.taken.lines if line.startswith("extra.csv: 4 rows without a group train in every")
    ]
    assert len(said) == 1
    folds = make_folds(manifest, 2, 0)
    assert (folds.fold[-4:-1] == folds.fold[2]).all() and folds.fold[-1] == -1


def test_extra_row_of_a_known_group_trains_where_that_does_and_a_copy_of_two_groups_nowhere(data: Path) -> None:
    write_photo(data / "more.png", 190, seed=99)
    shutil.copy(data / "images" / "p01_0.png", data / "copy.png")
    rows = [("more.png", "class1", " p03 "), ("copy.png", "class1", "p02")]
    write_table(data / "extra.csv", ("path", "label", "group"), rows)
    manifest = read_manifest(data)
    assert manifest.frame["image"].tolist()[-1] == "more.png" and manifest.frame["group"].tolist()[-1] == "p03"
    assert any("copies of scored ones of several groups and are left out: copy.png" in t for t in manifest.taken.lines)
    write_table(data / "extra.csv", ("path", "label", "groups"), rows)
    with pytest.raises(InputError, match="received column 'groups', nearly 'group'"):
        read_manifest(data)
    write_table(data / "extra.csv", ("path", "label", "group"), [("more.png", "class1", "P03")])
    assert "warning: group P03 / p03: one of them? 3 rows" in read_manifest(data).taken.lines


def test_an_extra_photo_of_the_competition_belongs_to_a_known_person(competition: Path) -> None:
    person = "000002_male_Asian_60"
    source = competition / "train" / "images" / person / "normal.jpg"
    shutil.copy(source, competition / "copy.jpg")
    write_photo(competition / "more.jpg", 30, seed=5, side=16)
    header = ("path", "mask", "gender", "age", "Group ")
    rows = [("copy.jpg", "none", "male", 60, person), ("more.jpg", "none", "male", 60, person)]
    write_table(competition / "extra.csv", header, rows[1:])
    frame = read_manifest(competition).frame
    assert frame["group"].iloc[-1] == person and frame["extra"].iloc[-1]


def test_copies_in_other_groups_and_in_the_test_set_are_said_and_may_be_merged(data: Path) -> None:
    assert plan_lines(read_manifest(data)) == []
    shutil.copy(data / "images" / "p01_0.png", data / "images" / "p04_0.png")
    shutil.copy(data / "images" / "p02_0.png", data / "test" / "e0.png")
    manifest = read_manifest(data)
    across, known = plan_lines(manifest)
    assert across.startswith("warning: 2 images are copies of images in other groups")
    assert known == "warning: 1 photos of the test set are in training too, as equal files"
    merged = read_manifest(data, Flags(merge_duplicates=True))
    assert (
        merged.frame["group"].tolist()
        == ["p00"] * 2 + ["p01"] * 2 + ["p02"] * 2 + ["p03"] * 2 + ["p01"] * 2 + ["p05"] * 2
    )
    assert "--merge-duplicates: 6 groups became 5, photos that are copies being of one group" in merged.taken.lines
    assert plan_lines(merged) == [known]


@pytest.mark.parametrize("header", ["Group", " group ", "GROUP"])
def test_known_headers_are_read_whatever_their_case_and_blanks(data: Path, header: str) -> None:
    table = pd.read_csv(data / "manifest.csv")
    table.rename(columns={"group": header, "path": " Path"}).to_csv(data / "manifest.csv", index=False)
    assert read_manifest(data).frame["group"].nunique() == 6


def test_header_near_a_known_one_is_refused_and_further_columns_are_kept(data: Path) -> None:
    table = pd.read_csv(data / "manifest.csv").assign(site="north", age=[20, 30] * 6)
    table.rename(columns={"group": "groups"}).to_csv(data / "manifest.csv", index=False)
    with pytest.raises(InputError, match="received column 'groups', nearly 'group'"):
        read_manifest(data)
    manifest = read_manifest(data, Flags(group="groups"))
    assert manifest.frame["group"].nunique() == 6 and manifest.attributes == ()
    assert set(manifest.frame["site"]) == {"north"} and set(manifest.frame["age"]) == {"20", "30"}


def test_class_without_a_photo_left_is_no_class(data: Path) -> None:
    frame = read_manifest(data).frame
    left = read_manifest(data).drop(frame["image"][frame["label"] == 1].tolist())
    assert left.classes == ("class0", "class2") and set(left.labels) == {0, 1}


def test_people_of_the_competition_may_be_dropped_and_its_columns_not_renamed(competition: Path) -> None:
    manifest = read_manifest(competition, Flags(drop=(("gender", ("male",)),)))
    assert len(manifest.frame) == 3 * 7 and len(manifest.classes) == 18
    with pytest.raises(InputError, match="--label: received for the competition's layout"):
        read_manifest(competition, Flags(label="race"))
