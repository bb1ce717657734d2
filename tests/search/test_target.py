"""A search whose trials predict one attribute alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import SPACE, space_file
from inline import searched


def test_its_next_command_is_none_that_would_be_refused(
    sample: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    space = space_file(tmp_path / "spaces", SPACE.replace("members=1", 'members=1, target="gender"'))
    assert searched(space, "--data", sample, "--out", tmp_path, "--name", "run") == 0
    *_, said, last = capfd.readouterr().out.splitlines()
    assert said == "it tells gender alone: a build takes runs of mask, age beside this one"
    assert last == f"next: python -m ensembles.report {tmp_path / 'run'}"
