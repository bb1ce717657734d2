"""The vote that ends a search of --hours, where there is time for further heads too."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from search import ending
from trainable.run import Run


@pytest.mark.parametrize(("heads", "most", "without"), [(True, None, []), (False, 2, ["heads"])])
def test_further_heads_are_not_counted_among_the_trials_that_may_vote(
    heads: bool, most: int | None, without: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two trials and five further heads the best two voted, and the others had been fitted for nothing."""
    asked: list[argparse.Namespace] = []

    def command(given: argparse.Namespace) -> int:
        asked.append(given)
        return 0

    monkeypatch.setattr(ending, "command", command)
    assert ending.vote_in_time(Run(tmp_path), None, 2, heads=heads)
    assert [(given.most, list(given.without)) for given in asked] == [(most, without)]
