"""A finished search, for tests that read whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from finished import finish_a_search

from trainable.run import Run


@pytest.fixture(scope="session")
def finished(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of ten trials with its TensorBoard events and a built ensemble. Read-only. About half a minute."""
    return finish_a_search(sample, tmp_path_factory.getbasetemp() / "finished")
