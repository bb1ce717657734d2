"""The driver's decisions on a real ledger, with scores that are made up instead of trained."""

import contextlib
import math
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import SPACE, space_file
from optuna.trial import TrialState

from search.deadline import Deadline
from search.director import Director, clear_stopped
from search.leaderboard import COLUMNS, write_leaderboard
from search.ledger import Ledger
from search.space import DataFacts, load_space
from search.suggest import Suggester
from trainable.config import TrialConfig
from trainable.files import write_json
from trainable.store import RunPaths

FACTS = DataFacts(24, 12, ("a", "b", "c"), ())
EPOCHS, FOLDS = 3, 2


class Log:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []

    def began(self, trial_id: str) -> None: ...

    def reported(self, trial_id: str, report: dict[str, Any]) -> None: ...

    def ended(self, trial_id: str, state: str, reason: str) -> None:
        if state != "waiting":
            self.ends.append((trial_id, state))


@pytest.fixture
def direct(tmp_path: Path) -> Callable[..., Director]:
    """Makes the director of one run directory: again and again, as a restarted process would."""

    def make(text: str = SPACE, **changes: Any) -> Director:
        space = load_space(space_file(tmp_path, text))
        values = {"trials": 6, "epochs": EPOCHS, "folds": FOLDS, "members": 1, "rule": "none", **changes}
        space = replace(space, search=replace(space.search, **values))
        paths = RunPaths(tmp_path / "run")
        paths.root.mkdir(exist_ok=True)
        s = space.search
        made = Director(
            paths=paths,
            space=space,
            search=s,
            data=FACTS,
            folds_fingerprint="folds",
            ledger=Ledger.open(paths.study, first=s.first),
            race=space.race(),
            suggester=Suggester(s.sampler, s.seed, s.startup),
            watchers=[Log()],
        )
        made.resume()
        return made

    return make


def said(step: int, score: float) -> dict[str, Any]:
    fold = (step - 1) // EPOCHS
    last = step % EPOCHS == 0
    return {"step": step, "fold": fold, "score": score, "decides": fold == 0 or last, "fold_done": last, "metrics": {}}


def work(director: Director, score: Callable[[TrialConfig], float], steps: int = 10**9) -> list[str]:
    """One worker until there is nothing to do or `steps` epochs are spent; the trials it took up, in turn."""
    taken = []
    while (found := director.next_trial()) is not None:
        trial_id, config = found
        taken.append(trial_id)
        for step in range(director.told(trial_id) + 1, EPOCHS * FOLDS + 1):
            if not steps:
                return taken
            steps -= 1
            if step == EPOCHS * FOLDS:
                write_json(director.paths.trial(trial_id).result, {"oof_macro_f1": score(config)})
            if not director.report(trial_id, said(step, score(config))):
                break
    return taken


def states(director: Director) -> dict[str, TrialState]:
    return {name: trial.state for name, trial in director.ledger.named().items()}


def rate(config: TrialConfig) -> float:
    return config.optim.lr


def test_search_ends_with_every_trial_settled(direct: Callable[..., Director]) -> None:
    director = direct()
    work(director, rate)
    director.conclude()
    found = states(director)
    assert len(found) == 6
    assert director.finished
    assert set(found.values()) <= {TrialState.COMPLETE, TrialState.PRUNED}
    best = max(found, key=lambda t: director.ledger.find(t).params["lr"])
    assert found[best] == TrialState.COMPLETE
    assert TrialState.PRUNED in found.values()


def test_stopped_trials_keep_no_weights(direct: Callable[..., Director]) -> None:
    director = direct()

    def score(config: TrialConfig) -> float:
        for trial in director.paths.trials():
            trial.fold(0).root.mkdir(exist_ok=True)
            if director.ledger.find(trial.root.name).state == TrialState.RUNNING:
                trial.fold(0).weights.touch()
                trial.fold(0).resume.touch()
        return rate(config)

    work(director, score)
    director.conclude()
    clear_stopped(director.paths, director.ledger)
    for name, state in states(director).items():
        assert director.paths.trial(name).fold(0).weights.exists() == (state == TrialState.COMPLETE)


