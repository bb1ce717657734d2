"""A search whose raylet dies before a trial has a place: Ray's driver would wait for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import SPACE, generic_data, space_file

STRUCK = """
import sys

import psutil

from search.executors import ray_tune
from search.run import main

run = ray_tune.tune.run


def without_raylet(*arguments, **named):
    for child in psutil.Process().children():
        if child.name() == "raylet":
            child.kill()
    return run(*arguments, **named)


ray_tune.tune.run = without_raylet
sys.exit(main())
"""


@pytest.mark.slow
def test_raylet_that_dies_ends_the_search(tmp_path: Path) -> None:
    data, space = generic_data(tmp_path / "data"), space_file(tmp_path / "spaces", SPACE)
    words = [space, "--data", data, "--out", tmp_path, "--name", "run", "--trials", 1, "--cpus-per-trial", 1]
    command = [sys.executable, "-c", STRUCK, *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert ended.returncode == 1, ended.stderr
    assert "error: Ray's raylet on this machine has died" in ended.stderr and "Traceback" not in ended.stderr
    assert "next: once that is mended, " in ended.stdout and "--resume" in ended.stdout.splitlines()[-1]
