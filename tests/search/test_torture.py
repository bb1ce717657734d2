"""A search whose processes are killed and whose disks fill, again and again, ends like one that was left alone.

`make torture` strikes 40 times, `make test-slow` 8 times. FOLDVOTE_SEED chooses the moments.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

STRIKES = int(os.environ.get("FOLDVOTE_KILLS", "8"))
SEED = int(os.environ.get("FOLDVOTE_SEED", "1"))
VICTIMS = ("driver", "worker", "raylet", "gcs_server", "disk of the run", "disk of the cache")
# Seconds from the command to a strike; a whole search takes about thirty, its start a third of them.
LONGEST = 16.0 if STRIKES > 8 else 10.0
PATIENCE = 150.0  # seconds in which a command that was struck must end
DISK = 128  # MB; twice what a run takes

SPACE = """
from search.space import Search

SEARCH = Search(trials=5, folds=3, epochs=3, store_size=(32, 32), grace=1, eta=2, members=2, startup=3)


def space(trial, data):
    return {
        "model": {"backbone": "test_vit", "pretrained": False},
        "input": {"size": (32, 32)},
        "optim": {"lr": trial.suggest_float("lr", 1e-4, 1e-2, log=True)},
        "loss": {"name": trial.suggest_categorical("loss", ["cross_entropy", "focal"])},
    }
"""


class Search:
    """One run on disks of its own, and the command that searches it: one worker at a time, so that order is certain."""

    def __init__(self, place: Path, data: Path) -> None:
        self.place, self.data = place, data
        self.run, self.log = place / "runs" / "run", place / "said.txt"
        for folder in ("runs", "cache"):
            (place / folder).mkdir(parents=True)
        (place / "space.py").write_text(SPACE)

    def start(self, *more: str) -> psutil.Popen:
        begun = (self.run / "experiment.json").exists()
        words = [str(self.place / "space.py"), "--data", str(self.data), "--out", str(self.run.parent), "--name", "run"]
        more = (*more, *(["--resume"] if begun else []))
        environment = {**os.environ, "FOLDVOTE_CACHE": str(self.place / "cache")}
        with self.log.open("a") as said:
            command = [sys.executable, "-m", "search.run", *words, "--cpus-per-trial", "2", *more]
            return psutil.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)

    @property
    def over(self) -> bool:
        return "next: python -m ensembles.build" in self.log.read_text() if self.log.exists() else False

    def board(self) -> pd.DataFrame:
        return pd.read_csv(self.run / "leaderboard.csv").drop(columns="seconds")

    def hashes(self) -> dict[str, str]:
        """Of the out-of-fold predictions of every complete trial."""
        found = {p.parent.name: np.load(p)["probabilities"].tobytes() for p in self.run.glob("trials/*/oof.npz")}
        return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}

    def finished_folds(self) -> dict[Path, str]:
        """Digests of what a finished fold keeps for ever, and of its weights while it has them (see result.json)."""
        found = {}
        for result in self.run.glob("trials/*/fold_*/result.json"):
            kept = [result, *(result.with_name(name) for name in ("valid.npz", "metrics.jsonl"))]
            found |= {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}
            weights = result.with_name("model.safetensors")
            with suppress(FileNotFoundError):  # of a trial that was stopped
                assert (
                    hashlib.sha256(weights.read_bytes()).hexdigest() == json.loads(result.read_text())["weights_sha256"]
                )
        return found

    def lasting_epochs(self) -> dict[Path, list[str]]:
        """What is on record of each fold's epochs; the last one's state may not have been written yet."""
        files = self.run.glob("trials/*/fold_*/metrics.jsonl")
        return {file: [*file.read_text().splitlines()[:-1]] for file in files}

    def refuse_lost_epochs(self, lasting: dict[Path, list[str]]) -> None:
        """An epoch trained again has other seconds, so its line tells. A trial that was stopped keeps none."""
        for file, lines in lasting.items():
            if file.exists():
                now = [json.loads(line) for line in file.read_text().splitlines()]
                assert now[: len(lines)] == [json.loads(line) for line in lines], f"epochs of {file} were trained again"

    def refuse_twice_told(self) -> None:
        """No score of a trial's step, and no ending, stands in the journal twice."""
        lines = self.run.joinpath("study.log").read_bytes().splitlines(keepends=True)
        said = [json.loads(line) for line in lines if line.endswith(b"\n")]
        steps = Counter((s["trial_id"], s["step"]) for s in said if s["op_code"] == 7)
        endings = Counter(s["trial_id"] for s in said if s["op_code"] == 6 and s["state"] in (1, 2, 3))
        assert max(steps.values(), default=1) == 1, steps.most_common(3)
        assert max(endings.values(), default=1) == 1, endings.most_common(3)


