"""What tests of the search share: a director whose scores are made up, and a search that was really run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from directing import open_director
from finished import finish_a_search

from search.director import Director
from trainable.run import Run


@pytest.fixture
def direct(tmp_path: Path) -> Callable[..., Director]:
    """Opens the director of one run directory, again and again; see directing.open_director."""
    return partial(open_director, tmp_path)


@pytest.fixture(scope="session")
def finished(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of ten trials with its TensorBoard events and a built ensemble. Read-only. About half a minute."""
    return finish_a_search(sample, tmp_path_factory.getbasetemp() / "finished")
