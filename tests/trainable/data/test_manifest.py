"""The table of images, from either layout, and the tables that cannot be read."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from helpers import rewrite, write_photo, write_table

from trainable.data.flags import Flags
from trainable.data.layouts import read_manifest, read_test
from trainable.data.text_tables import read_table
from trainable.errors import InputError

# --- what is read -----------------------------------------------------------------------------------------------


def test_test_rows_keep_their_order(sample: Path, generic: Path) -> None:
    """Neither the order of files in the folder nor that of names: the order of the table."""
    info = pd.read_csv(sample / "eval" / "info.csv", dtype=str)
    test = read_test(sample, ())
    assert test.images == [f"eval/images/{name}" for name in info["ImageID"]] != sorted(test.images)
    assert test.table.equals(info)
    names = pd.read_csv(generic / "test.csv")["path"].tolist()
    assert read_test(generic, ("a",)).images == names != sorted(names)


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
