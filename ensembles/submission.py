"""The submission, in the form that the data ask for; probabilities are always written beside it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.data.form import Form, guessed_class, refuse_blanks
from trainable.data.manifest import TestSet
from trainable.files import write_atomic
from trainable.metrics import Metric


def write_submission(path: Path, test: TestSet, scores: np.ndarray, metric: Metric) -> None:
    """Write the table of `test` at `path`, its answers filled in from scores [M, C], the largest of a row its class.

    metric: what the vote is for. Where the sample leaves open what its one column holds, that decides: probabilities
    are asked for as the second of two classes' score, ranks as a list.
    """
    assert len(scores) == len(test.table), f"{len(scores)} predictions for {len(test.table)} rows"
    form = form_for(test.form, metric)
    table = filled(test.table, form, scores)
    write_atomic(path, lambda p: table.to_csv(p, index=False))


def write_probabilities(path: Path, test: TestSet, scores: np.ndarray, classes: tuple[str, ...]) -> None:
    """Write a row an id at `path`: the id, or else the image, then a column a class with its probability."""
    ids = test.table[test.form.id] if test.form.id in test.table else pd.Series(test.images, name="image")
    frame = pd.DataFrame(
        {f"p {name}": column for name, column in zip(classes, as_probabilities(scores).T, strict=True)}
    )
    frame.insert(0, ids.name, ids.to_numpy())
    write_atomic(path, lambda p: frame.to_csv(p, index=False))


def form_for(form: Form, metric: Metric) -> Form:
    """The form, where it says label, made what the metric needs; a guessed class of a score gives way to its own."""
    asked = metric.name.partition(":")[2]  # a class, or how many
    if form.kind == "label" and metric.kind == "probabilities" and len(form.names) == 2:
        return replace(form, kind="score", positive=metric.classes.index(asked) if asked else 1)
    if form.kind == "score" and asked in metric.classes and guessed_class(form, ""):
        return replace(form, positive=metric.classes.index(asked))
    if form.kind == "label" and metric.kind == "ranks":
        refuse_blanks(form.names, "submission")
        return replace(form, kind="ranked", length=int(asked))
    return form


def filled(table: pd.DataFrame, form: Form, scores: np.ndarray) -> pd.DataFrame:
    """The table with the columns of `form` filled in from scores [M, C]; all else, and the order, stays."""
    table, names = table.copy(), np.array(form.names)
    if form.kind == "columns":
        sure = as_probabilities(scores)
        for c, name in enumerate(form.names):
            table[name] = sure[:, c]
        for name in form.absent:
            table[name] = 0.0
    elif form.kind == "attributes":
        for column, part in zip(form.columns, form.parts, strict=True):
            table[column] = np.array(part)[scores.argmax(1)]
    elif form.kind == "score":
        table[form.columns[0]] = as_probabilities(scores)[:, form.positive]
    elif form.kind == "rated":
        sure = as_probabilities(scores)
        order = np.argsort(-scores, axis=1, kind="stable")[:, : form.length]
        pairs = zip(names[order].tolist(), np.take_along_axis(sure, order, axis=1).tolist(), strict=True)
        table[form.columns[0]] = [" ".join(f"{n} {p:.6f}" for n, p in zip(*row, strict=True)) for row in pairs]
    elif form.kind == "ranked":
        order = np.argsort(-scores, axis=1, kind="stable")[:, : form.length]
        table[form.columns[0]] = [" ".join(row) for row in names[order].tolist()]
    else:
        table[form.columns[0]] = names[scores.argmax(1)]
    return table


def as_probabilities(scores: np.ndarray) -> np.ndarray:
    """Scores [M, C] as float64 [M, C] that sum to 1 in each row."""
    positive = np.maximum(scores.astype(np.float64), 0.0)
    return positive / positive.sum(1, keepdims=True)
