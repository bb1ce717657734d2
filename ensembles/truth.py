"""True scores of a vote on the test photos, by an answer key."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ensembles.submission import as_probabilities
from trainable.data.text_tables import read_table
from trainable.errors import InputError
from trainable.metrics import MACRO_F1, Metric, get, is_named
from trainable.run import EnsembleFolder, Run


def true_scores(ensemble: Path, answers: Path) -> dict[str, float]:
    """{"ensemble", "best_single"}: scores on the test images, of the submission and of the best single trial.

    In the metric that the ensemble was built for, higher is better. Where that is one of predicted classes and the
    submission holds labels, its own count, else the vote that lies beside it. ensemble: the folder of a built ensemble.
    answers: a CSV with the submission's ids, in any order, and the right classes: in the submission's column, in the
    only other one, or as one column a class. Raises InputError where the folder holds no submission, or the answers
    have other ids or classes.
    """
    folder = EnsembleFolder(ensemble)
    if not folder.submission.is_file():
        raise InputError(f"no ensemble: received {ensemble}; allowed: a folder that ensembles.build wrote")
    submission = pd.read_csv(folder.submission, dtype=str, keep_default_na=False)
    form = folder.summary()["form"] if folder.built else {"kind": "label", "columns": [submission.columns[-1]]}
    test = folder.test()
    classes, key, column = test["classes"].tolist(), str(submission.columns[0]), form["columns"][0]
    truth = _same_rows(read_table(answers, (key,)), submission[key].tolist(), key, answers)
    told = submission[column].tolist() if form["kind"] == "label" else []
    given = _answers(truth, key, column, answers)
    # The competition's classes have names, its tables numbers.
    order = classes if set(told or given) <= set(classes) else [str(c) for c in range(len(classes))]
    if strange := sorted(set(given) - set(order)):
        raise InputError(f"{answers}: received class {strange[0]!r}; allowed: {', '.join(order)}")
    number = {name: c for c, name in enumerate(order)}
    labels = np.array([number[name] for name in given])
    metric = metric_of(folder, classes)
    exact = metric.kind == "labels" and told
    voted = np.eye(len(classes))[[number[name] for name in told]] if exact else as_probabilities(test["vote"])
    return {
        "ensemble": metric.score(labels, voted),
        "best_single": metric.score(labels, test["probabilities"][int(test["best_single"])].mean(0)),
    }


def _same_rows(truth: pd.DataFrame, ids: list[str], key: str, source: Path) -> pd.DataFrame:
    """The answers in the order of the submission's ids."""
    if truth[key].tolist() == ids:
        return truth
    if not truth[key].is_unique or set(truth[key]) != set(ids):
        raise InputError(f"{source}: rows differ from the submission; allowed: each {key} of it once")
    return truth.set_index(key).loc[ids].reset_index()


def _answers(truth: pd.DataFrame, key: str, column: str, source: Path) -> list[str]:
    """The right class of each row, as the answers call it."""
    others = [str(name) for name in truth.columns if name != key]
    if column in others and len(set(truth[column]) - {"0", "1"}) + (len(others) == 1):
        return truth[column].tolist()
    if len(others) == 1:
        return truth[others[0]].tolist()
    hot = truth[others].apply(pd.to_numeric, errors="coerce")
    if len(others) < 2 or not ((hot == 1).sum(axis=1) == 1).all():
        raise InputError(
            f"{source}: received columns {', '.join(others)}; allowed: {column}, one column, or one a class with a 1"
        )
    return hot.idxmax(axis=1).tolist()


def metric_of(folder: EnsembleFolder, classes: Sequence[str]) -> Metric:
    """The metric that an ensemble was built for; a function is that of a run whose trials vote.

    macro-F1 where the folder holds a submission whose build was not finished.
    """
    summary: dict[str, Any] = folder.summary() if folder.built else {"metric": MACRO_F1}
    if is_named(summary["metric"]):
        return get(summary["metric"], classes)
    runs = [Run(folder.root.parents[1]), *(Run(Path(member["run"])) for member in summary["members"])]
    found = next((run for run in runs if run.begun and run.info.metric == summary["metric"]), None)
    if found is None:
        raise InputError(f"metric {summary['metric']}: received no run that has it; allowed: the runs as they were")
    return found.measure()
