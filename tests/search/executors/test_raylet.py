"""A search one of whose Ray processes dies before a trial has a place: its driver would wait, or wait for ever."""

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


def without_one(*arguments, **named):
    for child in psutil.Process().children():
        if child.name() == "NAME":
            child.kill()
    return run(*arguments, **named)


ray_tune.tune.run = without_one
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"), [("raylet", "error: Ray's raylet on this machine has died"), ("gcs_server", "GCS")]
)
def test_what_ray_runs_on_dies_and_the_search_ends(name: str, words: str, tmp_path: Path) -> None:
    data, space = generic_data(tmp_path / "data"), space_file(tmp_path / "spaces", SPACE)
    arguments = [space, "--data", data, "--out", tmp_path, "--name", "run", "--trials", 1, "--cpus-per-trial", 1]
    command = [sys.executable, "-c", STRUCK.replace("NAME", name), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert ended.returncode == 1 and words in ended.stderr, ended.stderr
    if name == "raylet":  # without its GCS Ray itself ends the process
        assert "Traceback" not in ended.stderr
        assert "once that is mended it goes on\nnext: " in ended.stdout and "--resume" in ended.stdout.splitlines()[-1]
