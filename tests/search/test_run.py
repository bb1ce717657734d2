"""The command that searches: real Ray, real networks, real photos. Slow but for the lock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from helpers import SPACE, generic_data, prepared, refused, space_file
from optuna.trial import TrialState

from ensembles.build import main as build
from search.ledger import Ledger
from search.run import main as search
from trainable.files import read_json, read_npz
from trainable.run.paths import RunPaths

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
def run(given: list[object], done: subprocess.CompletedProcess[str]) -> RunPaths:
    assert done.returncode == 0, done.stdout + done.stderr
    assert isinstance(given[4], Path)
    return RunPaths(given[4] / "faces")


@pytest.mark.slow
def test_first_line_names_the_run_and_the_last_the_next_command(
    run: RunPaths, done: subprocess.CompletedProcess[str]
) -> None:
    lines = done.stdout.splitlines()
    assert lines[0] == f"run directory {run.root}"
    assert lines[-1] == f"next: python -m ensembles.build {run.root}"
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_run_directory_holds_what_the_design_says(run: RunPaths) -> None:
    for path in (run.experiment, run.space, run.manifest, run.folds, run.study, run.leaderboard):
        assert path.is_file(), path
    assert run.space.read_text() == FACES
    info = read_json(run.experiment)
    assert {
        "schema",
        "command",
        "versions",
        "seed",
        "metric",
        "classes",
        "data_fingerprint",
        "folds_fingerprint",
    } <= set(info)
    complete = [t for t in run.trials() if t.finished]
    assert complete
    for trial in complete:
        assert len(trial.folds()) == 2
        for fold in trial.folds():
            names = {"model.safetensors", "valid.npz", "metrics.jsonl", "result.json"}
            assert {p.name for p in fold.root.iterdir()} == names
        assert len(read_npz(trial.oof)["index"]) == 168
    for trial in run.trials():
        assert json.loads(trial.config.read_text())["epochs"] == 2
        assert trial.finished or not list(trial.root.rglob("*.safetensors"))
        assert (run.tensorboard / trial.root.name).is_dir()
    assert not list(run.root.rglob("*.partial"))


@pytest.mark.slow
def test_leaderboard_and_ledger_tell_the_same(run: RunPaths) -> None:
    table = pd.read_csv(run.leaderboard).set_index("trial")
    ledger = Ledger.open(run.study)
    assert len(table) == len(ledger.named()) == TRIALS
    columns = ["state", "folds_done", "epochs_done", "oof_macro_f1", "fold_macro_f1_mean", "seconds", "backbone", "lr"]
    assert list(table) == columns
    names = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "stopped"}
    for trial_id, frozen in ledger.named().items():
        assert table.loc[trial_id, "state"] == names[frozen.state]
        if frozen.state == TrialState.COMPLETE:
            assert table.loc[trial_id, "oof_macro_f1"] == pytest.approx(frozen.value)
            assert table.loc[trial_id, "epochs_done"] == 4


@pytest.mark.slow
def test_ensemble_of_the_run_makes_a_submission_for_every_eval_photo(run: RunPaths, sample: Path) -> None:
    assert build([str(run.root)]) == 0
    info = pd.read_csv(sample / "eval" / "info.csv")
    submission = pd.read_csv(run.ensemble("auto").submission)
    assert list(submission) == ["ImageID", "ans"]
    assert submission["ImageID"].tolist() == info["ImageID"].tolist()
    assert submission["ans"].between(0, 17).all()


@pytest.mark.slow
def test_finished_run_can_be_resumed_and_grows_by_more_trials(run: RunPaths, given: list[object]) -> None:
    before = {t.root.name: t.result.read_bytes() for t in run.trials() if t.finished}
    again = run_search(*given, "--resume")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(Ledger.open(run.study).named()) == TRIALS
    more = run_search(*given, "--resume", "--trials", TRIALS + 1)
    assert more.returncode == 0, more.stdout + more.stderr
    assert len(Ledger.open(run.study).named()) == TRIALS + 1
    assert all(run.trial(name).result.read_bytes() == content for name, content in before.items())


@pytest.mark.slow
def test_chosen_trials_are_trained_once_more_by_ray(run: RunPaths) -> None:
    chosen = next(t for t in run.trials() if t.finished)
    seeds = run_search("--promote", run.root, chosen.root.name, "--seeds", 1, "--cpus-per-trial", 1)
    assert seeds.returncode == 0, seeds.stdout + seeds.stderr
    board = pd.read_csv(run.leaderboard, dtype={"promoted": str})
    promoted = board[board["promoted"] == chosen.root.name]
    assert promoted["state"].tolist() == ["complete"] and run.trial(promoted["trial"].item()).oof.is_file()
    rows = run_search("--promote", run.root, chosen.root.name, "--all-rows", "--cpus-per-trial", 1)
    assert rows.returncode == 0, rows.stdout + rows.stderr
    assert rows.stdout.splitlines()[-1] == f"next: python -m ensembles.build {run.root} --all-rows"
    assert chosen.all_rows.finished and chosen.all_rows.weights.is_file()


@pytest.mark.slow
def test_search_whose_trials_all_fail_stops_and_says_why_once(generic: Path, tmp_path: Path) -> None:
    """Weights that are no weights pass the driver's look and break every trial."""
    text = SPACE.replace('"pretrained": False', '"pretrained": True').replace("trials=2", "trials=8")
    (tmp_path / "test_resnet.safetensors").write_bytes(b"these are no weights")
    file = space_file(tmp_path, text)
    failed = run_search(file, "--data", generic, "--out", tmp_path / "runs", "--weights", tmp_path)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    errors = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "the first 3 trials all failed" in errors[0]
    assert "Traceback" not in failed.stdout + failed.stderr
    trials = RunPaths(tmp_path / "runs" / "tiny").trials()
    assert 3 <= len(trials) <= 5
    assert sum("Traceback" in t.error.read_text() for t in trials if t.error.exists()) >= 3


