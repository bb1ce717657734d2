"""Photos that are there twice: extra rows join the group of what they equal, others are said."""

import shutil
from pathlib import Path

import pytest
from helpers import write_photo, write_table
from PIL import Image

from trainable.data.flags import Flags
from trainable.data.folds import make_folds
from trainable.data.layouts import plan_lines, read_manifest
from trainable.errors import InputError


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


def test_others_of_a_group_of_extra_rows_from_which_one_is_a_copy_of_a_scored_photo(data: Path) -> None:
    """Whoever is on the copy is on them: said, and with `--merge-duplicates` they train where the scored group does."""
    shutil.copy(data / "images" / "p01_0.png", data / "copy.png")
    for name, grey in (("same.png", 190), ("other.png", 60)):
        write_photo(data / name, grey, seed=grey)
    rows = [("copy.png", "class1", "E"), ("same.png", "class1", "E"), ("other.png", "class1", "F")]
    write_table(data / "extra.csv", ("path", "label", "group"), rows)
    manifest = read_manifest(data)
    assert manifest.frame["group"].tolist()[-3:] == ["p01", "E", "F"]
    said = "warning: extra.csv: 1 photo of groups from which others are copies of scored ones train in every fold: E ("
    assert [line for line in manifest.taken.lines if line.startswith(said)]
    merged = read_manifest(data, Flags(merge_duplicates=True))
    assert merged.frame["group"].tolist()[-3:] == ["p01", "p01", "F"]
    folds = make_folds(merged, 2, 0).fold
    assert folds[-2] == folds[2] and folds[-1] == -1
    shutil.copy(data / "images" / "p02_0.png", data / "same.png")  # E is p01 and p02
    merged = read_manifest(data, Flags(merge_duplicates=True)).frame["group"].tolist()
    assert merged[2:6] == ["p01"] * 4 and merged[-3:] == ["p01", "p01", "F"]


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
