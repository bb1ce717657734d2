"""A search over heads on frozen features: run to its end, built, and asked about new photos."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import generic_data, space_file

from ensembles.build import main as build
from ensembles.predict import main as predict
from search.run import main as search
from trainable.features import compute
from trainable.run import Run

SPACE = """
from search.space import Search

SEARCH = Search(trials=6, folds=3, epochs=3, store_size=(32, 32), members=2, grace=1, startup=2)


def space(trial, data):
    beside = trial.suggest_categorical("beside", ["none", "test_efficientnet 32x32"])
    return {
        "model": {"backbone": "test_resnet", "pretrained": False, "freeze": "body"},
        "head": {"name": trial.suggest_categorical("head", ["lda", "ridge", "logistic", "knn"])},
        "features": {"beside": [] if beside == "none" else [beside]},
        "input": {"size": (32, 32)},
        "augment": {"policy": "none"},
        "tta": trial.suggest_categorical("tta", ["none", "flip"]),
    }
"""


@pytest.mark.usefixtures("reports")
def test_heads_are_searched_voted_and_predict_with_one_pass_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = generic_data(tmp_path / "data", people=24, each=4)
    monkeypatch.setenv("FOLDVOTE_CACHE", str(tmp_path / "cache"))
    file = space_file(tmp_path / "spaces", SPACE)
    arguments = [str(file), "--data", str(data), "--out", str(tmp_path), "--name", "run", "--executor", "inline"]
    assert search(arguments) == 0
    run = Run.open(tmp_path / "run")
    table = pd.read_csv(run.leaderboard)
    complete = table[table["state"] == "complete"]
    assert len(complete) >= 2 and (complete["oof_score"] > 0.8).all()
    assert "Features first: heads on networks that keep their weights" in run.report.read_text(encoding="utf-8")
    assert build([str(run.root), "--data", str(data)]) == 0
    summary = json.loads((run.ensemble("auto").summary_file).read_text())
    assert summary["oof_score"] > 0.9
    passes: list[int] = []
    forward = compute._compute
    monkeypatch.setattr(compute, "_compute", lambda *given: (passes.append(1), forward(*given))[1])
    assert predict([str(run.ensemble("auto").root), str(data / "images"), "--out", str(tmp_path / "new.csv")]) == 0
    bodies = {body for trial in run.trials() if trial.finished for body in trial.fold(0).bodies}
    assert len(passes) <= 2 * len(bodies)  # at most once a network and view, however many heads there are
    found = pd.read_csv(tmp_path / "new.csv")
    truth = [f"class{int(Path(p).name[1:3]) % 3}" for p in found["path"]]
    assert np.mean(found["prediction"] == np.array(truth)) > 0.9
