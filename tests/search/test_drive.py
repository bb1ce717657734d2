"""Searches from their first job to their last line, without Ray: interrupted, failing, on a full disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pandas as pd
import pytest
from helpers import SPACE, space_file
from inline import after_epochs, interrupt_after, searched
from optuna.storages.journal import JournalFileBackend

from ensembles.build import main as build
from search.ledger import Ledger
from search.watch import leaderboard
from trainable.run import Run

TWO_EPOCHS = SPACE.replace("trials=2", "trials=3").replace("epochs=1", "epochs=2").replace("members=1", "members=4")


@pytest.fixture
def words(generic: Path, tmp_path: Path) -> list[object]:
    """A search of three trials, all of which become complete: two folds of two epochs each."""
    return [space_file(tmp_path, TWO_EPOCHS), "--data", generic, "--out", tmp_path / "runs", "--name", "run"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "runs" / "run")


def oofs(run: Run) -> dict[str, bytes]:
    return {trial.id: trial.oof().probabilities.tobytes() for trial in run.trials() if trial.finished}


def states(run: Run) -> list[str]:
    return pd.read_csv(run.leaderboard)["state"].tolist()


def test_interrupted_search_says_how_to_go_on_and_ends_as_one_that_was_not(
    words: list[object], run: Run, generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert searched(*words, "--out", tmp_path / "undisturbed") == 0
    for epochs in (0, 3, 4):
        with pytest.MonkeyPatch.context() as patch:
            interrupt_after(patch, epochs)
            assert searched(*words, *(["--resume"] if run.begun else [])) == 130
        command = f"python -m search.run {' '.join(map(str, words))}"
        more = " --executor inline --resume" if epochs == 0 else " --resume --executor inline"
        assert capfd.readouterr().out.splitlines()[-1] == f"next: {command}{more}"
    assert searched(*words, "--resume") == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == f"run directory {run.root}" and lines[-1] == f"next: python -m ensembles.build {run.root}"
    assert oofs(run) == oofs(Run(tmp_path / "undisturbed" / "run"))
    assert pd.read_csv(run.leaderboard)["epochs_done"].tolist() == [4, 4, 4], "no epoch was trained twice"


def test_trial_that_failed_is_run_again_on_resume(
    words: list[object], run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.MonkeyPatch.context() as patch:
        after_epochs(patch, 3, fail)
        with pytest.raises(RuntimeError):  # the executor itself broke: no message was sent
            searched(*words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainable.run.trial.Trial.finish", lambda *_: fail())
        assert searched(*words, "--resume") == 1
    err = capfd.readouterr().err
    assert err.splitlines()[-1].startswith("error: the first 3 trials all failed; the last: RuntimeError: CUDA error")
    assert states(run) == ["failed"] * 3
    assert all("illegal memory access" in trial.error.read_text() for trial in run.trials())
    first = {trial.id: trial.fold(0).weights.stat().st_mtime_ns for trial in run.trials()}

    assert searched(*words, "--resume") == 0
    assert states(run) == ["complete"] * 3
    assert not any(trial.error.exists() for trial in run.trials())
    assert {trial.id: trial.fold(0).weights.stat().st_mtime_ns for trial in run.trials()} == first, "trained again"
    assert not any(fold.broken() for trial in run.trials() for fold in trial.folds())
    assert build([str(run.root), "--method", "mean_top5"]) == 0


@pytest.mark.parametrize("place", ["the ledger", "the leaderboard", "the last leaderboard"])
def test_full_disk_under_the_drivers_own_files_is_one_line(
    words: list[object], run: Run, capfd: pytest.CaptureFixture[str], place: str
) -> None:
    """Workers tell of a full disk themselves; here the driver meets it first."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        if place == "the ledger":
            after_epochs(patch, 3, lambda: patch.setattr(JournalFileBackend, "append_logs", full))
        elif place == "the leaderboard":
            patch.setattr(leaderboard, "write_atomic", full)
        else:
            patch.setattr("search.drive.write_leaderboard", full)
        assert searched(*words) == 1
    out, err = capfd.readouterr()
    assert [line for line in err.splitlines() if line.startswith("error: ")] == [
        f"error: the disk of {run.root} is full"
    ]
    assert "Traceback" not in out + err and "warning" not in out + err
    assert out.splitlines()[-1].startswith("next: python -m search.run")
    assert not run.report.exists()
    assert searched(*words, "--resume") == 0
    assert states(run) == ["complete"] * 3
    assert len(Ledger.open(run.study).named()) == 3


