"""foldvote as it is installed: a wheel holds all it needs, and runs far from this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainable.commands import COMMANDS

ROOT = Path(__file__).parents[2]


def call(*words: object, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel's files lie; what it depends on is that of this environment."""
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source") / "foldvote"
    listed = call("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    call(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("foldvote-*.whl")
    call(*pip, "install", "--no-deps", "--no-index", "--target", folder / "site", wheel, cwd=folder)
    return folder / "site"


@pytest.mark.slow
def test_a_wheel_searches_and_reports_from_any_folder(installed: Path, generic: Path, tmp_path: Path) -> None:
    """-P: what lies in the working folder is not looked at, as with the console command."""
    (tmp_path / "search.py").write_text("raise RuntimeError('a stranger was imported')")
    python = [sys.executable, "-P", "-W", "ignore", "-m", "foldvote"]
    environment = {"PYTHONPATH": str(installed)}
    said = call(sys.executable, "-P", "-c", "import foldvote; print(foldvote.__file__)", cwd=tmp_path, **environment)
    assert Path(said.strip()).is_relative_to(installed), "the checkout was imported, not the wheel"
    for name in COMMANDS:
        assert f"foldvote {name} " in call(*python, name, "--help", cwd=tmp_path, **environment)
    words = ["search", "demo", "--data", generic, "--smoke", "--trials", "2", "--executor", "inline"]
    said = call(*python, *words, cwd=tmp_path, **environment)
    assert (tmp_path / "runs" / "demo" / "report.html").is_file()
    assert said.splitlines()[-1] == f"next: foldvote build {tmp_path / 'runs' / 'demo'}"


@pytest.mark.slow
def test_a_wheel_has_every_file_of_the_packages(installed: Path) -> None:
    listed = call("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    rooms = ("foldvote/", "search/", "trainable/", "ensembles/", "spaces/")
    missing = [f for f in listed if f.startswith(rooms) and (ROOT / f).is_file() and not (installed / f).is_file()]
    assert not missing
