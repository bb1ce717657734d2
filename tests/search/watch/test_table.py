"""The table of a search, in a log and on a terminal."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console

from search.race import Race
from search.space import Search
from search.watch.table import Progress
from search.watch.vote import Votes
from trainable.files import write_npz
from trainable.run.paths import RunPaths


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


def test_table_shows_rungs_votes_and_errors(progress: Progress) -> None:
    progress.race = Race(epochs=3, folds=2, trials=4)
    progress.began("a")
    progress.began("b")
    for name, score in (("a", 0.5), ("b", 0.25)):
        progress.race.record(name, 1, score)
        progress.reported(name, said(1, score))
    progress.ended("b", "waiting", "rank 2 of 2")
    progress.began("c")
    progress.ended("c", "failed", "ValueError: no such thing")
    with progress.console.capture() as captured:
        progress.console.print(progress.render())
    rows = captured.get().splitlines()
    (rung,) = [r for r in rows if "fold 0, epoch 1" in r]
    assert rung.split("epoch 1")[1].split() == ["2", "0", "1"]
    assert rows[-1].rstrip() == "error: trial 3 c: ValueError: no such thing"
    assert "50 images/s" in captured.get()


def test_saved_epochs_are_those_that_ended_trials_did_not_take(progress: Progress) -> None:
    for name, step in (("a", 6), ("b", 1), ("c", 2)):
        progress.began(name)
        progress.reported(name, said(step, 0.5))
    progress.ended("a", "complete", "")
    progress.ended("b", "stopped", "")
    progress.ended("c", "waiting", "")
    assert progress.epochs_saved == 5


def test_later_process_remembers_what_earlier_ones_did(progress: Progress) -> None:
    study = optuna.create_study(direction="maximize")
    for state, steps in ((TrialState.COMPLETE, 6), (TrialState.PRUNED, 1), (TrialState.RUNNING, 2)):
        values = {step: 0.5 for step in range(1, steps + 1)}
        value = 0.625 if state == TrialState.COMPLETE else None
        study.add_trial(optuna.trial.create_trial(state=state, value=value, intermediate_values=values))
    progress.remember(dict(zip("abc", study.trials, strict=True)))
    assert progress.earlier == {"complete": 1, "stopped": 1}
    assert (progress.epochs_before, progress.epochs_saved) == (9, 5)
    assert progress.best == (0.625, "a")


def test_vote_is_greedy_selection_of_the_complete_trials(tmp_path: Path) -> None:
    """Two trials that are each right on half the classes are right on all together."""
    paths, labels = RunPaths(tmp_path), np.array([0, 0, 1, 1])
    first = np.array([[0.9, 0.1], [0.45, 0.55], [0.1, 0.9], [0.1, 0.9]], np.float32)
    second = np.array([[0.9, 0.1], [0.9, 0.1], [0.55, 0.45], [0.1, 0.9]], np.float32)
    votes = Votes(paths)
    for name, probabilities in (("a", first), ("b", second)):
        paths.trial(name).root.mkdir(parents=True)
        write_npz(paths.trial(name).oof, index=np.arange(4), label=labels, probabilities=probabilities)
        votes.add(name, 0.7)
    assert votes.members == 2
    assert votes.score == 1.0