CORRECTIONS = "path_or_id,field,value\np00,label,class1\np01,label,class2\n"


def corrected(folder: Path, data: Path, out: Path) -> tuple[Path, list[object]]:
    """A corrections file, and the words of a search that uses it."""
    csv = folder / "corrections.csv"
    csv.write_text(CORRECTIONS)
    text = TWO_EPOCHS.replace('"batch_size"', f'"rows": {{"corrections": {str(csv)!r}}},\n        "batch_size"')
    return csv, [space_file(folder, text), "--data", data, "--out", out, "--name", "run"]


@pytest.fixture(scope="module")
def undisturbed(generic: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What four trials on corrected labels predict."""
    folder = tmp_path_factory.mktemp("undisturbed")
    _, words = corrected(folder, generic, folder)
    assert searched(*words, "--trials", 4) == 0
    assert len(oofs(Run(folder / "run"))) == 4
    return oofs(Run(folder / "run"))


@pytest.mark.parametrize("change", ["edited", "deleted"])
def test_corrections_that_are_changed_while_a_search_runs_change_nothing(
    undisturbed: dict[str, bytes], generic: Path, run: Run, tmp_path: Path, change: str
) -> None:
    """They were copied into the run, which here is also interrupted, and resumed with another trial to come."""
    csv, words = corrected(tmp_path, generic, tmp_path / "runs")

    def act() -> None:
        if change == "edited":
            csv.write_text("path_or_id,field,value\np00,label,class2\n")
        else:
            csv.unlink()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        after_epochs(patch, 3, act)  # in the second trial
        assert searched(*words) == 130
    assert searched(*words, "--resume", "--trials", 4) == 0
    assert oofs(run) == undisturbed
    assert build([str(run.root), "--method", "mean_top5"]) == 0
    assert searched("--retrain", run.root, run.trials()[0].id, "--seeds", 1) == 0
    assert states(run) == ["complete"] * 5


# --- networks that cannot be built -------------------------------------------------------------------------------


def test_search_whose_trials_all_fail_stops_and_says_why_once(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Weights that are no weights pass the driver's look and break every trial."""
    text = SPACE.replace('"pretrained": False', '"pretrained": True').replace("trials=2", "trials=8, features=False")
    (tmp_path / "test_resnet.safetensors").write_bytes(b"these are no weights")
    words = [space_file(tmp_path, text), "--data", generic, "--out", tmp_path / "runs", "--weights", tmp_path]
    assert searched(*words) == 1
    out, err = capfd.readouterr()
    (error,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "the first 3 trials all failed" in error
    assert "Traceback" not in out + err
    assert out.splitlines()[-1].startswith("next: python -m search.run")
    trials = Run(tmp_path / "runs" / "tiny").trials()
    assert len(trials) == 3
    assert all("Traceback" in t.error.read_text() for t in trials)


def test_trial_that_fails_does_not_end_the_search(generic: Path, tmp_path: Path) -> None:
    text = SPACE.replace('"backbone": "test_resnet", "pretrained": False', "**network(trial)")
    queued = "{'good': True, 'lr': 0.002}, {'good': False, 'lr': 0.002}, {'good': True, 'lr': 0.004}"
    text = text.replace("trials=2", f"trials=3, features=False, first=({queued})")
    text += """

def network(trial):
    good = trial.suggest_categorical("good", [True, False])
    return {"backbone": "test_resnet" if good else "test_vit", "pretrained": not good}
"""
    (tmp_path / "test_vit.safetensors").write_bytes(b"these are no weights")
    words = [space_file(tmp_path, text), "--data", generic, "--out", tmp_path / "runs", "--weights", tmp_path]
    assert searched(*words) == 0
    run = Run(tmp_path / "runs" / "tiny")
    counts = pd.read_csv(run.leaderboard)["state"].value_counts()
    assert counts["failed"] == 1
    assert counts["complete"] >= 1
    failed = [t for t in run.trials() if t.error.exists()]
    assert len(failed) == 1
    assert "Traceback" in failed[0].error.read_text()
    assert not list(failed[0].root.rglob("*.safetensors"))
