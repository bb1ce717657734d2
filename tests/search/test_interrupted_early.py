"""Ctrl-C before any trial trains: nothing is left, and the command that is said begins anew."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path


def test_a_search_that_is_interrupted_while_it_starts_names_the_command_that_begins(
    generic: Path, tmp_path: Path
) -> None:
    words = ["search", "demo", "--data", str(generic), "--out", str(tmp_path / "runs"), "--name", "early"]
    command = [sys.executable, "-m", "foldvote", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)  # what it needs is being imported
        rest, _ = process.communicate(timeout=60)
    assert first.startswith("run directory ") and process.returncode == 130, rest
    lines = rest.splitlines()
    assert lines[-2] == "interrupted before anything was trained", rest
    assert lines[-1] == f"next: foldvote {' '.join(words)}"
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").iterdir())
