"""MLflow and W&B, for real: a database file and offline mode, read back by MLflow's client and from W&B's own file."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from directing import finish
from helpers import refused, space_file

from search.run import main as search
from search.watch.trackers import Tracking, open_tracker
from trainable.run import Run
from trainable.training.report import Report
from trainable.words import extra

# SQLAlchemy's, inside MLflow.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
installed = {
    name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed: {extra(name)}")
    for name in ("mlflow", "wandb")
}
SEARCH = """
from search.space import Search

SEARCH = Search(trials=4, folds=2, epochs=3, store_size=(32, 32), members=2, startup=4)


def space(trial, data):
    return {
        "model": {"backbone": "test_resnet", "pretrained": False},
        "input": {"size": (32, 32)},
        "augment": {"policy": trial.suggest_categorical("augment", ["none", "light"])},
        "optim": {"lr": trial.suggest_float("lr", 1e-3, 1e-2, log=True)},
        "batch_size": 8,
    }
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One for all tests: MLflow takes seconds to make it."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def local(run: Run, database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A begun run, and trackers that stay on this machine."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    monkeypatch.setenv("WANDB_MODE", "offline")
    return run


def said(step: int, fold: int, **metrics: float) -> Report:
    return Report(step, fold, math.nan, decides=True, fold_done=False, metrics=metrics)


def told(run: Run, name: str) -> None:
    """Trial a waits and goes on, b is stopped, c fails, d waits until a later process completes it."""
    a, b, c, d = (run.trial(trial) for trial in "abcd")
    for sitting in ("first", "second"):
        with Tracking(open_tracker(name, run), lambda t: {"lr": 0.1, "augment": t}) as watcher:
            if sitting == "first":
                for trial, step in ((a, 1), (b, 1), (c, 1), (d, 1), (a, 2)):
                    watcher.began(trial)
                    watcher.reported(trial, said(step, step - 1, loss=2.0 / step, score=0.1 * step, lr=math.nan))
                    ends = {b: ("stopped", "rank 3 of 3"), c: ("failed", "ValueError: x")}
                    if (trial, step) == (a, 2):
                        watcher.ended(finish(a, 0.75), "complete", "")
                    else:
                        watcher.ended(trial, *ends.get(trial, ("waiting", "rank 1 of 1")))
            else:
                watcher.ended(d, "waiting", "at its rung")  # what director.resume tells
                watcher.began(d)
                watcher.reported(d, said(2, 1, loss=1.0, score=0.2))
                watcher.ended(finish(d, 0.5), "complete", "")
        assert not watcher.broken
        if name == "wandb":
            import wandb

            wandb.teardown()  # ends its service, as the end of a process does


def mlflow_runs(uri: str, experiment: str) -> dict[str, Any]:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    runs = client.search_runs([found.experiment_id])
    assert len({r.info.run_name for r in runs}) == len(runs)
    return {r.info.run_name: (r, client) for r in runs}


@pytest.mark.slow
@installed["mlflow"]
def test_mlflow_has_a_run_a_trial_with_its_parameters_and_its_final_score(local: Run) -> None:
    told(local, "mlflow")
    runs = mlflow_runs(os.environ["MLFLOW_TRACKING_URI"], local.name)
    assert {name: run.info.status for name, (run, _) in runs.items()} == {
        "a": "FINISHED", "b": "KILLED", "c": "FAILED", "d": "FINISHED"
    }  # fmt: skip
    for name, (run, client) in runs.items():
        assert run.data.params == {"lr": "0.1", "augment": name}
        assert run.data.metrics.get("oof_score") == {"a": 0.75, "d": 0.5}.get(name)
        (first,) = client.get_metric_history(run.info.run_id, "fold_0/score")
        assert (first.value, first.step) == (0.1, 1)
    assert [m.step for m in runs["d"][1].get_metric_history(runs["d"][0].info.run_id, "fold_1/loss")] == [2]
    assert runs["c"][0].data.tags["reason"] == "ValueError: x"


def records(path: Path) -> Iterator[Any]:
    """W&B's offline file: 7 bytes, then LevelDB's log (blocks of 32 KiB; a record is checksum, length, kind, data)."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, whole = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        _, length, kind = struct.unpack("<IHB", content[place : place + 7]) if left >= 7 else (0, 0, 0)
        if kind == 0:  # the padding of a block's end
            place += left
            continue
        whole = content[place + 7 : place + 7 + length] if kind in (1, 2) else whole + content[place + 7 :][:length]
        place += 7 + length
        if kind in (1, 4):
            yield Record.FromString(whole)


def wandb_runs(run: Run) -> dict[str, list[dict[str, Any]]]:
    """{trial: what each of its files holds}; a trial has a file for each process that ran it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((run.root / "wandb").rglob("*.wandb")):
        told: dict[str, Any] = {"config": {}, "summary": {}, "history": []}
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                told["name"], told["id"] = record.run.display_name, record.run.run_id
                told["group"] = record.run.run_group
                told["config"] |= {u.key: json.loads(u.value_json) for u in record.run.config.update}
            elif kind == "summary":
                told["summary"] |= {u.key or u.nested_key[0]: json.loads(u.value_json) for u in record.summary.update}
            elif kind == "history":
                row = {i.key or i.nested_key[0]: json.loads(i.value_json) for i in record.history.item}
                told["history"].append(row)
            elif kind == "exit":
                told["exit"] = record.exit.exit_code
        found.setdefault(told["name"], []).append(told)
    return found


