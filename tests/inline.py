"""Whole commands in this process: `search.run` as it is, its trials one after another without Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ensembles.report import write
from search.executors import inline
from search.run import main as search
from search.watch.tensorboard import TensorBoard


def no_pictures(patch: pytest.MonkeyPatch) -> None:
    """Neither TensorBoard's nor those of a report at an end, which take longer than small trials."""
    patch.setattr(TensorBoard, "_later", lambda board, work: None)
    patch.setattr(write, "try_report", lambda root: None)


def searched(*arguments: object) -> int:
    """The exit code of `python -m search.run ... --executor inline`."""
    return search([*map(str, arguments), "--executor", "inline"])


def after_epochs(patch: pytest.MonkeyPatch, epochs: int, act: Callable[[], object]) -> None:
    """Do something once, when so many epochs were told and the next one is trained."""
    work, left = inline.work, [epochs]

    def watched(*arguments: Any, **named: Any) -> Iterator[Any]:
        for message in work(*arguments, **named):
            if left[0] == 0:
                act()
            left[0] -= 1
            yield message

    patch.setattr(inline, "work", watched)


def interrupt_after(patch: pytest.MonkeyPatch, epochs: int) -> None:
    """Ctrl-C in the epoch after so many."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    after_epochs(patch, epochs, interrupt)
