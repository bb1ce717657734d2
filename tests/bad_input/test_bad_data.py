"""A data folder that is wrong gets one line (what, received, allowed), exit code 2, and nothing is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from helpers import SPACE, competition_data, generic_data, refused, space_file
from spoil import DAMAGED, edit

from search.run import main as search
from trainable.run import prepare
from trainable.train import main as train


def test_no_data_folder(tmp_path: Path, asks: Callable[..., str]) -> None:
    line = asks(tmp_path / "none")
    assert f"no data folder: received {tmp_path / 'none'}" in line
    assert "train/train.csv" in line
    assert "manifest.csv" in line


def test_data_folder_that_is_a_file(tmp_path: Path, asks: Callable[..., str]) -> None:
    (tmp_path / "file").touch()
    assert "no data folder" in asks(tmp_path / "file")


def test_neither_layout_shows_both(tmp_path: Path, asks: Callable[..., str]) -> None:
    (tmp_path / "data").mkdir()
    assert "received nothing" in asks(tmp_path / "data")
    (tmp_path / "data" / "cats.txt").touch()
    line = asks(tmp_path / "data")
    assert "received cats.txt" in line
    assert "train/train.csv" in line
    assert "manifest.csv" in line


def test_default_data_folder_that_is_missing_is_named(
    tmp_path: Path, space: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "data") in refused(capfd, search, space)
    monkeypatch.setenv("FOLDVOTE_DATA", str(tmp_path / "elsewhere"))
    assert str(tmp_path / "elsewhere") in refused(capfd, search, space)


@pytest.mark.parametrize("column", ["gender", "age", "path"])
def test_missing_column_of_the_competition(tmp_path: Path, asks: Callable[..., str], column: str) -> None:
    data = competition_data(tmp_path / "data")
    pd.read_csv(data / "train/train.csv").drop(columns=column).to_csv(data / "train/train.csv", index=False)
    assert f"missing column {column}; received 'id, " in asks(data)


@pytest.mark.parametrize("column", ["path", "label"])
def test_missing_column_of_a_manifest(tmp_path: Path, asks: Callable[..., str], column: str) -> None:
    data = generic_data(tmp_path / "data")
    pd.read_csv(data / "manifest.csv").drop(columns=column).to_csv(data / "manifest.csv", index=False)
    assert f"missing column {column}" in asks(data)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"path,label\r\n", bytes(range(256)) * 50])
def test_table_that_is_empty_or_garbage(tmp_path: Path, asks: Callable[..., str], content: bytes) -> None:
    data = generic_data(tmp_path / "data")
    (data / "manifest.csv").write_bytes(content)
    assert "manifest.csv" in asks(data)


def test_row_whose_folder_is_missing(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = competition_data(tmp_path / "data")
    shutil.rmtree(data / "train/images/000001_female_Asian_45")
    assert "folder 000001_female_Asian_45 of a row not found" in asks(data)


def test_row_whose_file_is_missing(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = competition_data(tmp_path / "data")
    (data / "train/images/000001_female_Asian_45/mask2.jpg").unlink()
    assert "000001_female_Asian_45: mask2 not found" in asks(data)
    other = generic_data(tmp_path / "other")
    (other / "images/p03_1.png").unlink()
    assert "images/p03_1.png not found" in asks(other)


@pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname"])
def test_path_that_escapes_the_data_folder(tmp_path: Path, asks: Callable[..., str], path: str) -> None:
    data = generic_data(tmp_path / "data")
    shutil.copy(data / "images/p00_0.png", tmp_path / "outside.png")
    edit(data / "manifest.csv", path=[path, *pd.read_csv(data / "manifest.csv")["path"][1:]])
    assert f"path {path!r} leaves the data folder" in asks(data)


def test_unknown_gender_and_age_that_is_no_number(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = competition_data(tmp_path / "data")
    edit(data / "train/train.csv", age=["20", "thirty", "20", "20", "20", "20"])
    assert "received age 'thirty'; allowed: a number of years" in asks(data)
    edit(data / "train/train.csv", age="20", gender=["male", "woman"] * 3)
    assert "received gender 'woman'; allowed: male, female" in asks(data)


def test_label_that_is_missing(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = generic_data(tmp_path / "data")
    edit(data / "manifest.csv", label=[""] + ["a", "b"] * 11 + ["a"])
    assert "no label for 'images/p00_0.png'" in asks(data)


def test_rows_that_occur_twice(tmp_path: Path, asks: Callable[..., str]) -> None:
    data = generic_data(tmp_path / "data")
    table = pd.read_csv(data / "manifest.csv")
    pd.concat([table, table.iloc[[3]]]).to_csv(data / "manifest.csv", index=False)
    assert "images/p01_1.png occurs twice" in asks(data)


def test_fewer_groups_than_folds(tmp_path: Path, asks: Callable[..., str]) -> None:
    file = space_file(tmp_path / "spaces", SPACE.replace("folds=2", "folds=13"))
    line = asks(generic_data(tmp_path / "data"), file=file)
    assert "fewer groups than folds: received 12 groups; allowed: at least 13" in line


def test_class_that_a_training_part_lacks_is_a_warning_that_names_it(tmp_path: Path) -> None:
    data = generic_data(tmp_path / "data")
    edit(data / "manifest.csv", label=["rare"] * 2 + ["a", "b"] * 11)
    said: list[str] = []
    prepare(data, folds=3, seed=0, store_size=(16, 16), say=said.append)
    assert [line.partition(":")[0] for line in said] == ["warning", "note"]
    assert said[0].startswith("warning: fold ")
    assert said[0].endswith("has no training image of class rare")


def test_all_unreadable_photos_are_listed_in_one_go(damaged: Path, asks: Callable[..., str]) -> None:
    line = asks(damaged)
    assert f"received 2: {DAMAGED}" in line
    assert "--skip-bad-images" in line


def test_skip_bad_images_trains_without_them(damaged: Path, tmp_path: Path) -> None:
    said: list[str] = []
    experiment = prepare(damaged, folds=2, seed=0, store_size=(32, 32), skip_bad_images=True, say=said.append)
    left = experiment.manifest.frame["image"].tolist()
    assert len(left) == len(experiment.folds.fold) == 22
    assert not {"images/p02_0.png", "images/p07_1.png"} & set(left)
    assert said == [f"warning: training without 2 unreadable images: {DAMAGED}"]


def test_one_trial_is_as_strict_as_a_search(tmp_path: Path, capfd: pytest.CaptureFixture[str], damaged: Path) -> None:
    (tmp_path / "config.json").write_text('{"model": {"backbone": "test_resnet", "pretrained": false}}')
    given = [tmp_path / "config.json", "--out", tmp_path / "run", "--data"]
    assert f"received 2: {DAMAGED}" in refused(capfd, train, *given, damaged)
    assert "no data folder" in refused(capfd, train, *given, tmp_path / "none")
    assert "no configuration" in refused(capfd, train, tmp_path / "none.json", *given[1:], damaged)
    assert not (tmp_path / "run").exists()
