"""What a sample submission says of ids and answers, and tables that only look like one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from folders import padded, photos, read, table, texts

from ensembles.submission import filled, form_for
from trainable.errors import InputError
from trainable.metrics import get


def refused(root: Path, **flags: object) -> str:
    with pytest.raises(InputError) as said:
        read(root, **flags)
    return str(said.value)


@pytest.mark.parametrize("beside", [False, True])
def test_an_id_whose_photo_is_in_training_alone_is_refused(tmp_path: Path, beside: bool) -> None:
    """It was predicted by networks that had trained on it, in the place of a test photo that is missing."""
    root = tmp_path / "d"
    photos(root, [f"train/{i}.jpg" for i in range(12)] + [f"test/{i}.jpg" for i in range(20, 24)])
    table(root, "train.csv", ("id", "label"), [(i, "ab"[i % 2]) for i in range(12)])
    asked = [*range(20, 24), 5]
    table(root, "sample_submission.csv", ("id", "label"), [(i, "a") for i in asked])
    if beside:
        table(root, "test.csv", ("id",), [(i,) for i in asked])
    assert "ids whose photo is in no test folder: received '5' (train/5.jpg); allowed" in refused(root)


@pytest.mark.parametrize("beside", [False, True])
def test_an_id_that_a_sample_submission_asks_for_twice_is_refused(tmp_path: Path, beside: bool) -> None:
    root = padded(tmp_path / "d", "{:04}", "{:04}")
    table(root, "sample_submission.csv", ("id", "label"), [(f"{i:04}", "a") for i in (20, 21, 20, 23)])
    if beside:
        table(root, "test.csv", ("id",), [(f"{i:04}",) for i in range(20, 24)])
    with pytest.raises(InputError, match="ids there twice in id: received '0020'; allowed: one row an id"):
        read(root)


@pytest.mark.parametrize("folder", ["test", "unseen"])
@pytest.mark.parametrize("table_of_labels", [False, True])
def test_an_earlier_submission_in_the_folder_holds_no_labels(
    tmp_path: Path, folder: str, table_of_labels: bool
) -> None:
    names = [f"train/{'ab'[i % 2]}/{i}.png" if not table_of_labels else f"train/{i}.png" for i in range(8)]
    root = photos(tmp_path / "d", [*names, *(f"{folder}/{i}.png" for i in range(20, 24))])
    if table_of_labels:
        table(root, "labels.csv", ("id", "y"), [(i, "ab"[i % 2]) for i in range(8)])
    table(root, "sample_submission.csv", ("id", "y"), [(i, "a") for i in range(20, 24)])
    table(root, "my_submission.csv", ("id", "y"), [(i, "ab"[i % 2]) for i in range(20, 24)])
    manifest, test = read(root)
    assert sorted(manifest.frame["image"]) == sorted(names) and texts(manifest).count("a") == 4
    assert test is not None and test.images == [f"{folder}/{i}.png" for i in range(20, 24)]
    assert any(line.startswith("warning: my_submission.csv") for line in manifest.taken.lines)


@pytest.mark.parametrize("head", [("id", "a", "b", "Usage"), ("id", "label", "Usage"), ("Usage", "id", "label")])
def test_which_rows_are_public_is_no_answer_and_is_kept(tmp_path: Path, head: tuple[str, ...]) -> None:
    root = padded(tmp_path / "d", "{:04}", "{:04}")
    said = {"id": "{:04}", "a": "0.5", "b": "0.5", "label": "a", "Usage": "Public"}
    table(root, "sample_submission.csv", head, [[said[name].format(i) for name in head] for i in range(20, 24)])
    manifest, test = read(root)
    assert test is not None and test.form.columns == tuple(c for c in head if c not in ("id", "Usage"))
    assert filled(test.table, test.form, np.eye(2)[[0, 1, 0, 1]])["Usage"].tolist() == ["Public"] * 4
    assert "Usage of sample_submission.csv: which rows are public, kept as it is" in manifest.taken.lines
    table(root, "sample_submission.csv", ("id", "a", "b", "part"), [(f"{i:04}", 0, 1, "x") for i in range(20, 24)])
    with pytest.raises(InputError, match=r"column part holds 'x', no probabilities"):
        read(root)


@pytest.mark.parametrize(
    ("classes", "column", "said"),
    [(("abnormal", "normal"), "target", True), (("no", "yes"), "target", False), (("a", "b"), "b", False)],
)
def test_the_class_of_a_score_that_the_alphabet_chose_is_warned_of_and_a_metric_chooses(
    tmp_path: Path, classes: tuple[str, str], column: str, said: bool
) -> None:
    """Of normal and abnormal, the score of normal was written where abnormal was asked for."""
    root = padded(tmp_path / "d", "{:04}", "{:04}")
    table(root, "train.csv", ("id", "label"), [(f"{i:04}", classes[i % 2]) for i in range(12)])
    table(root, "sample_submission.csv", ("id", column), [(f"{i:04}", 0.5) for i in range(20, 24)])
    manifest, test = read(root)
    assert test is not None and test.form.positive == 1
    warned = [line for line in manifest.taken.lines if "asks for the score of one class: taken for normal" in line]
    assert len(warned) == said
    asked = form_for(test.form, get(f"roc_auc:{classes[0]}", classes)).positive
    assert asked == (0 if said else 1)


def test_a_sample_submission_that_pandas_wrote_is_read_and_answers_that_are_no_labels_are_said(tmp_path: Path) -> None:
    root = photos(tmp_path, [f"{part}/{i}.png" for part in ("train", "test") for i in range(12)])
    kinds = ["cat", "dog", "owl"] * 4
    table(root, "train.csv", ("id", "label"), [(float(i), kinds[i]) for i in range(12)])
    rows = [(11 - i, float(i), "chat") for i in range(12)]
    table(
        root,
        "sample_submission.csv",
        ("Unnamed: 0", "id", "class"),
        [*rows[:6], *((*r[:2], "chien") for r in rows[6:])],
    )
    manifest, test = read(root)
    assert texts(manifest) == kinds and test is not None
    assert test.images == [f"test/{i}.png" for i in range(12)] and test.form.id == "id"
    assert any(
        "answers of sample_submission.csv such as 'chat', 'chien' are no labels" in s for s in manifest.taken.lines
    )
