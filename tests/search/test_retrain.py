"""Chosen trials once more: other seeds as trials of the same run, and networks of all rows that nothing selects by."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import SPACE, refused, space_file
from inline import interrupt_after, searched

from ensembles.build import main as build
from ensembles.export.command import main as export
from ensembles.members import load_members
from ensembles.predict import main as predict
from ensembles.report.facts import read_facts
from search.ledger import Ledger
from search.queue import main as queue
from search.run import main as search
from trainable.run import Run

TRIALS, EPOCHS, FOLDS = 2, 2, 2


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = SPACE.replace("epochs=1", f"epochs={EPOCHS}").replace("members=1", 'members=2, rule="none"')
    return space_file(tmp_path_factory.mktemp("spaces"), text)


@pytest.fixture(scope="module")
def run(generic: Path, space: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A search whose two trials are complete."""
    out = tmp_path_factory.mktemp("retrain")
    assert searched(space, "--data", generic, "--out", out, "--name", "run") == 0
    return Run(out / "run")


def best(run: Run) -> str:
    return str(pd.read_csv(run.leaderboard)["trial"][0])


def interrupted(patch: pytest.MonkeyPatch, epochs: int, *arguments: object) -> None:
    with patch.context() as inner:
        interrupt_after(inner, epochs)
        assert searched(*arguments) == 130


