"""True scores of a vote on the test photos, by an answer key."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ensembles.answer_key import number_of, right_classes, words_of
from ensembles.nested import Bootstrap, evidence
from ensembles.submission import as_probabilities
from trainable.data.form import Form
from trainable.data.text_tables import read_table
from trainable.errors import InputError
from trainable.metrics import MACRO_F1, Metric, get, is_named
from trainable.run import EnsembleFolder, Run
from trainable.words import few


@dataclass(frozen=True)
class Truth:
    """The right classes int64[M] of the test photos beside votes [M, C] on them, "ensemble" and "best_single".

    groups: [M], what belongs together. metric: that the ensemble was built for. absent: classes that no photo has.
    """

    labels: NDArray[np.int64]
    votes: dict[str, NDArray[Any]]
    groups: NDArray[Any]
    metric: Metric
    absent: list[str]

    def scores(self) -> dict[str, float]:
        """Of each vote, higher is better."""
        return {name: self.metric.score(self.labels, vote) for name, vote in self.votes.items()}

    def error(self) -> float:
        """Standard error of the ensemble's score on other test photos: over groups drawn anew."""
        return float(self._drawn("ensemble")[1:].std())

    def ahead(self) -> tuple[float, float]:
        """By how much the ensemble is ahead of the best single trial, and the standard error of that."""
        difference = self._drawn("ensemble") - self._drawn("best_single")
        return float(difference[0]), float(difference[1:].std())

    def _drawn(self, name: str) -> NDArray[np.float64]:
        """A vote's score, then those on groups drawn anew, the same ones for each vote."""
        vote, number = self.votes[name], np.unique(self.groups, return_inverse=True)[1]
        bootstrap = Bootstrap(self.labels, number, vote.shape[1], 0, self.metric)
        return bootstrap.scores(evidence(vote, self.labels, self.metric), np.ones(len(self.labels), bool))


def true_scores(ensemble: Path, answers: Path) -> dict[str, float]:
    """{"ensemble", "best_single"}: as `read_truth` tells them, whose arguments and errors these are."""
    return read_truth(ensemble, answers).scores()


def read_truth(ensemble: Path, answers: Path) -> Truth:
    """What answers say of a submission and of the best single trial.

    Where the metric is one of predicted classes and the submission holds labels, its own count, else the vote that lies
    beside it. ensemble: the folder of a built ensemble. answers: a CSV with the submission's ids, in any order, and the
    right classes: in the submission's column, in the only other one that holds classes, or as one column a class. They
    are called as in training or in the submission; where that has the score of one of two classes, or the column is
    called as one, 1 is that class. Raises InputError where the folder holds no submission, or the answers have other
    ids or classes.
    """
    folder = EnsembleFolder(ensemble)
    if not folder.submission.is_file():
        if folder.built:
            raise InputError(
                f"no submission: received {ensemble}, which was built where there was no test photo; allowed: an "
                "ensemble that has a submission.csv (a vote on training photos is scored by its nested estimate)"
            )
        raise InputError(f"no ensemble: received {ensemble}; allowed: a folder that ensembles.build wrote")
    test = folder.test()
    classes = test["classes"].tolist()
    submission = _submission(folder)
    form = _form(folder, submission, classes)
    labels = _labels(submission, form, classes, answers)
    metric = metric_of(folder, classes)
    if metric.kind == "labels" and form.kind == "label":
        words = words_of(form, classes)
        told = [number_of(words, word, folder.submission) for word in submission[form.columns[0]]]
        voted = np.eye(len(classes))[told]
    else:
        voted = as_probabilities(test["vote"])
    single = test["probabilities"][int(test["best_single"])].mean(0)
    groups = test["groups"] if "groups" in test else np.arange(len(labels))
    absent = [name for number, name in enumerate(classes) if number not in labels]
    return Truth(labels, {"ensemble": voted, "best_single": single}, groups, metric, absent)


def _labels(submission: pd.DataFrame, form: Form, classes: Sequence[str], answers: Path) -> NDArray[np.int64]:
    """The right classes [M] by number, in the order of the submission."""
    truth = _same_rows(read_table(answers, (form.id,)), submission[form.id].tolist(), form.id, answers)
    return np.array(right_classes(truth, form, classes, answers))


def _submission(folder: EnsembleFolder) -> pd.DataFrame:
    """The submission, its rows in the order that the build wrote, whatever was done to it since."""
    written = pd.read_csv(folder.submission, dtype=str, keep_default_na=False)
    if not folder.probabilities.is_file():
        return written
    ids = pd.read_csv(folder.probabilities, dtype=str, keep_default_na=False).iloc[:, 0]
    key = str(ids.name)
    return _same_rows(written, ids.tolist(), key, folder.submission) if key in written else written


def _form(folder: EnsembleFolder, submission: pd.DataFrame, classes: Sequence[str]) -> Form:
    """What the submission holds; labels, behind a column of ids, where its build was not finished."""
    header = tuple(map(str, submission.columns))
    known = folder.summary().get("form") if folder.built else None
    if known is None:
        told = set(submission[header[-1]])
        # The competition's classes have names, its tables numbers.
        names = classes if told <= set(classes) else [str(c) for c in range(len(classes))]
        return Form("label", header[0], header, header[-1:], tuple(names))
    return Form.from_dict(known)


def _same_rows(table: pd.DataFrame, ids: Sequence[str], key: str, source: Path) -> pd.DataFrame:
    """The table in the order of these ids."""
    own = table[key].tolist()
    if own == ids:
        return table
    if len(set(own)) < len(own) or set(own) != set(ids):
        there, wanted = set(own), set(ids)
        lacks, strange = [i for i in ids if i not in there], [i for i in own if i not in wanted]
        said = [f"none for {few(map(repr, lacks))}"] if lacks else []
        said += [f"others such as {few(map(repr, strange))}"] if strange else []
        said = said or ["some twice"]
        raise InputError(
            f"{source}: rows differ from the submission: received {', '.join(said)}; allowed: each {key} of it once"
        )
    return table.set_index(key).loc[list(ids)].reset_index()


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
