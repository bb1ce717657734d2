"""The commands there are, and how a person types them: `foldvote build`, or `python -m ensembles.build`."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """module: has `main(arguments) -> exit code`, and imports nothing heavy before the arguments are read."""

    module: str
    help: str


COMMANDS = {
    "sample": Command("trainable.sample.__main__", "generate a data set to try things on"),
    "describe": Command("trainable.describe", "what is in a data folder, before anything is trained"),
    "search": Command("search.run", "search a space; folds of a trial race"),
    "queue": Command("search.queue", "queue a configuration into a search, also while it runs"),
    "train": Command("trainable.train", "train one configuration, all folds, without a search"),
    "build": Command("ensembles.build", "vote the best trials, write the submission"),
    "members": Command("ensembles.what_adds", "what each kind of member adds to a vote"),
    "predict": Command("ensembles.predict", "what a vote says of new photos"),
    "oof": Command("ensembles.oof", "what trials said out of fold, as tables for other programs"),
    "report": Command("ensembles.report.command", "write report.html of a run, also while it goes on"),
    "suspects": Command("ensembles.suspects.command", "labels that look wrong, the worst first"),
    "compare": Command("ensembles.compare.command", "submissions against each other and the leaderboard"),
    "truth": Command("ensembles.score_answers", "how a vote did, where the right answers are known"),
    "export": Command("ensembles.export.command", "a vote as a folder that stands alone"),
    "doctor": Command("foldvote.doctor", "what this machine has, and what that means for a search"),
}


_called: list[bool] = []  # calls of Python's `foldvote` that are under way


def spoken(name: str, *words: object) -> str:
    """A command as it is typed, ready to paste: under the name that this process was started by."""
    if by_console():
        start = ["foldvote", name]
    else:
        start = ["python", "-m", COMMANDS[name].module.removesuffix(".__main__").removesuffix(".command")]
    return shlex.join([*start, *map(str, words)])


@contextmanager
def from_python() -> Iterator[None]:
    """Within it commands are spoken as of the console: `python -m` would meet what lies in a notebook's folder."""
    _called.append(True)
    try:
        yield
    finally:
        _called.pop()


def by_console() -> bool:
    """Whether the console command was called, or Python's `foldvote`, not a module."""
    if _called:
        return True
    started = Path(sys.argv[0])
    return started.stem == "foldvote" or (started.name == "__main__.py" and started.parent.name == "foldvote")
