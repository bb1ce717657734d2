"""The journal: what a crash may do to it, and what it tells afterwards."""

import math
from pathlib import Path

import pytest
from optuna.trial import Trial, TrialState

from search.ledger import Ledger, last_score, parameters
from search.sampler.suggest import Suggester


def begin(ledger: Ledger, trial_id: str) -> None:
    asked = ledger.waiting()
    if asked is None:
        asked = next(Suggester("random", 0, 5).draws(ledger.trials(), len(ledger.numbers)))
    asked.suggest_float("lr", 0.0, 1.0)
    ledger.add(asked, trial_id)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.log"


def states(ledger: Ledger) -> dict[str, TrialState]:
    return {name: trial.state for name, trial in ledger.named().items()}


def test_everything_is_there_after_reopening(path: Path) -> None:
    ledger = Ledger.open(path)
    for name in ("complete", "stopped", "failed", "running"):
        begin(ledger, name)
        assert ledger.report(name, 1, 0.25)
    ledger.report("stopped", 3, math.nan)
    ledger.complete("complete", 0.75)
    ledger.stop("stopped", "too slow")
    ledger.fail("failed", "OutOfMemory")
    again = Ledger.open(path)
    assert states(again) == {
        "complete": TrialState.COMPLETE,
        "stopped": TrialState.PRUNED,
        "failed": TrialState.FAIL,
        "running": TrialState.RUNNING,
    }
    assert again.find("complete").value == 0.75
    assert again.find("stopped").user_attrs["reason"] == "too slow"
    step, score = last_score(again.find("stopped")) or (0, 0.0)
    assert (step, math.isnan(score)) == (3, True)
    assert again.numbers == ledger.numbers
    assert 0 <= parameters(again.find("running"))["lr"] <= 1


def test_torn_last_line_is_survived_for_good(path: Path) -> None:
    """Optuna reads a torn line once; the next append then makes the file unreadable for ever."""
    ledger = Ledger.open(path)
    begin(ledger, "a")
    ledger.report("a", 1, 0.5)
    with path.open("a") as file:
        file.write('{"op_code": 6, "wor')
    for step in (2, 3):
        ledger = Ledger.open(path)
        assert ledger.report("a", step, 0.6)
    assert list(Ledger.open(path).find("a").intermediate_values) == [1, 2, 3]


def test_stale_lock_is_removed(path: Path) -> None:
    Ledger.open(path)
    path.with_name("study.log.lock").write_text("left by a process that died")
    ledger = Ledger.open(path)
    begin(ledger, "a")
    assert not path.with_name("study.log.lock").exists()


def test_running_trial_is_continued_and_its_old_scores_are_not_told_twice(path: Path) -> None:
    ledger = Ledger.open(path)
    begin(ledger, "a")
    ledger.report("a", 1, 0.5)
    ledger = Ledger.open(path)
    assert not ledger.report("a", 1, 0.9)
    assert ledger.report("a", 2, 0.6)
    ledger.complete("a", 0.7)
    assert ledger.find("a").intermediate_values == {1: 0.5, 2: 0.6}


def test_stopped_trial_is_pruned_with_its_scores_and_never_complete(path: Path) -> None:
    ledger = Ledger.open(path)
    begin(ledger, "a")
    for step, score in ((1, 0.1), (3, 0.3)):
        ledger.report("a", step, score)
    ledger.stop("a", "rung 3")
    found = Ledger.open(path).find("a")
    assert found.state == TrialState.PRUNED
    assert found.intermediate_values == {1: 0.1, 3: 0.3}


def test_what_a_crash_left_without_a_name_does_not_count(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.study.ask()
    again = Ledger.open(path)
    again.drop_unnamed()
    assert again.named() == {}
    assert [t.state for t in again.trials()] == [TrialState.FAIL]


def test_first_parameters_are_queued_once(path: Path) -> None:
    for _ in range(2):
        ledger = Ledger.open(path, first=({"lr": 0.5}, {"lr": 0.25}))
        assert len(ledger.trials()) == 2
    for value in (0.5, 0.25):
        asked = ledger.waiting()
        assert isinstance(asked, Trial)
        assert asked.suggest_float("lr", 0.0, 1.0) == value
        ledger.add(asked, f"first {value}")
    assert ledger.waiting() is None
    assert len(ledger.named()) == 2


def test_relative_path_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        Ledger.open(Path("study.log"))
