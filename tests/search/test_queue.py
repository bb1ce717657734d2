"""A configuration queued into a search that goes on: what is said of who trains it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import space_file
from inline import searched

from search.queue import main as queue
from trainable.locks import alone
from trainable.run import Run


def test_while_the_search_goes_on_no_command_is_said_that_would_be_refused(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    space = space_file(tmp_path / "spaces")
    assert searched(space, "--data", generic, "--out", tmp_path, "--name", "run") == 0
    run = Run.open(tmp_path / "run")
    capfd.readouterr()
    with alone(run.lock, run.root):
        assert queue([str(run.root), "lr=0.0042"]) == 0
    said = capfd.readouterr().out
    assert "all 2 trials of this search are begun: only when it has ended the command below trains this one" in said
    assert queue([str(run.root), "lr=0.0043"]) == 0
    assert "are begun: so the command below trains this one" in capfd.readouterr().out
