"""How a search ends before its time: Ctrl-C, a full disk. Real Ray; each run can be resumed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from helpers import space_file
from test_faults import SPACE, wait_for_epochs

from trainable.run import Run

SMALL = 4  # MiB: room for the run's tables and an epoch or two


def start(
    space: Path, data: Path, out: Path, *more: str, module: tuple[str, ...] = ("-m", "search.run")
) -> subprocess.Popen[str]:
    words = [str(space), "--data", str(data), "--out", str(out), "--name", "run", *more]
    # Beside other load two threads of one network wait for each other most of the time.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *module, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def resume(space: Path, data: Path, out: Path) -> Run:
    process = start(space, data, out, "--resume", "--executor", "inline")
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    run = Run(out / "run")
    assert (pd.read_csv(run.leaderboard)["state"] == "complete").sum() >= 3
    return run


@pytest.mark.slow
def test_ctrl_c_ends_tidily_and_prints_the_command_that_goes_on(sample: Path, tmp_path: Path) -> None:
    space, run = space_file(tmp_path, SPACE), Run(tmp_path / "run")
    process = start(space, sample, tmp_path)
    wait_for_epochs(run, 4, process)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    last = said.splitlines()[-1]
    assert last == f"next: python -m search.run {space} --data {sample} --out {tmp_path} --name run --resume"
    resume(space, sample, tmp_path)


def assert_one_line(process: subprocess.Popen[str], run: Path) -> None:
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 1, said
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert errors == [f"error: the disk of {run} is full"], said
    assert "Traceback" not in said and "TuneError" not in said
    assert said.splitlines()[-1].startswith("next: python -m search.run")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of a few MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small file system can only be mounted as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_clear_line_and_the_run_goes_on_with_more_room(
    sample: Path, small_disk: Path, tmp_path: Path
) -> None:
    space = space_file(tmp_path, SPACE)
    process = start(space, sample, small_disk)
    assert_one_line(process, small_disk / "run")
    shutil.copytree(small_disk / "run", tmp_path / "run", ignore=shutil.ignore_patterns("ray"))
    resume(space, sample, tmp_path)


FULL = """
import errno, sys
from search import ledger, run
from search.watch import leaderboard

def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")

place = sys.argv.pop(1)
if place == "ledger":
    ledger.Ledger.report = full
else:
    leaderboard.write_atomic = full
raise SystemExit(run.main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("place", ["ledger", "leaderboard"])
def test_a_full_disk_under_the_drivers_own_files_comes_out_of_ray_as_one_line(
    sample: Path, tmp_path: Path, place: str
) -> None:
    """The driver meets it inside a callback of Ray, where workers go on training."""
    assert_one_line(start(space_file(tmp_path, SPACE), sample, tmp_path, module=("-c", FULL, place)), tmp_path / "run")
