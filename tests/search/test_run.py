"""The command that searches: real Ray, real networks, real photos."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from helpers import space_file
from optuna.trial import TrialState

from ensembles.build import main as build
from search.ledger import Ledger
from trainable.run import Run

TRIALS = 4
FACES = """
from search.space import Search

SEARCH = Search(trials=4, folds=2, epochs=2, store_size=(64, 48), members=2, startup=2)


def space(trial, data):
    return {
        "model": {"backbone": trial.suggest_categorical("backbone", ["test_resnet", "test_vit"]), "pretrained": False},
        "input": {"size": (48, 48)},
        "optim": {"lr": trial.suggest_float("lr", 1e-3, 1e-2, log=True)},
        "batch_size": 32,
    }
"""


def run_search(*arguments: object, timeout: int = 400) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since Ray leaves threads behind."""
    command = [sys.executable, "-m", "search.run", *map(str, arguments)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=environment)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> list[object]:
    folder = tmp_path_factory.mktemp("search")
    return [space_file(folder, FACES, "faces"), "--data", sample, "--out", folder / "runs", "--cpus-per-trial", "1"]


@pytest.fixture(scope="module")
def done(given: list[object]) -> subprocess.CompletedProcess[str]:
    return run_search(*given)


@pytest.fixture(scope="module")
def run(given: list[object], done: subprocess.CompletedProcess[str]) -> Run:
    assert done.returncode == 0, done.stdout + done.stderr
    assert isinstance(given[4], Path)
    return Run.open(given[4] / "faces")


def test_first_line_names_the_run_and_the_last_the_next_command(
    run: Run, done: subprocess.CompletedProcess[str]
) -> None:
    lines = done.stdout.splitlines()
    assert lines[0] == f"run directory {run.root}"
    assert lines[-1] == f"next: python -m ensembles.build {run.root}"
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr


def test_run_directory_holds_what_the_design_says(run: Run) -> None:
    for name in ("experiment.json", "space.py", "manifest.parquet", "folds.parquet", "study.log", "leaderboard.csv"):
        assert (run.root / name).is_file(), name
    assert run.space.read_text() == FACES
    info = json.loads((run.root / "experiment.json").read_text())
    named = {"schema", "command", "versions", "seed", "metric", "classes", "data_fingerprint", "folds_fingerprint"}
    assert named <= set(info)
    complete = [t for t in run.trials() if t.finished]
    assert complete
    for trial in complete:
        assert len(trial.folds()) == 2
        for fold in trial.folds():
            names = {"model.safetensors", "valid.npz", "metrics.jsonl", "result.json"}
            assert {p.name for p in fold.root.iterdir()} == names
        assert len(trial.oof().index) == 168
    for trial in run.trials():
        assert trial.config.epochs == 2
        assert trial.finished or not list(trial.root.rglob("*.safetensors"))
        assert run.events(trial.id) is not None
    assert not list(run.root.rglob("*.partial"))
    assert run.report.is_file()


def test_leaderboard_and_ledger_tell_the_same(run: Run) -> None:
    table = pd.read_csv(run.leaderboard).set_index("trial")
    ledger = Ledger.open(run.study)
    assert len(table) == len(ledger.named()) == TRIALS
    columns = ["number", "state", "folds_done", "epochs_done", "oof_score", "fold_score_mean", "fold_0_score"]
    columns += ["seconds", "backbone", "lr"]
    assert list(table) == columns
    names = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "stopped"}
    for trial_id, frozen in ledger.named().items():
        assert table.loc[trial_id, "state"] == names[frozen.state]
        if frozen.state == TrialState.COMPLETE:
            assert table.loc[trial_id, "oof_score"] == pytest.approx(frozen.value)
            assert table.loc[trial_id, "epochs_done"] == 4


@pytest.mark.slow
def test_finished_run_grows_by_more_trials_though_its_driver_is_killed(run: Run, given: list[object]) -> None:
    before = {t.id: (t.root / "result.json").read_bytes() for t in run.trials() if t.finished}
    known = set(run.trials())
    more = [*given, "--resume", "--trials", TRIALS + 2]
    command = [sys.executable, "-m", "search.run", *map(str, more)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 120
        while not any(trial.fold(0).epochs() for trial in set(run.trials()) - known):
            assert process.poll() is None and time.monotonic() < until, "no epoch within two minutes"
            time.sleep(0.05)
        process.kill()
    done = run_search(*more)
    assert done.returncode == 0, done.stdout + done.stderr
    ledger = Ledger.open(run.study)
    assert len(ledger.named()) == TRIALS + 2
    assert all(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in ledger.named().values())
    assert all((run.trial(name).root / "result.json").read_bytes() == content for name, content in before.items())


def test_lock_of_a_search_is_free_when_it_has_ended(run: Run) -> None:
    with FileLock(run.lock, timeout=0):
        pass


@pytest.mark.slow
def test_ensemble_of_the_run_makes_a_submission_for_every_eval_photo(run: Run, sample: Path) -> None:
    assert build([str(run.root)]) == 0
    info = pd.read_csv(sample / "eval" / "info.csv")
    submission = pd.read_csv(run.ensemble("auto").submission)
    assert list(submission) == ["ImageID", "ans"]
    assert submission["ImageID"].tolist() == info["ImageID"].tolist()
    assert submission["ans"].between(0, 17).all()


@pytest.mark.slow
def test_resumed_without_anything_to_do_it_changes_nothing(run: Run, given: list[object]) -> None:
    before = Ledger.open(run.study).named()
    results = {t.id: (t.root / "result.json").read_bytes() for t in run.trials() if t.finished}
    again = run_search(*given, "--resume", "--trials", len(before))
    assert again.returncode == 0, again.stdout + again.stderr
    assert {n: t.state for n, t in Ledger.open(run.study).named().items()} == {n: t.state for n, t in before.items()}
    assert {t.id: (t.root / "result.json").read_bytes() for t in run.trials() if t.finished} == results


@pytest.mark.slow
def test_chosen_trials_are_trained_once_more_by_ray(run: Run) -> None:
    chosen = next(t for t in run.trials() if t.finished)
    seeds = run_search("--retrain", run.root, chosen.id, "--seeds", 1, "--cpus-per-trial", 1)
    assert seeds.returncode == 0, seeds.stdout + seeds.stderr
    board = pd.read_csv(run.leaderboard, dtype={"retrained": str})
    retrained = board[board["retrained"] == chosen.id]
    assert retrained["state"].tolist() == ["complete"] and run.trial(retrained["trial"].item()).oof_file.is_file()
    rows = run_search("--retrain", run.root, chosen.id, "--all-rows", "--cpus-per-trial", 1)
    assert rows.returncode == 0, rows.stdout + rows.stderr
    last = rows.stdout.splitlines()[-1]  # the other trials of the vote, which have no network of all rows yet
    assert last.startswith(f"next: python -m search.run --retrain {run.root} ") and last.endswith(" --all-rows")
    assert chosen.all_rows.finished and chosen.all_rows.weights.is_file()


@pytest.mark.slow
def test_share_that_no_node_can_give_is_one_line(given: list[object]) -> None:
    """Asked of a real cluster, that of this machine."""
    refused = run_search(*given, "--resume", "--cpus-per-trial", 4000)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: --cpus-per-trial: received 4000; allowed: up to ")
    assert len(refused.stderr.splitlines()) == 1
