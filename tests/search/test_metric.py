"""A search by another metric, to its vote and submission: what ranks, what is shown, what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import SPACE, refused, space_file
from inline import searched

from ensembles.build import main as build
from ensembles.report.ensemble import space_file as space_of
from ensembles.report.facts import read_facts
from ensembles.score_answers import main as score_answers
from search.metric import order_said
from search.run import main as search
from search.space import Search
from search.space_file import load_space
from trainable.errors import InputError
from trainable.metrics import get
from trainable.run import Run

FUNCTION = """

def least_recall(labels, probabilities):
    right = probabilities.argmax(1) == labels
    return min(float(right[labels == c].mean()) for c in set(labels.tolist()))


SEARCH = Search(trials=2, folds=2, epochs=1, store_size=(32, 32), members=1, metric=least_recall)
"""


def by(metric: str) -> str:
    return SPACE.replace("members=1", f"members=1, metric={metric!r}")


def scores_of(run: Run, metric: str) -> dict[str, float]:
    tables = {trial.id: trial.oof() for trial in run.trials() if trial.finished}
    return {i: get(metric, t.classes).score(t.label, t.probabilities) for i, t in tables.items()}


@pytest.mark.usefixtures("reports")
def test_log_loss_from_the_race_to_the_submission(
    sample: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    space = space_file(tmp_path, by("log_loss").replace("trials=2", "trials=3"), "loss")
    assert searched(space, "--data", sample, "--out", tmp_path) == 0
    told, run = capfd.readouterr().out, Run(tmp_path / "loss")
    assert "by log loss" in told
    assert run.info.metric == run.settings["metric"] == "log_loss"
    known = scores_of(run, "log_loss")
    assert known
    assert {i: run.trial(i).result.oof_score for i in known} == pytest.approx(known, abs=1e-12)
    assert all(score < 0 for score in known.values())
    assert re.search(rf"best {-max(known.values()):.4f}", told), "people read a loss with its own sign"
    board = pd.read_csv(run.leaderboard).dropna(subset="oof_score")
    assert board["oof_score"].is_monotonic_decreasing
    trial = run.trial(board["trial"].iloc[0])
    for fold in (trial.fold(k) for k in range(2)):
        table = fold.validation()
        own = get("log_loss", table.classes).score(table.label, table.probabilities)
        assert fold.epochs()[-1]["score"] == pytest.approx(own, abs=1e-12) == pytest.approx(fold.result.score)

    assert build([str(run.root)]) == 0
    told = capfd.readouterr().out
    assert "vote: nested " in told and "best single trial: nested " in told
    assert "left out under log loss: hard_vote, shares of votes are no probabilities" in told
    summary = run.ensemble("auto").summary()
    vote = run.ensemble("auto").oof()
    assert summary["metric"] == "log_loss"
    assert {row["method"] for row in summary["methods"]}.isdisjoint({"hard_vote"})
    again = get("log_loss", vote.classes).score(vote.label, vote.probabilities)
    assert summary["oof_score"] == again
    assert len(pd.read_csv(run.ensemble("auto").submission)) == len(pd.read_csv(sample / "eval" / "info.csv"))
    assert summary["same_person"] is not None
    code = space_file(tmp_path, space_of(read_facts(run.root), read_facts(run.root).complete[0]), "again")
    assert load_space(code).search.metric == "log_loss"
    assert "macro-F1" not in told + run.report.read_text(encoding="utf-8")
    assert "log loss" in run.report.read_text(encoding="utf-8")


def test_a_function_of_the_users_own(generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    space = space_file(tmp_path, re.sub(r"\nSEARCH = .*\n", FUNCTION, SPACE), "own")
    assert searched(space, "--data", generic, "--out", tmp_path) == 0
    run = Run(tmp_path / "own")
    assert run.info.metric == run.settings["metric"] == "least_recall"
    trial = next(trial for trial in run.trials() if trial.finished)
    table = trial.oof()
    right = table.probabilities.argmax(1) == table.label
    least = min(right[table.label == c].mean() for c in range(3))
    assert trial.result.oof_score == pytest.approx(least)
    assert "by least_recall" in capfd.readouterr().out
    assert searched(space, "--data", generic, "--out", tmp_path, "--resume") == 0

    assert build([str(run.root), "--method", "greedy", "--size", "3"]) == 0
    told = capfd.readouterr().out
    assert re.search(
        r"least_recall is called for every candidate: at most [\d,]+ calls of [\d.]+ ms, \d+ seconds", told
    )
    summary, vote = run.ensemble("greedy").summary(), run.ensemble("greedy").oof()
    right = vote.probabilities.argmax(1) == vote.label
    assert summary["oof_score"] == pytest.approx(min(right[vote.label == c].mean() for c in range(3)))
    assert len(pd.read_csv(run.ensemble("greedy").submission)) == 5
    own = run.ensemble("greedy")
    assert score_answers([str(own.root), str(own.submission)]) == 0
    assert "true test least_recall of greedy: best single 1.0000, ensemble 1.0000" in capfd.readouterr().out


def test_runs_of_different_metrics_are_told_apart(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for metric in ("macro_f1", "brier"):
        space = space_file(tmp_path, by(metric), metric)
        assert searched(space, "--data", generic, "--out", tmp_path) == 0
    one, two = tmp_path / "macro_f1", tmp_path / "brier"
    told = refused(capfd, build, one, two)
    assert f"runs differ in metric: received {one} macro_f1; {two} brier; allowed: --metric NAME" in told
    told = refused(capfd, search, tmp_path / "brier.py", "--from", one, "--data", generic, "--out", tmp_path / "new")
    assert "metric='macro_f1' (this space: 'brier')" in told
    ids = {t.id for t in Run(one).trials()}
    assert ids & {t.id for t in Run(two).trials()}, "a configuration keeps its id under any metric"

    assert build([str(one), str(two), "--metric", "accuracy", "--method", "greedy"]) == 0
    summary = Run(one).ensemble("greedy").summary()
    table = Run(one).ensemble("greedy").oof()
    assert summary["metric"] == "accuracy"
    assert summary["oof_score"] == pytest.approx(np.mean(table.probabilities.argmax(1) == table.label))
    told = refused(capfd, build, one, "--metric", "f1:class9")
    assert "unknown class of metric f1 'class9'; nearest: class" in told


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("'macrof1'", "space.py: unknown metric 'macrof1'; nearest: macro_f1"),
        ("'f1:class7'", "space.py: unknown class of metric f1 'class7'; nearest: class"),
        (
            "'top_k:3'",
            "space.py: metric top_k:3: received 3 classes, so that every answer scores 1; allowed: K below 3",
        ),
        ("'f1'", "space.py: metric f1: received 3 classes, and it is that of the second of two"),
        ("lambda labels: 1.0", "failed on 6 made-up rows: TypeError"),
        ("lambda labels, probabilities: None", "failed on 6 made-up rows: TypeError"),
        ("lambda labels, probabilities: float('nan')", "it answered nan"),
    ],
)
def test_a_metric_that_cannot_be_is_refused_before_anything_is_done(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], metric: str, words: str
) -> None:
    space = space_file(tmp_path, SPACE.replace("members=1", f"members=1, metric={metric}"), "space")
    assert words in refused(capfd, search, space, "--data", generic, "--out", tmp_path / "runs", "--dry-run")


def test_settings_hold_the_name_alone() -> None:
    assert json.loads(json.dumps(Search(metric=len).settings()))["metric"] == "len"
    with pytest.raises(InputError, match="unknown metric 'f2'"):
        Search(metric="f2")


def test_the_order_that_a_kappa_takes_names_in_is_said() -> None:
    said = order_said(get("quadratic_kappa", ("mild", "none", "severe")), ("mild", "none", "severe"))
    assert said == [
        "quadratic kappa takes the classes in this order: mild, none, severe (--label C --order C=V,V,... sets it)"
    ]
    assert not order_said(get("quadratic_kappa", ("0", "1", "2")), ("0", "1", "2"))
    assert not order_said(get("macro_f1", ("a", "b", "c")), ("a", "b", "c"))
