"""Label errors: planted ones are found, and the list is one that label corrections read."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import prepared, refused

from benchmarks.suspects import precision_at_errors, true_errors
from ensembles.suspects import Suspect, find_suspects, main
from trainable.data.corrections import correct
from trainable.data.labels import CLASSES, SIZES, age_band, encode
from trainable.data.layouts import read_manifest
from trainable.files import write_json, write_npz
from trainable.store import RunPaths

MASK = np.tile([0, 0, 0, 0, 0, 1, 2], 20)


def votes_for(mask: np.ndarray, gender: np.ndarray, age: np.ndarray, sure: float = 0.9) -> np.ndarray:
    """[N, 18]: `sure` on each attribute, the rest shared."""
    parts = []
    for values, size in zip((mask, gender, age), SIZES, strict=True):
        table = np.full((len(values), size), (1 - sure) / (size - 1))
        table[np.arange(len(values)), values] = sure
        parts.append(table)
    return np.einsum("na,nb,nc->nabc", *parts).reshape(-1, 18)


def found(gender=None, years=None, mask=None) -> list[Suspect]:
    """Suspects of 20 people, women of 40; the votes are of people as given in the arguments."""
    groups, zero = np.repeat([f"p{i:02}" for i in range(20)], 7), np.zeros(140, int)
    years = zero + 40 if years is None else years
    votes = votes_for(
        MASK if mask is None else mask,
        zero + 1 if gender is None else gender,
        zero + 1,
    )
    images = np.array([f"{g}/{m}" for g, m in zip(groups, np.arange(140) % 7, strict=True)])
    return find_suspects(votes, encode(MASK, zero + 1, age_band(years)), groups, images, CLASSES, years)


def test_right_labels_are_no_suspects() -> None:
    assert found() == []


def test_gender_that_all_photos_contradict() -> None:
    gender = np.ones(140, int)
    gender[21:28] = 0
    gender[28:32] = 0  # four photos of seven: behind those that all photos speak against
    one, two = found(gender=gender)
    assert (one.key, one.field, one.value, one.given, one.agree, one.photos) == (
        "p03",
        "gender",
        "male",
        "female",
        7,
        7,
    )
    assert one.score == pytest.approx(np.log(9))
    assert one.rows == tuple(range(21, 28))
    assert (two.key, two.agree) == ("p04", 4)


def test_ages_near_a_border_come_before_ages_far_from_it() -> None:
    years = np.full(140, 40)
    years[7:14], years[14:21], years[21:28] = 60, 62, 75
    assert [(s.key, s.value) for s in found(years=years)] == [("p01", "59"), ("p02", "59"), ("p03", "59")]


def test_swapped_photos_are_one_suspect_and_single_photos_come_last() -> None:
    mask = MASK.copy()
    mask[[5, 6]] = mask[[6, 5]]
    mask[7] = 2
    swap, single = found(mask=mask)
    assert (swap.key, swap.field, swap.rows) == ("p00", "swap", (5, 6))
    assert (single.key, single.field, single.value) == ("p01/0", "mask", "none")


def test_generic_data_go_by_label() -> None:
    labels, groups = np.array([0, 0, 1, 1, 2]), np.array(["a", "a", "b", "b", "c"])
    votes = np.full((5, 3), 0.1)
    votes[np.arange(5), [0, 0, 2, 2, 2]] = 0.8
    (suspect,) = find_suspects(votes, labels, groups, groups, ("x", "y", "z"))
    assert (suspect.key, suspect.field, suspect.given, suspect.value) == ("b", "label", "y", "z")


def planted(data: Path, folder: Path) -> tuple[RunPaths, dict[str, np.ndarray]]:
    """A run on the sample with one trial, whose predictions are the truth of train/truth.csv."""
    experiment = prepared(data, folder, folds=2)
    frame = experiment.manifest.frame
    truth = pd.read_csv(data / "train" / "truth.csv").set_index("path").loc[frame["group"]]
    swapped = truth["swapped"].to_numpy() == 1
    mask = np.where(swapped, np.array([0, 2, 1])[frame["mask"]], frame["mask"])
    votes = votes_for(mask, (truth["gender"] == "female").to_numpy(int), age_band(truth["age"].to_numpy()))
    trial = experiment.paths.trial("0" * 12)
    write_npz(
        trial.oof,
        index=np.arange(len(frame)),
        probabilities=votes.astype(np.float32),
        label=experiment.manifest.labels,
        fold=experiment.folds.fold,
        classes=np.array(CLASSES),
    )
    write_json(trial.result, {"oof_macro_f1": 1.0})
    return experiment.paths, {"groups": frame["group"].to_numpy(str)}


def test_command_writes_corrections_and_a_contact_sheet(
    sample: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With perfect votes the list is the list of errors, and reading it as corrections mends them all."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "eval").symlink_to(sample / "eval")
    (data / "train").mkdir()
    (data / "train" / "images").symlink_to(sample / "train" / "images")
    truth = pd.read_csv(sample / "train" / "truth.csv", dtype=str)
    given = pd.read_csv(sample / "train" / "train.csv", dtype=str)
    truth.to_csv(data / "train" / "truth.csv", index=False)
    given.loc[2, "gender"] = {"male": "female", "female": "male"}[truth.loc[2, "gender"]]
    given.loc[5, "age"] = "60" if int(truth.loc[5, "age"]) < 60 else "58"
    given.to_csv(data / "train" / "train.csv", index=False)
    run, _ = planted(data, tmp_path / "run")
    assert main([str(run.root), "--top", "3"]) == 0
    out = run.root / "suspects.csv"
    assert capfd.readouterr().out.splitlines()[-1].startswith("next: ")
    errors = true_errors(data)
    table = pd.read_csv(out)
    listed = [Suspect(r.path_or_id, r.field, "", 0, "", 7, 7, ()) for r in table.itertuples()]
    assert len(errors) >= 2
    assert precision_at_errors(listed, errors) == 1
    assert {(s.key, s.field) for s in listed} == errors
    mended = correct(read_manifest(data), str(out)).drop_duplicates("group")
    for (_, row), person in zip(mended.iterrows(), truth.to_dict("records"), strict=True):
        assert row["gender"] == ("male", "female").index(person["gender"])
        assert age_band(np.array([row["age"]])) == age_band(np.array([float(person["age"])]))
    sheet = cv2.imread(str(out.with_suffix(".png")))
    assert sheet is not None and sheet.shape == (min(3, len(table)) * 162, 672, 3)
    assert f"{out}, which exists" in refused(capfd, main, run.root)
