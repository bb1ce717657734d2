"""Commands of the README run, in its order, on small data with tiny networks in two folds, in this process."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from inline import no_pictures
from test_readme import FOUND, ROOT, called, main_of

README = [shlex.split(command) for where, command in FOUND if where == "README.md"]
CLOTHES = README.index(["foldvote", "describe", "clothes"])
# Those on real photos are gone through by tests/layouts/test_clothing.py, foldvote doctor by its own test.
COMMANDS = [called(words) for words in [*README[:2], *README[CLOTHES + 6 :]]]
MADE_FIRST = [
    ["trainable.sample", "data/sample", "--people", "24", "--eval-people", "8"],
    ["search.run", "demo", "--data", "data/sample", "--smoke", "--trials", "2", "--executor", "inline"],
    ["ensembles.build", "runs/demo"],
]  # what `make demo` does
SPACES = ("demo", "full", "swin_f1")


def complete(run: str) -> list[str]:
    board = pd.read_csv(Path("runs") / run / "leaderboard.csv")
    return board.loc[board["state"] == "complete", "trial"].tolist()


def small(words: list[str]) -> list[str]:
    """The command with its placeholders filled in, and with less to do."""
    names = iter(complete("first")) if "TRIAL" in words else iter(())
    submissions = iter(sorted(map(str, Path().glob("runs/*/ensembles/*/submission.csv"))))
    found: dict[str, Callable[[], str]] = {
        "TRIAL": lambda: next(names),
        "A.csv": lambda: next(submissions),
        "B.csv": lambda: next(submissions),
        "PHOTOS": lambda: "data/sample/eval/images",
        "CONFIG.json": lambda: f"runs/first/trials/{complete('first')[0]}/config.json",
        "32": lambda: "4",  # trials
        "3": lambda: "1",  # seeds
        "mask=.98,age=.6": lambda: "mask=.1,age=.1",  # networks that have learnt nothing are never sure
    }
    done = [found[word]() if word in found else word for word in words]
    done = [str(next(Path("spaces").rglob(f"{word}.py"))) if word in SPACES else word for word in done]
    if words[0] == "search.run" and "--retrain" not in words:
        done += [] if "--smoke" in words else ["--smoke"]
        done += [] if "--trials" in words else ["--trials", "3" if "first" in words else "2"]
    if words[0] == "search.run" and "--executor" not in words:
        done += ["--executor", "inline"]
    if words == ["ensembles.build", "runs/first"]:
        done += ["--method", "best_single", "--name", "auto"]  # few networks to export
    return done


def ordered() -> Iterator[list[str]]:
    """A second round learns from an ensemble, which the README builds a section later."""
    yield from (words for words in COMMANDS if "--pseudo" not in words)
    yield from (words for words in COMMANDS if "--pseudo" in words)


def spaces_in_two_folds(place: Path) -> None:
    """The spaces of the project in a folder of their own."""
    shutil.copytree(ROOT / "spaces", place, ignore=shutil.ignore_patterns("__pycache__"))
    for path in place.rglob("*.py"):
        path.write_text(re.sub(r"\bfolds=\d+", "folds=2", path.read_text(encoding="utf-8")), encoding="utf-8")


def run(words: list[str]) -> int:
    return main_of(words[0])(words[1:]) or 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # SQLAlchemy's, inside MLflow
def test_commands_run_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_pictures(monkeypatch)  # but for the report's own command
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLDVOTE_DATA", "data/sample")
    spaces_in_two_folds(tmp_path / "spaces")
    for words in MADE_FIRST:
        assert run(small(words)) == 0, capsys.readouterr()
    for words in ordered():
        if words[0] == "trainable.sample":
            continue  # made first
        command = small(words)
        assert run(command) == 0, f"{shlex.join(command)}: {capsys.readouterr()}"
        said = capsys.readouterr().out.splitlines()
        if words[0] in ("search.run", "ensembles.build"):
            assert said[-1].startswith(("next: ", "dry run")), said[-1]
