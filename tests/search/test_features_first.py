"""A search of pretrained networks begins with heads on their features: real weights, real photos, every ending."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from helpers import SPACE, generic_data, space_file
from inline import interrupt_after, no_pictures, searched
from optuna.trial import TrialState

from ensembles.build import main as build
from search import drive
from search.features_first import FrozenScores, could_train
from search.first_heads import HEADS
from search.ledger import FEATURES, Ledger
from search.prior import Prior, published_prior
from search.sampler.by_prior import Ranking, best_first
from search.space import DataFacts, Search
from search.space_file import load_space
from trainable.config import TrialConfig
from trainable.data.layouts import read_manifest
from trainable.run import Run

LITE = "tf_efficientnet_lite0"
PRETRAINED = f"""
from search.space import Search

SEARCH = Search(trials=2, folds=2, epochs=1, store_size=(64, 64), members=1, startup=4)


def space(trial, data):
    side = trial.suggest_categorical("side", [32, 64])
    return {{
        "model": {{"backbone": "{LITE}"}},
        "input": {{"size": (side, side)}},
        "augment": {{"policy": "none"}},
        "optim": {{"lr": trial.suggest_float("lr", 1e-5, 1e-3, log=True)}},
        "batch_size": 8,
    }}
"""
TABLES = [f"{LITE} 32x32", f"{LITE} 64x64"]
ALL = [f"{table} {head}" for table in TABLES for head in HEADS]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generic_data(tmp_path_factory.mktemp("features") / "data", people=12, each=3)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return space_file(tmp_path_factory.mktemp("spaces"), PRETRAINED)


@pytest.fixture
def words(space: Path, data: Path, tmp_path: Path) -> list[object]:
    return [space, "--data", data, "--out", tmp_path, "--name", "run"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


def board_of(run: Run) -> pd.DataFrame:
    return pd.read_csv(run.leaderboard).set_index("trial")


def written(run: Run) -> dict[Path, int]:
    """When each file of a finished fold was written."""
    return {p: p.stat().st_mtime_ns for p in run.root.glob("trials/*/fold_*/result.json")}


@pytest.mark.slow
def test_stage_then_search(words: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str], data: Path) -> None:
    assert searched(*words) == 0
    out, run = capfd.readouterr().out, Run.open(tmp_path / "run")
    assert f"features: first lda, ridge, logistic on {', '.join(TABLES)}: 6 complete trials apart" in out
    said = out.index("a vote can be built from here on")
    assert out.index("features: trial") < said < out.index("\ntrial 7 ") and out.count("can be built from") == 1
    assert out.index("features: trial 3 ") < said < out.index("features: trial 4 "), "one table has its heads"
    board = board_of(run)
    heads = board[board["features"].notna()]
    assert sorted(heads["features"]) == sorted(ALL) and (heads["state"] == "complete").all()
    assert (heads["folds_done"] == 2).all() and (heads["oof_score"] > 0.8).all()
    own = Ledger.open(run.study).named()
    assert len(own) == 2 and not set(own) & set(heads.index), "they do not count as trials of the search"
    assert {course.trial for course in run.search().trials} == set(own)
    assert len(board) == 8
    table = run.trial(heads.index[0]).oof()
    assert len(table.label) == 36 and np.allclose(table.probabilities.sum(1), 1, atol=1e-5)
    assert "6 of them heads on frozen features" in out
    assert build([str(run.root), "--data", str(data)]) == 0
    summary = json.loads(run.ensemble("auto").summary_file.read_text())
    assert {m["trial"] for m in summary["members"]} & set(heads.index), "they may be members"
    before = written(run)
    capfd.readouterr()
    assert searched(*words, "--resume") == 0
    assert written(run) == before and "a vote can be built" not in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_interrupted_stage_is_taken_up_and_a_vote_can_be_built_before_any_search(
    words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], data: Path
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(patch, 7)  # of 2 epochs a head: in the fourth, the first on the second table
        assert searched(*words) == 130
    assert capfd.readouterr().out.splitlines()[-1].startswith("next: python -m search.run")
    run = Run.open(tmp_path / "run")
    shown = Ledger.open(run.study, apart=FEATURES).named()
    assert sum(t.state == TrialState.COMPLETE for t in shown.values()) == 3 and len(shown) == 6
    assert not Ledger.open(run.study).named()
    assert build([str(run.root), "--data", str(data)]) == 0
    before = written(run)
    assert searched(*words, "--resume") == 0
    assert {p: written(run)[p] for p in before} == before, "a finished fold was fitted again"
    assert sorted(board_of(run)["features"].dropna()) == sorted(ALL)
    assert len(Ledger.open(run.study).named()) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_killed_in_the_stage(words: list[object], tmp_path: Path) -> None:
    crash = Path(__file__).with_name("crash.py")
    command = [
        sys.executable,
        str(crash),
        "between the last report and complete",
        "2",
        *map(str, words),
        "--executor",
        "inline",
    ]
    killed = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert killed.returncode == -9, killed.stderr
    run = Run.open(tmp_path / "run")
    before = written(run)
    assert before and not Ledger.open(run.study).named(), "it was killed in the stage"
    assert searched(*words, "--resume") == 0
    assert {p: written(run)[p] for p in before} == before
    board = board_of(run)
    assert sorted(board["features"].dropna()) == sorted(ALL) and len(board) == 8


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_left_out_on_request(
    words: list[object], space: Path, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = space.read_text().replace("SEARCH = Search(", "SEARCH = Search(features=False, ")
    own = [space_file(tmp_path / "spaces", text), "--data", data, "--out", tmp_path, "--name", "own"]
    for given, name in (([*words, "--no-features"], "run"), (own, "own")):
        assert searched(*given) == 0
        assert "features:" not in capfd.readouterr().out
        board = board_of(Run.open(tmp_path / name))
        assert len(board) == 2 and "features" not in board.columns
    assert searched(*words, "--resume") == 0, "another sitting may have it otherwise"
    assert sorted(board_of(Run.open(tmp_path / "run"))["features"].dropna()) == sorted(ALL)


def test_random_weights_have_no_stage(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert searched(space_file(tmp_path, SPACE), "--data", data, "--out", tmp_path, "--name", "run") == 0
    assert "features:" not in capfd.readouterr().out
    assert len(board_of(Run.open(tmp_path / "run"))) == 2


def test_stage_that_fails_is_said_and_the_search_goes_on(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = SPACE.replace('"backbone": "test_resnet", "pretrained": False', "**network(trial)")
    text = text.replace("trials=2", "trials=1, first=({'good': True, 'lr': 0.002},)")
    text += """