@pytest.mark.slow
def test_trial_that_fails_does_not_end_the_search(generic: Path, tmp_path: Path) -> None:
    text = SPACE.replace('"backbone": "test_resnet", "pretrained": False', "**network(trial)")
    queued = "{'good': True, 'lr': 0.002}, {'good': False, 'lr': 0.002}, {'good': True, 'lr': 0.004}"
    text = text.replace("trials=2", f"trials=3, first=({queued})")
    text += """

def network(trial):
    good = trial.suggest_categorical("good", [True, False])
    return {"backbone": "test_resnet" if good else "test_vit", "pretrained": not good}
"""
    (tmp_path / "test_vit.safetensors").write_bytes(b"these are no weights")
    file = space_file(tmp_path, text)
    done = run_search(file, "--data", generic, "--out", tmp_path / "runs", "--weights", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    run = RunPaths(tmp_path / "runs" / "tiny")
    states = pd.read_csv(run.leaderboard)["state"].value_counts()
    assert states["failed"] == 1
    assert states["complete"] >= 1
    failed = [t for t in run.trials() if t.error.exists()]
    assert len(failed) == 1
    assert "Traceback" in failed[0].error.read_text()
    assert not list(failed[0].root.rglob("*.safetensors"))


# --- without Ray ------------------------------------------------------------------------------------------------


@pytest.fixture
def begun(generic: Path, tmp_path: Path) -> list[object]:
    """Arguments that resume a run of which nothing but the experiment exists."""
    file = space_file(tmp_path, SPACE)
    prepared(generic, tmp_path / "runs" / "tiny")
    (tmp_path / "runs" / "tiny" / "space.py").write_text(SPACE)
    return [file, "--out", tmp_path / "runs", "--resume"]


def test_lock_refuses_a_second_process(begun: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with FileLock(RunPaths(tmp_path / "runs" / "tiny").lock):
        line = refused(capfd, search, *begun)
    assert "is in use: received a second process" in line


def test_resume_on_other_data_is_refused(
    begun: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = generic_data(tmp_path / "other")
    assert f"received --data {other}; allowed: " in refused(capfd, search, *begun, "--data", other)


def test_resume_with_a_changed_space_shows_the_difference(
    begun: list[object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    space_file(tmp_path, SPACE.replace("epochs=1", "epochs=2"))
    error = refused(capfd, search, *begun)
    assert "has changed: received " in error
    assert "-SEARCH = Search(trials=2, folds=2, epochs=1" in error
    assert "+SEARCH = Search(trials=2, folds=2, epochs=2" in error


def test_dry_run_prints_the_plan_and_writes_nothing(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = space_file(tmp_path, SPACE)
    assert search([str(file), "--data", str(generic), "--out", str(tmp_path / "runs"), "--dry-run"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == f"run directory {tmp_path / 'runs' / 'tiny'}"
    assert lines[-1].startswith("next: python -m search.run")
    assert any("24 images of 12 groups" in line for line in lines)
    sampled = [line for line in lines if line.startswith("sampled: ")]
    assert len(sampled) == 3 and all(
        "model.backbone=test_resnet" in line and "optim.lr=0.00" in line for line in sampled
    )
    assert not any("epochs=12" in line or "momentum" in line for line in sampled)  # defaults, and what does not count
    assert not (tmp_path / "runs").exists()


def test_resume_with_changed_data_names_what_changed(
    begun: list[object], generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = generic / "manifest.csv"
    old = table.read_text()
    try:
        table.write_text("\n".join(old.splitlines()[:-1]) + "\n")
        assert "has changed: received 1 gone (" in refused(capfd, search, *begun)
    finally:
        table.write_text(old)