def test_trial_that_raises_is_failed_with_its_traceback_and_the_search_goes_on(direct: Callable[..., Director]) -> None:
    director = direct()
    found = director.next_trial()
    assert found is not None
    trace = "Traceback (most recent call last):\n  File x\nRuntimeError: no memory"
    assert not director.report(found[0], {"error": trace})
    assert director.paths.trial(found[0]).error.read_text() == trace
    assert states(director) == {found[0]: TrialState.FAIL}
    assert not director.aborted
    work(director, rate)
    assert len(states(director)) == 6
    assert list(states(director).values()).count(TrialState.FAIL) == 1


def test_search_stops_when_the_first_three_all_fail(direct: Callable[..., Director]) -> None:
    director = direct()
    for _ in range(3):
        found = director.next_trial()
        assert found is not None
        director.report(found[0], {"error": "Traceback\nValueError: broken"})
    assert director.aborted == "the first 3 trials all failed; the last: ValueError: broken"
    assert director.next_trial() is None
    assert director.finished


def test_search_goes_on_after_three_failures_when_a_trial_had_ended_well(direct: Callable[..., Director]) -> None:
    director = direct()
    found = director.next_trial()
    assert found is not None
    director.report(found[0], said(1, math.nan))  # stopped, which is no failure
    for _ in range(3):
        found = director.next_trial()
        assert found is not None
        director.report(found[0], {"error": "Traceback\nValueError: broken"})
    assert not director.aborted


@pytest.mark.parametrize("killed_after", [1, 2, 3, 5, 7, 9, 12])
def test_resumed_search_suggests_and_decides_as_the_undisturbed_one(
    direct: Callable[..., Director], tmp_path: Path, killed_after: int
) -> None:
    whole = direct()
    work(whole, rate)
    whole.conclude()
    expected = states(whole)
    (tmp_path / "run").rename(tmp_path / "whole")
    work(direct(), rate, steps=killed_after)
    again = direct()
    unfinished = {t for t, s in states(again).items() if s == TrialState.RUNNING}
    assert unfinished == set(again.unfinished) | again.waiting
    work(again, rate)
    again.conclude()
    assert states(again) == expected


def test_duplicate_is_not_a_second_trial(direct: Callable[..., Director]) -> None:
    text = SPACE.replace('suggest_float("lr", 1e-3, 1e-2, log=True)', 'suggest_categorical("lr", [1e-3, 2e-3, 3e-3])')
    director = direct(text, trials=10)
    work(director, rate)
    assert len(states(director)) == 3
    assert "exhausted" in director.note


def test_suggestion_that_is_invalid_does_not_count(direct: Callable[..., Director]) -> None:
    text = SPACE.replace("1e-3, 1e-2, log=True", "9.0, 12.0")
    director = direct(text)
    work(director, rate)
    assert len(states(director)) == 6
    assert all(director.ledger.find(t).params["lr"] <= 10 for t in states(director))


def test_inner_epochs_of_later_folds_decide_nothing(direct: Callable[..., Director]) -> None:
    director = direct(trials=1)
    found = director.next_trial()
    assert found is not None
    for step in (1, 2, 3):
        director.report(found[0], said(step, 0.5))
    assert director.report(found[0], said(4, math.nan))
    assert list(director.ledger.find(found[0]).intermediate_values) == [1, 2, 3]


@pytest.mark.parametrize("step", [1, 2, 3, EPOCHS * FOLDS])
def test_diverged_trial_is_stopped_wherever_it_diverges(direct: Callable[..., Director], step: int) -> None:
    director = direct(trials=1)
    found = director.next_trial()
    assert found is not None
    trial_id = found[0]
    for earlier in range(1, step):
        assert director.report(trial_id, said(earlier, 0.5))
    write_json(director.paths.trial(trial_id).result, {"oof_macro_f1": math.nan})
    assert not director.report(trial_id, said(step, math.nan))
    assert states(director) == {trial_id: TrialState.PRUNED}


