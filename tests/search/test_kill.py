"""A search that is killed again and again ends like one that was not."""

import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from crash import POINTS
from inline import searched

from trainable.run import Run

SPACE = """
from search.space import Search

SEARCH = Search(trials=6, folds=3, epochs=3, store_size=(32, 32), grace=1, eta=2, members=2, startup=3)


def space(trial, data):
    return {
        "model": {"backbone": "test_vit", "pretrained": False},
        "input": {"size": (32, 32)},
        "optim": {"lr": trial.suggest_float("lr", 1e-4, 1e-2, log=True)},
        "loss": {"name": trial.suggest_categorical("loss", ["cross_entropy", "focal"])},
    }
"""


def start(out: Path, data: Path, *more: str, crash: tuple[str, int] = ("", 0)) -> subprocess.Popen:
    """One worker at a time: both cores are one trial's, so that the order of trials is certain."""
    space = out / "space.py"
    out.mkdir(exist_ok=True)
    space.write_text(SPACE)
    words = [str(space), "--data", str(data), "--out", str(out), "--name", "run", "--cpus-per-trial", "2", *more]
    command = [sys.executable, str(Path(__file__).with_name("crash.py")), crash[0], str(crash[1]), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen) -> str:
    said, _ = process.communicate(timeout=300)
    return said


def board(out: Path) -> pd.DataFrame:
    return pd.read_csv(Run(out / "run").leaderboard).drop(columns="seconds")


def oofs(out: Path) -> dict[str, bytes]:
    return {t.id: t.oof().probabilities.tobytes() for t in Run(out / "run").trials() if t.oof_file.exists()}


def finished_folds(out: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in (out / "run").glob("trials/*/fold_*/result.json")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    process = start(out, sample)
    assert "next: python -m ensembles.build" in finish(process), "the search without any crash"
    return out


def resume_to_the_end(out: Path, sample: Path) -> None:
    before = finished_folds(out)
    said = finish(start(out, sample, *(["--resume"] if Run(out / "run").begun else [])))
    assert "next: python -m ensembles.build" in said, said
    after = finished_folds(out)
    assert {p: after.get(p) for p in before} == before, "a finished fold was lost or trained again"


def same(out: Path, undisturbed: Path) -> None:
    pd.testing.assert_frame_equal(board(out), board(undisturbed))
    assert oofs(out) == oofs(undisturbed)


def test_a_search_in_one_process_that_is_killed_ends_like_one_that_was_not(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Driver and worker die together, between a score's line in the ledger and what is decided on it."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as in this process: sums of two threads have other last bits
    out, whole = tmp_path / "out", tmp_path / "whole"
    process = start(out, sample, "--executor", "inline", crash=("between report and decision", 7))
    words = [out / "space.py", "--data", sample, "--name", "run", "--out"]
    assert searched(*words, whole) == 0
    finish(process)
    assert process.returncode == -signal.SIGKILL, "the point was never passed"
    before = finished_folds(out)
    assert before and searched(*words, out, "--resume") == 0
    assert {p: finished_folds(out).get(p) for p in before} == before, "a finished fold was lost or trained again"
    same(out, whole)


@pytest.mark.torture
@pytest.mark.parametrize("point", sorted(POINTS))
def test_a_crash_at_a_named_point_changes_nothing(point: str, undisturbed: Path, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(out, sample, crash=(point, 8 if point == "between write and rename" else 2))
    finish(process)
    assert process.returncode == -signal.SIGKILL, "the point was never passed"
    resume_to_the_end(out, sample)
    same(out, undisturbed)
