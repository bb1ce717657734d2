"""Long work says how far it is, also where nothing can draw a bar."""

from __future__ import annotations

import pytest

from ensembles.choice import _bar
from trainable import progress


def test_a_log_gets_lines_and_short_work_is_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(progress.tracked(range(3), "read photos", 3)) == [0, 1, 2]
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(progress, "FIRST", 0.0)
    assert list(progress.tracked(range(2000), "read photos", 2000)) == list(range(2000))
    first, last = capsys.readouterr().out.splitlines()  # and nothing more for a minute
    assert first.startswith("read photos: 1 of 2,000, about ") and last == "read photos: 2,000 of 2,000 in 0 s"


def test_lines_tell_what_is_being_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "FIRST", 0.0)
    monkeypatch.setattr(progress, "BETWEEN", 0.0)
    with _bar() as tell:
        for done in range(3):
            tell(done, 16, "greedy, 3 folds")
    said = capsys.readouterr().out.splitlines()
    starts = [f"compare methods, greedy, 3 folds: {done} of 16" for done in range(3)]
    assert [line.split(", about")[0] for line in said] == starts