def strike(search: Search, process: psutil.Popen, victim: str) -> str:
    """Do it, and say what was struck: a worker that is not there yet is its driver."""
    if victim.startswith("disk"):
        folder = search.run.parent if victim == "disk of the run" else search.place / "cache"
        fill(folder)
        return victim
    target = next((p for p in children(process) if is_a(p, victim)), None)
    (process if target is None else target).send_signal(signal.SIGKILL)
    return "driver" if target is None else victim


def children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def is_a(process: psutil.Process, victim: str) -> bool:
    try:
        words = process.cmdline()
        return words[0].startswith("ray::Job") if victim == "worker" else Path(words[0]).name == victim
    except (psutil.NoSuchProcess, IndexError):
        return False


def fill(folder: Path) -> None:
    try:
        with (folder / "filler").open("wb") as file:
            while True:
                file.write(bytes(2**16))
    except OSError:
        pass


def end(process: psutil.Popen, log: Path) -> None:
    """A command that was struck ends by itself; nothing of it is left behind to disturb the next.

    A full disk that it needs no more lets it search on to its end, so it is waited for as long as it says something.
    """
    left = children(process)
    workers = [p for p in left if is_a(p, "worker")]
    said, since = log.stat().st_size, time.monotonic()
    while process.poll() is None:
        time.sleep(0.2)
        if log.stat().st_size > said:
            said, since = log.stat().st_size, time.monotonic()
        if time.monotonic() - since > PATIENCE:
            process.kill()
            process.wait()
            raise AssertionError(f"struck, still running, and silent for {PATIENCE:g} s")
    _, alive = psutil.wait_procs(workers, timeout=30)
    for other in left:  # Ray's own agents look for their raylet only now and then
        with suppress(psutil.NoSuchProcess):
            other.kill()
    assert not alive, "workers that outlive their search"


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[Path]]:
    """Small disks of their own, mounted where this user may; unmounted at the end."""
    mounted: list[Path] = []
    yield mounted
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def mount(place: Path, disks: list[Path]) -> bool:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(place)], capture_output=True)
    disks += [place] if made.returncode == 0 else []
    return made.returncode == 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Search:
    """The oracle: the same search, left alone, without Ray."""
    search = Search(tmp_path_factory.mktemp("undisturbed"), sample)
    assert search.start("--executor", "inline").wait(PATIENCE) == 0, search.log.read_text()
    return search


@pytest.mark.slow
def test_strikes_at_random_moments_change_nothing(
    undisturbed: Search, sample: Path, tmp_path: Path, disks: list[Path]
) -> None:
    moments, left, ended = random.Random(SEED), STRIKES, 0
    while left or not ended:
        search = Search(tmp_path / f"search_{ended}", sample)
        own = mount(search.run.parent, disks) and mount(search.place / "cache", disks)
        victims = VICTIMS if own else VICTIMS[:4]
        while not search.over:
            process, struck = search.start(), ""
            finished, lasting = search.finished_folds(), search.lasting_epochs()
            while left and struck in ("", "worker"):  # who lost a worker goes on by itself
                before = time.monotonic()
                time.sleep(moments.uniform(0.3, LONGEST))
                finished, lasting = search.finished_folds(), search.lasting_epochs()
                if process.poll() is not None:
                    break
                struck = strike(search, process, moments.choice(victims))
                left -= 1
                print(f"strike {STRIKES - left}: {struck} after {time.monotonic() - before:.1f} s", flush=True)
            end(process, search.log)
            for folder in (search.run.parent, search.place / "cache"):
                (folder / "filler").unlink(missing_ok=True)
            now = search.finished_folds()
            assert {file: now.get(file) for file in finished} == finished, "a finished fold was trained again"
            search.refuse_lost_epochs(lasting)
            if (search.run / "study.log").exists():
                search.refuse_twice_told()
        pd.testing.assert_frame_equal(search.board(), undisturbed.board())
        assert search.hashes() == undisturbed.hashes()
        ended += 1
