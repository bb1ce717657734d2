"""The console command, as it is installed, from a folder whose files are named like ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from foldvote.command import main
from trainable.commands import COMMANDS

CONSOLE = Path(sys.executable).with_name("foldvote")


def test_help_fits_one_screen_and_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) / 2 <= 24 and max(map(len, lines)) <= 100
    assert all(any(line.startswith(f"  {name} ") for line in lines) for name in COMMANDS)


def test_a_wrong_name_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serch"]) == 2
    assert capsys.readouterr().err == (
        f"error: received 'serch'; did you mean search?; allowed: {', '.join(COMMANDS)}\n"
    )


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "doctor"])
def test_a_command_calls_itself_as_it_was_called(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its usage under the console command, and as a module."""
    for argv, start in (("/bin/foldvote", f"usage: foldvote {name} "), ("x.py", "usage: python -m ")):
        monkeypatch.setattr(sys, "argv", [argv])
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(start)


@pytest.mark.slow
def test_what_lies_in_the_folder_does_not_matter(sample: Path, tmp_path: Path) -> None:
    """Files that would hide our packages, had Python looked here first; with Ray, whose workers look too."""
    for name in ("search.py", "trainable.py", "spaces.py", "ray.py"):
        (tmp_path / name).write_text("raise RuntimeError('a stranger was imported')")
    (tmp_path / "ensembles").mkdir()
    (tmp_path / "ensembles" / "__init__.py").write_text("raise RuntimeError('a stranger was imported')")

    def call(*words: object, program: Sequence[object] = (CONSOLE,)) -> str:
        done = subprocess.run([*program, *map(str, words)], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = call("search", "demo", "--data", sample, "--smoke", "--trials", "2")
    assert said.splitlines()[-1] == f"next: foldvote build {tmp_path / 'runs' / 'demo'}"
    said = call("build", "--method", "best_single")
    assert said.splitlines()[-1].startswith("next: submit ")
    walk = "import foldvote; from trainable.errors import InputError; print(foldvote.Run.open('runs/demo').path.name)"
    (tmp_path / "ray.py").unlink()  # of a library nobody but Python can say where it is
    assert call("-c", walk, program=[sys.executable]) == "demo\n"
    stranger = "import types, sys; sys.modules['trainable'] = types.ModuleType('trainable'); import foldvote"
    done = subprocess.run([sys.executable, "-c", stranger], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("ImportError: foldvote has a package called trainable, and ")
