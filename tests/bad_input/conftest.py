"""Commands that are refused, and have then written nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import generic_data, listing, refused, space_file

from search import start
from search.run import main as search


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may come as far as a search."""
    monkeypatch.setattr(start, "drive", lambda *_: pytest.fail("the search began"))


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return space_file(tmp_path / "spaces")


@pytest.fixture
def asks(tmp_path: Path, space: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Search a data folder, be refused, and have written nothing; answers the line."""

    def ask(data: Path, *arguments: object, file: Path = space) -> str:
        before = listing(tmp_path)
        line = refused(capfd, search, file, "--data", data, "--out", tmp_path / "runs", *arguments)
        after = {name: content for name, content in listing(tmp_path).items() if "__pycache__" not in name}
        assert after == before
        assert not list((tmp_path / "runs").glob("*"))
        return line

    return ask


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A folder with one truncated and one unreadable photo."""
    data = generic_data(tmp_path / "damaged")
    path = data / "images/p02_0.png"
    path.write_bytes(path.read_bytes()[:-30])
    (data / "images/p07_1.png").write_bytes(b"no photo")
    return data
