"""The journal: what a crash may do to it, and what it tells afterwards."""

import math
from pathlib import Path

import pytest
from optuna.trial import Trial, TrialState

from search.ledger import RETRAINED, Ledger, last_score, parameters, read_trials
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


def test_trial_that_failed_may_run_again_with_what_was_known_of_it(path: Path) -> None:
    ledger = Ledger.open(path)
    for name in ("before", "failed", "after"):
        begin(ledger, name)
        ledger.report(name, 1, 0.5)
    ledger.fail("failed", "ValueError: x")
    before = ledger.find("failed")
    ledger.retry("failed")
    for found in (ledger, Ledger.open(path)):
        again = found.find("failed")
        assert again.state == TrialState.RUNNING and again.number != before.number
        assert (again.params, again.distributions) == (before.params, before.distributions)
        assert again.intermediate_values == {1: 0.5}
        assert "reason" not in again.user_attrs
        assert list(states(found)) == ["before", "failed", "after"], "it counts as one trial, in its old place"
    assert not ledger.report("failed", 1, 0.9), "and is not told twice"
    assert ledger.report("failed", 2, 0.75)
    ledger.complete("failed", 0.75)
    assert states(Ledger.open(path))["failed"] == TrialState.COMPLETE
    assert [t.state for t in ledger.trials()].count(TrialState.FAIL) == 1, "the failure stays in the journal"


def test_retrained_trials_are_apart_and_may_fail_and_run_again(path: Path) -> None:
    ledger = Ledger.open(path)
    begin(ledger, "source")
    ledger.report("source", 1, 0.5)
    ledger.complete("source", 0.5)
    apart = Ledger.open(path, apart=RETRAINED)
    assert apart.named() == {}
    apart.add_apart("seed 1", "source", ledger.find("source"))
    apart.fail("seed 1", "ValueError: x")
    apart.retry("seed 1")
    found = Ledger.open(path, apart=RETRAINED)
    assert states(found) == {"seed 1": TrialState.RUNNING}
    assert found.find("seed 1").user_attrs[RETRAINED] == "source"
    assert found.find("seed 1").params == ledger.find("source").params
    search = Ledger.open(path)
    assert states(search) == {"source": TrialState.COMPLETE} and set(search.numbers) == {"source"}
    assert set(search.everything()) == {"source", "seed 1"}


def test_trials_are_read_beside_a_search_that_writes(path: Path) -> None:
    assert read_trials(path) == {}
    ledger = Ledger.open(path)
    begin(ledger, "a")
    ledger.report("a", 1, 0.5)
    (found,) = read_trials(path).items()
    assert (found[0], found[1].intermediate_values) == ("a", {1: 0.5})
    begin(ledger, "b")
    assert list(read_trials(path)) == ["a", "b"]


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
