"""What all tests share: data that is made once, a cache of their own, one thread, no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import generic_data, prepared

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported: it reads it once
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import torch

from trainable.run import Run
from trainable.sample.write import generate

# Files of a minute and more. xdist hands out files in order, and one of these begun last leaves a core idle.
LONG = {
    "test_recipes_run.py",
    "test_torture.py",
    "test_features_first.py",
    "test_nested_metrics.py",
    "test_published_shapes.py",
    "test_readme_runs.py",
    "test_endings.py",
    "test_faults.py",
    "test_run.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache that no other process uses; one thread, since several only fight over two cores.

    Searches and builds inside this process draw no report of their own accord: it would take longer than they do, and
    those of commands in processes of their own (test_run) and of finished runs (test_report) are looked at.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLDVOTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
        patch.delenv("FOLDVOTE_DATA", raising=False)
        patch.setattr("ensembles.report.write.try_report", lambda root: None)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated competition: 24 people to train on, 8 to predict. Read-only."""
    out = tmp_path_factory.mktemp("sample") / "data"
    generate(out, 24, 8, 0, 1)
    return out


@pytest.fixture(scope="session")
def generic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generic folder: 12 groups of 2 photos in 3 classes, 5 test photos. Read-only."""
    return generic_data(tmp_path_factory.mktemp("generic") / "data")


@pytest.fixture
def run(generic: Path, tmp_path: Path) -> Run:
    """A run on the generic data in 2 folds, begun, without trials."""
    return prepared(generic, tmp_path / "run")


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches and builds of this test draw their report, which fails where it cannot be drawn."""
    from ensembles.report.write import write_report

    monkeypatch.setattr("ensembles.report.write.try_report", write_report)
