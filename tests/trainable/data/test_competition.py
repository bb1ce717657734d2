"""The competition's own tables: people, their seven photos, labels by its formula."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import MASKS, rewrite

from trainable.data.flags import Flags
from trainable.data.layouts import read_manifest, read_test
from trainable.data.layouts.competition import MADE_OF
from trainable.errors import InputError


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


def test_people_with_one_id_stay_apart(competition: Path) -> None:
    rewrite(competition / "train" / "train.csv", id=["000001"] * 6)
    assert read_manifest(competition).frame["group"].nunique() == 6


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


def test_people_of_the_competition_may_be_dropped_and_its_columns_not_renamed(competition: Path) -> None:
    manifest = read_manifest(competition, Flags(drop=(("gender", ("male",)),)))
    assert len(manifest.frame) == 3 * 7 and len(manifest.classes) == 18
    with pytest.raises(InputError, match="--label: received for the competition's layout"):
        read_manifest(competition, Flags(label="race"))
