"""Small data of both layouts, fresh for every test, which may change them."""

from pathlib import Path

import pytest
from helpers import competition_data, generic_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return generic_data(tmp_path / "data", people=6)


@pytest.fixture
def competition(tmp_path: Path) -> Path:
    return competition_data(tmp_path / "competition")
