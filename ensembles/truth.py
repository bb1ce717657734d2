"""True scores of a vote on the test photos, by an answer key."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trainable.data.manifest import read_table
from trainable.errors import InputError
from trainable.metrics import MACRO_F1, Metric, get, is_named
from trainable.run import EnsembleFolder, Run


def latest(place: Path) -> Path:
    """The folder of an ensemble: the one given, or the latest that was built on the run given."""
    run = Run(place)
    return run.ensembles()[-1].root if run.begun and run.ensembles() else place


def true_scores(ensemble: Path, answers: Path) -> dict[str, float]:
    """{"ensemble", "best_single"}: scores on the test images, of the submission and of the best single trial.

    In the metric that the ensemble was built for, higher is better. Where that is one of predicted classes the
    submission's own count, else the vote that lies beside it. ensemble: the folder of a built ensemble. answers: a CSV
    with the submission's rows and the right classes. Raises InputError where the folder holds no submission, or the
    answers have other rows or classes.
    """
    folder = EnsembleFolder(ensemble)
    if not folder.submission.is_file():
        raise InputError(f"no ensemble: received {ensemble}; allowed: a folder that ensembles.build wrote")
    submission = pd.read_csv(folder.submission, dtype=str)
    key, column = submission.columns[0], submission.columns[-1]
    truth = read_table(answers, (key, column))
    if truth[key].tolist() != submission[key].tolist():
        raise InputError(f"{answers}: rows differ from {folder.submission}; allowed: the same {key} in the same order")
    test = folder.test()
    classes = test["classes"].tolist()
    # The competition's classes have names, its tables numbers.
    order = classes if set(submission[column]) <= set(classes) else [str(c) for c in range(len(classes))]
    strange = sorted(set(truth[column]) - set(order))
    if strange:
        raise InputError(f"{answers}: received class {strange[0]!r}; allowed: {', '.join(order)}")
    labels = np.array([order.index(v) for v in truth[column]])
    metric = metric_of(folder, classes)
    if metric.kind == "labels":
        voted = np.eye(len(classes))[[order.index(v) for v in submission[column]]]
    else:
        voted = test["vote"]
    return {
        "ensemble": metric.score(labels, voted),
        "best_single": metric.score(labels, test["probabilities"][int(test["best_single"])].mean(0)),
    }


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
