"""Folders in the shape of published tasks: read without a flag, and asked for in the form of their sample submission.

The shapes are a table beside the project; where it is not there these tests skip.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapes
from helpers import SPACE, space_file
from inline import no_pictures, searched
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

from ensembles.build import main as build
from ensembles.submission import filled, form_for
from ensembles.truth import true_scores
from trainable.data.layouts import read_manifest, read_test
from trainable.errors import InputError
from trainable.metrics import get
from trainable.run import Run

TASKS = shapes.tasks()
FORMATS = (".dcm", ".npy", ".bson", "a list of records")
NOT_HERE = pytest.mark.skipif(not TASKS, reason=f"no table of shapes: {shapes.TABLE} is not there")
# One label a photo, its probabilities or a ranked list, of photos that are image files.
READ = [
    name
    for name, task in TASKS.items()
    if task["kind"] in ("single_label", "binary_probability", "probabilities", "ranked")
    and not any(word in task["train_files"] + task["notes"] for word in FORMATS)
    and not task["train_files"].startswith("folders per class: Cover")
]
METRICS = {
    "macro_f1": "macro_f1",
    "accuracy": "accuracy",
    "top_1_error": "accuracy",
    "roc_auc": "roc_auc",
    "log_loss": "log_loss",
    "mean_column_roc_auc": "roc_auc",
    "map_at_5": "map_at_k:5",
}


@NOT_HERE
def test_fifteen_are_read() -> None:
    assert len(READ) == 15


@pytest.mark.parametrize("name", READ or [pytest.param("", marks=NOT_HERE)])
def test_is_read_without_a_flag(name: str, tmp_path: Path) -> None:
    folder = shapes.generate(TASKS[name], tmp_path / "data")
    manifest = read_manifest(folder.root)
    assert set(manifest.classes) == set(folder.labels)
    found = [manifest.classes[label] for label in manifest.labels]
    assert sorted(found) == sorted(folder.labels)
    # Each class is a grey of its own: a photo that was taken for another row's would show.
    test = read_test(folder.root, manifest.classes)
    assert test is not None
    assert test.table[test.form.id].tolist() == [one for one, _ in folder.test]
    assert all((folder.root / image).is_file() for image in [*manifest.frame["image"], *test.images])
    assert len(set(test.images)) == len(test.images) and not set(test.images) & set(manifest.frame["image"])
    assert any(line.startswith("image = ") and "60 of 60 found" in line for line in manifest.taken.lines)
    assert any(line.startswith("submission: ") for line in manifest.taken.lines)


@pytest.mark.parametrize("name", READ or [pytest.param("", marks=NOT_HERE)])
def test_submission_is_graded_from_its_text_alone(name: str, tmp_path: Path) -> None:
    """The header as it stands in the sample; what an independent grader makes of the answers is what was voted."""
    task = TASKS[name]
    folder = shapes.generate(task, tmp_path / "data")
    classes = read_manifest(folder.root).classes
    test, metric = read_test(folder.root, classes), get(METRICS[task["metric"]], classes)
    assert test is not None
    scores = np.random.default_rng(0).dirichlet(np.ones(len(classes)), len(test.images))
    form = form_for(test.form, metric)
    text = filled(test.table, form, scores).to_csv(index=False)
    assert text.splitlines()[0] == task["submission_header"]
    given = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    truth = [label for _, label in folder.test]
    labels = np.array([classes.index(label) for label in truth])
    own = metric.read(metric.score(labels, scores))
    assert graded(metric.name, given, form.columns, classes, truth) == pytest.approx(own, abs=1e-9)


def graded(
    metric: str, given: pd.DataFrame, columns: tuple[str, ...], classes: tuple[str, ...], truth: list[str]
) -> float:
    """From the written table, by names."""
    answers = given[columns[0]].tolist()
    if metric == "macro_f1":
        return float(f1_score(truth, answers, labels=list(classes), average="macro", zero_division=0))
    if metric == "accuracy":
        return float(accuracy_score(truth, answers))
    if metric.startswith("map_at_k"):
        lists = [answer.split() for answer in answers]
        return float(
            np.mean([1 / (1 + row.index(t)) if t in row[:5] else 0 for row, t in zip(lists, truth, strict=True)])
        )
    table = given[list(columns)].astype(float).to_numpy()
    if table.shape[1] == 1:
        table = np.stack([1 - table[:, 0], table[:, 0]], 1)
        columns = classes
    hot = np.array([[float(t == c) for c in columns] for t in truth])
    if metric == "log_loss":
        return float(log_loss(hot, table / table.sum(1, keepdims=True)))
    own = [c for c in range(len(columns)) if columns[c] in classes]
    return float(np.mean([roc_auc_score(hot[:, c], table[:, c]) for c in (own if len(own) > 2 else own[1:])]))


@pytest.mark.parametrize("name", [n for n in TASKS if n not in READ] or [pytest.param("", marks=NOT_HERE)])
def test_other_tasks_are_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    task = TASKS[name]
    folder = shapes.generate(task, tmp_path / "data")
    with pytest.raises(InputError) as refusal:
        read_manifest(folder.root)
    line = str(refusal.value)
    assert "\n" not in line and "received" in line and "allowed: " in line
    if task["kind"] == "multi_label" and ".dcm" not in task["train_files"]:
        assert "multi-label" in line
    elif task["train_files"].startswith("folders per class"):
        assert "one number a photo in Label: received 0.1 and 4 classes" in line
    elif task["kind"] == "regression" and ".dcm" not in task["train_files"]:
        assert "regression" in line
    else:
        assert "no photo in it" in line


@pytest.mark.slow
@pytest.mark.parametrize("name", READ or [pytest.param("", marks=NOT_HERE)])
def test_search_and_build_write_what_is_asked_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tiny trials and their vote: every row of the sample is answered, in its order."""
    no_pictures(monkeypatch)
    folder = shapes.generate(TASKS[name], tmp_path / "data")
    task = TASKS[name]
    space = SPACE.replace("SEARCH = Search(", f"SEARCH = Search(metric={METRICS[task['metric']]!r}, ")
    given = (space_file(tmp_path / "spaces", space), "--data", folder.root, "--out", tmp_path / "runs", "--name", "r")
    assert searched(*given) == 0
    run = Run.open(tmp_path / "runs" / "r")
    assert build([str(run.root), "--name", "vote", "--method", "mean_top5"]) == 0
    built = run.ensemble("vote")
    text = built.submission.read_text(encoding="utf-8")
    assert text.splitlines()[0] == task["submission_header"]
    table, form = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False), built.summary()["form"]
    assert table[form["id"]].tolist() == [one for one, _ in folder.test]
    truth = [label for _, label in folder.test]
    key = tmp_path / "key.csv"
    pd.DataFrame({form["id"]: table[form["id"]], "label": truth}).to_csv(key, index=False)
    own = run.measure().read(true_scores(built.root, key)["ensemble"])
    columns = tuple(form["columns"])
    assert graded(run.info.metric, table, columns, run.info.classes, truth) == pytest.approx(own, abs=1e-9)
    beside = pd.read_csv(built.probabilities)
    assert beside.shape == (len(folder.test), 1 + len(run.info.classes))
    vote = built.test()["vote"].astype(np.float64)
    assert beside.iloc[:, 1:].to_numpy() == pytest.approx(vote / vote.sum(1, keepdims=True), abs=1e-6)