def test_leaderboard_has_the_documented_columns(direct: Callable[..., Director]) -> None:
    import pandas as pd

    director = direct()
    work(director, rate)
    director.conclude()
    write_leaderboard(director.paths, director.ledger)
    table = pd.read_csv(director.paths.leaderboard)
    assert list(table) == [*COLUMNS, "lr"]
    assert sorted(table["trial"]) == sorted(states(director))
    assert set(table["state"]) == {"complete", "stopped"}
    assert table["oof_macro_f1"].notna().tolist() == (table["state"] == "complete").tolist()
    assert table["oof_macro_f1"].dropna().is_monotonic_decreasing


def past_its_rungs(director: Director, trial_id: str) -> None:
    for step in range(1, EPOCHS + 1):
        director.report(trial_id, said(step, 0.5))


def test_idle_worker_trains_the_last_fold_of_a_trial_that_is_past_its_rungs(direct: Callable[..., Director]) -> None:
    director = direct(trials=1, folds=4)
    found = director.next_trial()
    assert found is not None and director.next_trial() is None
    trial_id, config = found
    assert director.next_fold() is None, "fold 0 may still end the trial"
    past_its_rungs(director, trial_id)
    assert director.next_fold() == (trial_id, config, 3)
    write_json(director.paths.trial(trial_id).fold(2).result, {})
    assert director.next_fold() is None, "fold 1 is in training, 2 is finished, 3 is taken"
    assert director.report_ahead(trial_id, 3, said(10, 0.5))
    assert not director.report_ahead(trial_id, 3, said(12, 0.5))
    assert director.ahead == set()
    assert not director.ledger.find(trial_id).intermediate_values.get(12), "nothing is decided before the fold's turn"


@pytest.mark.parametrize("ends", ["done", "error", "dead"])
def test_trial_that_reaches_a_fold_in_training_waits_for_it(direct: Callable[..., Director], ends: str) -> None:
    director = direct(trials=1, folds=3)
    found = director.next_trial()
    assert found is not None
    trial_id = found[0]
    past_its_rungs(director, trial_id)
    assert director.next_fold() == (*found, 2)
    assert director.report(trial_id, said(5, 0.5)), "an inner epoch of fold 1"
    assert not director.report(trial_id, said(6, 0.5)), "its next fold is in training"
    assert director.next_trial() is None and not director.finished
    if ends == "dead":
        director.end_ahead(trial_id, 2)
    else:
        assert not director.report_ahead(trial_id, 2, said(9, 0.5) if ends == "done" else {"error": "x"})
    assert director.next_trial() == found
    write_json(director.paths.trial(trial_id).result, {"oof_macro_f1": 0.5})
    assert not director.report(trial_id, said(9, 0.5))
    assert states(director) == {trial_id: TrialState.COMPLETE}
    assert director.finished


def test_fold_of_a_trial_that_was_stopped_is_not_trained_on_and_leaves_nothing(
    direct: Callable[..., Director],
) -> None:
    director = direct(trials=1, folds=4)
    found = director.next_trial()
    assert found is not None
    trial_id = found[0]
    past_its_rungs(director, trial_id)
    assert director.next_fold() is not None
    director.report(trial_id, said(6, math.nan))
    assert states(director) == {trial_id: TrialState.PRUNED}
    fold = director.paths.trial(trial_id).fold(3)
    fold.root.mkdir(parents=True)
    fold.resume.touch()  # its worker was in the middle of an epoch
    assert not director.report_ahead(trial_id, 3, said(10, 0.5))
    assert not fold.resume.exists()
    assert director.finished