def network(trial):
    good = trial.suggest_categorical("good", [True, False])
    return {"backbone": "test_resnet" if good else "test_resnet", "pretrained": not good}
"""
    (tmp_path / "test_resnet.safetensors").write_bytes(b"these are no weights")
    words = [space_file(tmp_path, text), "--data", data, "--out", tmp_path, "--name", "run", "--weights", tmp_path]
    assert searched(*words) == 0
    assert "warning: features: the first 3 trials all failed" in capfd.readouterr().out
    assert sorted(board_of(Run.open(tmp_path / "run"))["state"]) == ["complete", "failed", "failed", "failed"]


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_hours_give_the_stage_a_share_and_its_rest_is_fitted_on_resume(
    words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(drive, "SHARE", 1e-6)
        patch.setattr(drive, "could_train", lambda *given: True)
        assert searched(*words, "--hours", 1) == 0
    assert "warning: features: its share of --hours is over" in capfd.readouterr().out
    run = Run.open(tmp_path / "run")
    board = board_of(run)
    assert set(board[board["features"].notna()]["state"]) == {"waiting"} and len(board) == 8
    assert {t.state for t in Ledger.open(run.study).named().values()} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert searched(*words, "--resume") == 0
    board = board_of(run)
    assert set(board[board["features"].notna()]["state"]) == {"complete"} and len(board) == 8
    took: dict[tuple[int, int], float] = {}
    for trial in (trial for trial in run.trials() if trial.config.fitted):
        size = trial.config.input.size
        took[size] = max(took.get(size, 0.0), trial.result.seconds)
    scored, test, folds = len(run.manifest.frame), len(pd.read_csv(run.manifest.root / "test.csv")), run.info.folds
    epoch = 3 * min(took.values()) / (scored + test) * scored * (folds - 1) / folds  # forward, backward, update
    ledger, search = Ledger.open(run.study, apart=FEATURES), Search(epochs=4, folds=folds)
    assert could_train(run, search, ledger, folds, 4 * epoch * 1.001)
    assert not could_train(run, search, ledger, folds, 4 * epoch * 0.999)
    assert could_train(run, search, ledger, 1, 4 * folds * epoch * 1.001)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_stage_takes_all_of_hours_where_nothing_could_be_trained_in_the_rest(
    words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Half of the time is over before one table is there."""
    monkeypatch.setattr(drive, "SHARE", 1e-6)
    assert searched(*words, "--hours", 1) == 0
    assert "features: they take the rest of --hours" in capfd.readouterr().out
    board = board_of(Run.open(tmp_path / "run"))
    assert set(board[board["features"].notna()]["state"]) == {"complete"}


def test_draws_are_ordered_by_frozen_score_then_prior(space: Path, data: Path) -> None:
    read, facts = load_space(space), DataFacts.of(read_manifest(data))
    known = FrozenScores(best={(LITE, (32, 32)): (0.4, "lda"), (LITE, (64, 64)): (0.6, "ridge")})

    def first(scores: FrozenScores, prior: Prior | None = None) -> list[TrialConfig]:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
        drawn = iter(study.ask, None)
        found = best_first(drawn, drawn, lambda asked: read.config(asked, facts), Ranking(prior, scores.score))
        return [read.config(next(found), facts) for _ in range(16)]

    def sides(configs: list[TrialConfig]) -> list[int]:
        return [config.input.size[0] for config in configs]

    assert sides(first(known)) == sorted(sides(first(known)), reverse=True)
    assert sides(first(FrozenScores(best={("test_resnet", (32, 32)): (0.4, "lda")}))) == sides(first(FrozenScores()))
    prior = published_prior()
    configs = [config for config in first(known, prior) if config.input.size[0] == 64]
    ranks = [prior.rank(config) for config in configs]
    assert ranks == sorted(ranks, reverse=True)