def test_other_seeds_become_trials_of_the_run(
    run: Run, generic: Path, space: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, before = best(run), Ledger.open(run.study).named()
    assert len(before) == TRIALS
    words = ["--retrain", run.root, chosen, "--seeds", 2]
    interrupted(monkeypatch, 3, *words)
    out = capfd.readouterr().out.splitlines()
    assert out[0] == f"run directory {run.root}" and out[1] == "retrain: 2 trials to train"
    assert out[-1] == f"next: python -m search.run --retrain {run.root} {chosen} --seeds 2 --executor inline"
    finished = {p: p.stat().st_mtime_ns for p in run.root.glob("trials/*/fold_*/result.json")}

    assert searched(*words) == 0
    assert capfd.readouterr().out.splitlines()[-1] == f"next: python -m ensembles.build {run.root}"
    assert {p: p.stat().st_mtime_ns for p in finished} == finished, "a finished fold was trained again"
    board = pd.read_csv(run.leaderboard, dtype={"retrained": str}).set_index("trial")
    retrained = board[board["retrained"].notna()]
    assert retrained["retrained"].tolist() == [chosen] * 2 and sorted(retrained["seed"]) == [1, 2]
    assert (retrained["state"] == "complete").all() and (retrained["lr"] == board.loc[chosen, "lr"]).all()
    assert (retrained["epochs_done"] == EPOCHS * FOLDS).all()
    members = load_members([run.root])
    assert {m.trial.id for m in members.members} == set(board.index)
    tables = {m.trial.id: p for m, p in zip(members.members, members.probabilities, strict=True)}
    assert all(not np.array_equal(tables[name], tables[chosen]) for name in retrained.index)

    # They neither race nor teach the sampler nor count: the search goes on as if they were not there.
    assert {n: t.state for n, t in Ledger.open(run.study).named().items()} == {n: t.state for n, t in before.items()}
    assert {course.trial for course in run.search().trials} == set(before)
    assert len(read_facts(run.root).complete) == TRIALS + 2

    assert searched(*words) == 0  # again: nothing is trained twice
    out = capfd.readouterr().out.splitlines()
    assert out[1:] == ["retrain: 0 trials to train; 2 complete already", f"next: python -m ensembles.build {run.root}"]
    more = [space, "--data", generic, "--out", run.root.parent, "--name", "run", "--resume", "--trials", TRIALS + 1]
    assert searched(*more) == 0
    assert len(Ledger.open(run.study).named()) == TRIALS + 1
    assert len(pd.read_csv(run.leaderboard)) == TRIALS + 3
    capfd.readouterr()
    assert queue([str(run.root), "lr=0.0042"]) == 0  # into a search that has ended: its next command does it
    said, errors = capfd.readouterr()
    assert not errors and said.splitlines()[-1].endswith(f" --resume --trials {TRIALS + 2}")
    assert searched("--retrain", run.root, chosen, "--seeds", 3) == 0  # which the queue is not for, nor has --trials
    assert "queued" not in capfd.readouterr().out
    assert searched(*shlex.split(said.splitlines()[-1])[4:]) == 0
    assert 0.0042 in pd.read_csv(run.leaderboard)["lr"].tolist()


def test_networks_of_all_rows_predict_and_nothing_selects_by_them(
    run: Run, generic: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build([str(run.root), "--method", "mean_top5", "--name", "folds", "--data", str(generic)]) == 0
    board, oof = run.leaderboard.read_bytes(), load_members([run.root]).probabilities
    line = refused(capfd, build, run.root, "--method", "mean_top5", "--all-rows", "--data", generic)
    assert "members that have no network of all rows; allowed: first python -m search.run --retrain" in line
    assert not run.ensemble("mean_top5").root.exists()
    command = line.partition("python -m search.run ")[2].split()
    count = len(command) - 3  # all complete trials vote

    interrupted(monkeypatch, EPOCHS, *command)
    assert (
        capfd.readouterr().out.splitlines()[-1] == f"next: python -m search.run {' '.join(command)} --executor inline"
    )
    assert searched(*command[:3], "--all-rows") == 0
    needed, more = capfd.readouterr().out.splitlines()[-2:]
    assert needed.startswith(f"folds needs {count - 1} trial"), needed
    assert set(more.split()) == {"next:", "python", "-m", "search.run", *command} - {command[2]}
    (run.ensemble("folds").root).rename(tmp_path / "aside")
    assert searched(*command[:3], "--all-rows") == 0
    assert capfd.readouterr().out.splitlines()[-1] == f"next: python -m ensembles.build {run.root}"
    (tmp_path / "aside").rename(run.ensemble("folds").root)
    assert searched(*command) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[1] == f"all rows: {count - 1} trials to train; 1 trained already"
    assert out[-1] == f"next: python -m ensembles.build {run.root} --all-rows"
    for name in command[2:-1]:
        trained = run.trial(name).all_rows
        assert math.isnan(trained.result.score) and trained.weights.is_file()
        assert len(trained.validation().index) == 0
    assert run.leaderboard.read_bytes() == board
    assert np.array_equal(load_members([run.root]).probabilities, oof)

    assert build([str(run.root), "--method", "mean_top5", "--all-rows", "--name", "all", "--data", str(generic)]) == 0
    assert "warning: no estimate is of the networks of all rows" in capfd.readouterr().out
    folds, everything = (run.ensemble(name).test() for name in ("folds", "all"))
    assert folds["probabilities"].shape[1] == FOLDS and everything["probabilities"].shape[1] == 1
    assert folds["members"].tolist() == everything["members"].tolist()
    assert not np.allclose(folds["probabilities"].mean(1), everything["probabilities"].mean(1))
    summary = run.ensemble("all").summary()
    assert all(m["all_rows"] for m in summary["members"]) and run.ensemble("all").submission.is_file()
    assert summary["oof_score"] == run.ensemble("folds").summary()["oof_score"]

    # The same photos one by one: the vote is that of the networks of all rows.
    names = everything["images"].tolist()
    photos = [str(generic / name) for name in names]
    assert predict([str(run.ensemble("all").root), *photos, "--out", str(tmp_path / "new.csv")]) == 0
    table = pd.read_csv(tmp_path / "new.csv")
    assert np.allclose(table.filter(regex="^p ").to_numpy(), everything["vote"], atol=1e-4)
    assert export([str(run.ensemble("all").root), str(tmp_path / "alone"), "--no-onnx"]) == 0
    assert len(list((tmp_path / "alone").rglob("*.safetensors"))) == len(summary["members"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--retrain", "RUN"], "received no trial; allowed: --retrain RUN TRIAL..."),
        (["--retrain", "RUN", "0123456789ab"], "received 0123456789ab (not in this run); allowed: complete trials: "),
        (["--retrain", "RUN/trials", "x"], "no run: received "),
        (["--retrain", "RUN", "x", "--seeds", "0"], "received '0'; allowed: a whole number from 1 on"),
        (["--retrain", "RUN", "x", "--seeds", "2", "--all-rows"], "--seeds: received with --all-rows; allowed: one"),
        (["--retrain", "RUN", "x", "--trials", "3"], "--retrain: received also --trials; allowed beside it: --seeds, "),
        (["a.py", "--retrain", "RUN", "x"], "--retrain: received also SPACE; allowed"),
        (["a.py", "--all-rows"], "--all-rows: received without --retrain; allowed: together"),
        (["a.py", "--threshold", "0.9"], "--threshold: received without --pseudo; allowed: together"),
        ([], "received no SPACE; allowed: a space file"),
    ],
)
def test_wrong_words_are_one_line(run: Run, capfd: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert message in refused(capfd, search, *(str(run.root) + w[3:] if w.startswith("RUN") else w for w in words))
