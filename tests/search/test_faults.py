"""Processes and nodes die in mid-search; the search completes and nothing finished is lost. Real Ray, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from helpers import space_file
from ray.cluster_utils import Cluster

from trainable.run import Run

SPACE = """
from search.space import Search

SEARCH = Search(trials=3, folds=3, epochs=4, store_size=(32, 32), grace=4, members=3, startup=3)


def space(trial, data):
    return {
        "model": {"backbone": "test_vit", "pretrained": False},
        "input": {"size": (32, 32)},
        "optim": {"lr": trial.suggest_float("lr", 1e-3, 1e-2, log=True)},
        "batch_size": 8,
    }
"""
EPOCHS, FOLDS = 4, 3
HEAD = {"num_cpus": 1, "include_dashboard": False}


@pytest.fixture
def start(sample: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins a search in a process of its own; kills what is left of it."""
    begun = []

    def begin(*more: str) -> subprocess.Popen[str]:
        words = [str(space_file(tmp_path, SPACE)), "--data", str(sample), "--out", str(tmp_path), "--name", "run"]
        command = [sys.executable, "-m", "search.run", *words, *more]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()


def epochs_done(run: Run) -> int:
    return sum(len(fold.epochs()) for trial in run.trials() for fold in trial.folds())


def wait_for_epochs(run: Run, count: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300
    while epochs_done(run) < count:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, f"no {count} epochs within five minutes"
        time.sleep(0.05)


def finished_folds(run: Run) -> dict[Path, int]:
    results = [fold.root / "result.json" for trial in run.trials() for fold in trial.folds() if fold.finished]
    return {path: path.stat().st_mtime_ns for path in results}


def assert_whole(run: Run, process: subprocess.Popen[str], before: dict[Path, int]) -> None:
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    board = pd.read_csv(run.leaderboard)
    assert (board["state"] == "complete").sum() >= 3
    assert not (board["state"] == "failed").any()
    assert (board.loc[board["state"] == "complete", "epochs_done"] == EPOCHS * FOLDS).all(), "an epoch was run twice"
    now = finished_folds(run)
    assert {p: now.get(p) for p in before} == before, "a finished fold was lost or trained again"


@pytest.mark.slow
def test_trial_whose_process_is_killed_goes_on_from_its_last_epoch(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    run, process = Run(tmp_path / "run"), start("--cpus-per-trial", "1")
    killed = 0
    for epochs in (4, 10):
        wait_for_epochs(run, epochs, process)
        before = finished_folds(run)
        for worker in psutil.Process(process.pid).children(recursive=True):
            if worker.name().startswith("ray::JobTrainable"):
                worker.send_signal(signal.SIGKILL)
                killed += 1
    assert killed >= 2
    assert_whole(run, process, before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves the log files of a killed node open
def test_search_outlives_one_of_its_three_nodes(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    cluster = Cluster(initialize_head=True, head_node_args=HEAD)
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        cluster.wait_for_nodes()
        run, process = Run(tmp_path / "run"), start("--address", cluster.address, "--cpus-per-trial", "1")
        wait_for_epochs(run, 5, process)
        before = finished_folds(run)
        cluster.remove_node(nodes[0], allow_graceful=False)
        assert_whole(run, process, before)
    finally:
        cluster.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_search_without_an_address_leaves_a_running_cluster_alone(tmp_path: Path) -> None:
    """Its own Ray listens on loopback only, and leaves no token by which later clusters would fail."""
    code = (
        "import psutil, ray; from search.executors.ray_connect import connect; connect(None); me = psutil.Process(); "
        "every = [c for p in (me, *me.children(recursive=True)) for c in p.net_connections('inet')]; "
        "listening = [c.laddr.ip for c in every if c.status == 'LISTEN']; "
        "assert len(listening) > 3 and all('127.0.0.1' in ip for ip in listening), listening; "
        "print(ray.get_runtime_context().gcs_address)"
    )
    cluster = Cluster(initialize_head=True, head_node_args=HEAD)
    try:
        for more in ({}, {"RAY_ADDRESS": cluster.address}):  # Cluster also writes its address into /tmp/ray
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=os.environ | {"HOME": str(tmp_path)} | more,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout.split()[-1] != cluster.address
        assert not list(tmp_path.rglob("*auth*"))
    finally:
        cluster.shutdown()
