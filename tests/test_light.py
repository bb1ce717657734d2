"""Nobody waits for torch to read a help text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trainable.commands import COMMANDS

HEAVY = ("torch", "timm", "ray", "pandas", "optuna", "sklearn", "cv2", "matplotlib", "numpy")
SECONDS = 0.5  # of CPU

CHILD = """
import resource, sys
from contextlib import suppress
before = set(sys.modules)
{work}
used = resource.getrusage(resource.RUSAGE_SELF)
print("\\n", used.ru_utime + used.ru_stime, *[name for name in {heavy} if name in sys.modules])
"""


def cost(work: str) -> tuple[float, list[str]]:
    """CPU seconds of a fresh Python that does `work`, and what it loaded that is heavy."""
    run = subprocess.run(
        [sys.executable, "-c", CHILD.format(work=work, heavy=HEAVY)], capture_output=True, text=True, check=True
    )
    seconds, *loaded = run.stdout.splitlines()[-1].split()
    return float(seconds), loaded


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=lambda words: " ".join(words) or "foldvote")
def test_help_comes_at_once(words: list[str]) -> None:
    work = f"with suppress(SystemExit): from foldvote.command import main; main({[*words, '--help']!r})"
    seconds, loaded = cost(work)
    assert not loaded
    assert seconds < SECONDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_module_comes_at_once(name: str) -> None:
    module = COMMANDS[name].module.removesuffix(".__main__").removesuffix(".command")
    run = f"with suppress(SystemExit): runpy.run_module({module!r}, run_name='__main__')"
    work = f"import runpy; sys.argv[1:] = ['--help']\n{run}"
    seconds, loaded = cost(work)
    assert not loaded
    assert seconds < SECONDS


@pytest.mark.parametrize(
    "words", [["search", "nosuch"], ["search", "no/such.py"], ["search"], ["build", "nosuch"], ["build"], ["report"]],
    ids=" ".join,
)  # fmt: skip
def test_what_the_words_alone_show_to_be_wrong_is_said_at_once(words: list[str], tmp_path: Path) -> None:
    work = f"import os; os.chdir({str(tmp_path)!r}); from foldvote.command import main; assert main({words!r}) == 2"
    seconds, loaded = cost(work)
    assert not loaded
    assert seconds < SECONDS


def test_import_is_light() -> None:
    seconds, loaded = cost("import foldvote; dir(foldvote)")
    assert not loaded
    assert seconds < SECONDS
