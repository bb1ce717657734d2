"""Whole commands in this process: `search.run` as it is, its trials one after another without Ray."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from search.executors import inline
from search.run import main as search


def searched(*arguments: object) -> int:
    """The exit code of `python -m search.run ... --executor inline`."""
    return search([*map(str, arguments), "--executor", "inline"])


def interrupt_after(patch: pytest.MonkeyPatch, epochs: int) -> None:
    """Ctrl-C when so many epochs have been trained, those of earlier sittings not counted."""
    work, left = inline.work, [epochs]

    def interrupted(*arguments: Any, **named: Any) -> Iterator[Any]:
        for message in work(*arguments, **named):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            yield message

    patch.setattr(inline, "work", interrupted)