def test_no_trial_is_begun_that_could_not_be_complete_in_time(direct: Callable[..., Director]) -> None:
    director = direct()
    director.deadline = Deadline(seconds=1000, trial_epochs=EPOCHS * FOLDS, slots=1)
    found = director.next_trial()
    assert found is not None
    report = said(1, 0.5)
    director.report(found[0], {**report, "metrics": {"seconds": 900.0}})
    assert director.next_trial() is None
    assert "could not be complete" in director.note
    assert len(states(director)) == 1


def test_at_the_deadline_there_are_complete_trials(direct: Callable[..., Director]) -> None:
    """Every epoch takes a second of a made-up clock: an endless search is over in time, with what the vote wants."""
    director = direct(trials=10_000, members=3)
    now = [0.0]
    director.deadline = Deadline(100, 3 * EPOCHS * FOLDS, EPOCHS * FOLDS, clock=lambda: now[0])

    def score(config: TrialConfig) -> float:
        return config.optim.lr

    while (found := director.next_trial()) is not None:
        for step in range(director.told(found[0]) + 1, EPOCHS * FOLDS + 1):
            now[0] += 1.0
            if step == EPOCHS * FOLDS:
                write_json(director.paths.trial(found[0]).result, {"oof_macro_f1": score(found[1])})
            if not director.report(found[0], {**said(step, score(found[1])), "metrics": {"seconds": 1.0}}):
                break
    director.conclude()
    assert list(states(director).values()).count(TrialState.COMPLETE) >= 3
    assert director.finished and not director.aborted
    assert 70 < now[0] <= 100


def test_trial_whose_process_dies_goes_on_three_times(direct: Callable[..., Director]) -> None:
    director = direct(trials=1)
    found = director.next_trial()
    assert found is not None
    director.report(found[0], said(1, 0.5))
    for _ in range(3):
        director.died(found[0])
        assert not director.finished
        assert director.next_trial() == found
        assert director.told(found[0]) == 1
    director.died(found[0])
    assert states(director) == {found[0]: TrialState.FAIL}
    assert "died 4 times" in director.paths.trial(found[0]).error.read_text()
    assert director.finished
    director.died(found[0])  # heard late: it changes nothing
    assert not director.unfinished


def test_folds_of_survivors_come_before_new_trials_while_none_of_them_can_be_stopped(
    direct: Callable[..., Director],
) -> None:
    director = direct(folds=3, grace=EPOCHS, eta=2, rule="paired")

    def begin() -> str:
        found = director.next_job()
        assert found is not None and found[2] is None
        return found[0]

    def fold_0(trial_id: str, score: float) -> bool:
        return [director.report(trial_id, said(step, score)) for step in range(1, EPOCHS + 1)][-1]

    a, b = begin(), begin()
    assert not fold_0(a, 0.5)
    assert fold_0(b, 0.9)
    ahead = director.next_job()
    assert ahead is not None and (ahead[0], ahead[2]) == (b, 2)
    assert begin() not in (a, b)  # fold 1 is its own worker's
    assert not director.report(b, said(2 * EPOCHS, 0.9))  # fold 2 is on its way
    assert not director.report_ahead(b, 2, {"fold_done": True})
    assert begin() == b
    write_json(director.paths.trial(b).result, {"oof_macro_f1": 0.9})
    director.report(b, said(3 * EPOCHS, 0.9))
    assert states(director)[b] == TrialState.COMPLETE
    c = begin()
    assert fold_0(c, 0.95)
    assert begin() not in (a, b, c)  # one is complete, and the ensemble wants no more: c may be stopped yet


def test_an_interruption_that_was_swallowed_is_raised_again(direct: Callable[..., Director]) -> None:
    director = direct()
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    director.heed_signals()
    try:
        found = director.next_job()
        assert found is not None
        with contextlib.suppress(KeyboardInterrupt):  # as a callback from C does
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            director.report(found[0], said(1, 0.5))
        with pytest.raises(KeyboardInterrupt):
            director.next_job()
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert director.told(found[0]) == 0