@pytest.mark.slow
@installed["wandb"]
def test_wandb_has_a_run_a_trial_with_its_parameters_and_its_final_score(local: Run) -> None:
    told(local, "wandb")
    runs = wandb_runs(local)
    assert {name: len(files) for name, files in runs.items()} == {"a": 1, "b": 1, "c": 1, "d": 2}
    assert len({f["id"] for files in runs.values() for f in files}) == 4
    for name, files in runs.items():
        assert {f["group"] for f in files} == {local.name}
        assert {"lr": 0.1, "augment": name}.items() <= files[0]["config"].items()
        assert files[-1]["summary"].get("oof_score") == {"a": 0.75, "d": 0.5}.get(name)
        assert files[0]["history"][0]["fold_0/score"] == 0.1
    assert [r["fold_1/loss"] for r in runs["a"][0]["history"][1:]] == [1.0]
    assert [runs[name][0]["exit"] for name in "abc"] == [0, 0, 1]


@pytest.mark.slow
@installed["mlflow"]
@installed["wandb"]
def test_search_is_tracked_as_the_leaderboard_tells_it(generic: Path, local: Run, tmp_path: Path) -> None:
    words = [space_file(tmp_path, SEARCH, "tracked"), "--data", generic, "--out", tmp_path / "runs", "--log", "mlflow",
             "--log", "wandb", "--executor", "inline"]  # fmt: skip
    command = [sys.executable, "-m", "search.run", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr
    assert f"tracked by MLflow {os.environ['MLFLOW_TRACKING_URI']}, experiment tracked" in done.stdout.splitlines()
    run = Run(tmp_path / "runs" / "tracked")
    table = pd.read_csv(run.leaderboard).set_index("trial")
    runs, files = mlflow_runs(os.environ["MLFLOW_TRACKING_URI"], "tracked"), wandb_runs(run)
    assert set(runs) == set(files) == set(table.index)
    assert (table["state"] == "complete").any()
    for name, row in table.iterrows():
        there, (file,) = runs[str(name)][0], files[str(name)]
        assert there.data.tags["state"] == file["summary"]["state"] == row["state"]
        assert float(there.data.params["lr"]) == file["config"]["lr"] == pytest.approx(row["lr"])
        assert len(file["history"]) == row["epochs_done"]
        if row["state"] == "complete":
            assert there.data.metrics["oof_score"] == pytest.approx(row["oof_score"])
            assert file["summary"]["oof_score"] == pytest.approx(row["oof_score"])


class Broken:
    """A tracker whose server has gone."""

    where = "nowhere"

    def begin(self, *_: object) -> None:
        raise ConnectionError("no route")

    log = end = close = begin


def test_tracker_that_fails_is_said_once_and_the_search_goes_on(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with Tracking(Broken(), lambda _: {}) as watcher:
        for trial in (run.trial("a"), run.trial("b")):
            watcher.began(trial)
            watcher.ended(trial, "stopped", "")
    assert capsys.readouterr().err == "warning: Broken failed, nothing more is sent to it: no route\n"


def test_tracker_that_is_not_installed_is_refused_with_its_extra(
    generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    file = space_file(tmp_path)
    line = refused(capfd, search, file, "--data", generic, "--out", tmp_path / "runs", "--log", "wandb")
    assert line == f"error: --log: received wandb, which is not installed; allowed: after {extra('wandb')}"
    assert "invalid choice" in refused(capfd, search, file, "--log", "comet")
    assert not (tmp_path / "runs").exists()


@installed["mlflow"]
def test_address_that_mlflow_cannot_use_is_refused_before_anything_runs(
    generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://x")
    arguments = (space_file(tmp_path), "--data", generic, "--out", tmp_path / "runs", "--log", "mlflow")
    assert "received the tracking URI nowhere://x, which cannot be used" in refused(capfd, search, *arguments)
    assert not (tmp_path / "runs").exists()


@installed["wandb"]
def test_wandb_without_a_key_is_refused(
    generic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import wandb

    wandb.teardown()  # it remembers the mode of its first run
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    arguments = (space_file(tmp_path), "--data", generic, "--out", tmp_path / "runs", "--log", "wandb")
    assert "received no API key; allowed: wandb login first, or" in refused(capfd, search, *arguments)
