"""The table of a search, in a log and on a terminal."""

import io
from collections import Counter

import pytest
from rich.console import Console

from search.progress import Progress
from search.space import Search


@pytest.fixture
def progress() -> Progress:
    clock = iter(range(0, 10_000, 10))
    console = Console(file=io.StringIO(), width=200)
    return Progress(Search(trials=4, folds=2, epochs=3), 24, lambda _: 0.625, console, lambda: float(next(clock)))


def said(step: int, score: float) -> dict:
    return {"fold": (step - 1) // 3, "step": step, "score": score, "metrics": {"images_per_second": 50.0}}


def text(progress: Progress) -> str:
    assert isinstance(progress.console.file, io.StringIO)
    return progress.console.file.getvalue()


def test_log_has_a_line_for_every_trial_that_ends(progress: Progress) -> None:
    with progress:
        for name in ("a", "b", "c"):
            progress.began(name)
        progress.reported("a", said(6, 0.5))
        progress.ended("a", "complete", "")
        progress.reported("b", said(1, 0.25))
        progress.ended("b", "stopped", "rank 3 of 3")
        progress.ended("c", "failed", "ValueError: x")
    lines = text(progress).splitlines()
    assert "trial 1 a: complete after 6 epochs, macro-F1 0.6250" in lines
    assert "trial 2 b: stopped after 1 epochs, macro-F1 0.2500 (rank 3 of 3)" in lines
    assert "trial 3 c: failed after 0 epochs (ValueError: x)" in lines
    assert "\x1b" not in text(progress)


def test_summary_counts_states_and_names_the_best(progress: Progress) -> None:
    progress.earlier = Counter(complete=2)
    progress.began("a")
    progress.began("b")
    progress.reported("a", said(6, 0.5))
    progress.ended("a", "complete", "")
    summary = progress.summary()
    for part in ("1 running", "0 stopped", "3 complete", "0 failed", "of 4 trials", "best 0.6250 (a)", "left "):
        assert part in summary


def test_time_left_is_unknown_first_and_counts_down(progress: Progress) -> None:
    assert progress.time_left() == "-"
    progress.began("a")
    progress.reported("a", said(1, 0.5))
    progress.ended("a", "stopped", "")
    assert progress.time_left() != "-"


def test_waiting_trial_that_goes_on_keeps_its_row(progress: Progress) -> None:
    progress.began("a")
    progress.reported("a", said(1, 0.5))
    progress.ended("a", "waiting", "rank 2 of 2")
    progress.began("a")
    assert len(progress.rows) == 1
    assert progress.counts() == {"running": 1}


def test_terminal_table_shows_running_trials_first(progress: Progress) -> None:
    for name in ("first", "second"):
        progress.began(name)
    progress.ended("first", "stopped", "")
    with progress.console.capture() as captured:
        progress.console.print(progress.render())
    rows = captured.get().splitlines()
    assert next(i for i, r in enumerate(rows) if "second" in r) < next(i for i, r in enumerate(rows) if "first" in r)
