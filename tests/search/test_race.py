"""The fold race by independent arithmetic."""

import math
from typing import Any

import numpy as np
import pytest

from search.race import GO, STOP, WAIT, Race, first_rung, milestones


def race(**changes: Any) -> Race:
    return Race(**{"epochs": 9, "folds": 5, "trials": 100, "eta": 3, "members": 2, "rule": "none", **changes})


def fill(made: Race, step: int, scores: list[float]) -> None:
    for i, score in enumerate(scores):
        made.record(f"t{i}", step, score)


@pytest.mark.parametrize(
    ("epochs", "grace", "steps"),
    [
        (12, 6, [6, 12]),
        (12, 3, [3, 6, 12]),
        (12, 4, [4, 8, 12]),
        (9, 1, [1, 2, 4, 9]),
        (15, 7, [7, 15]),
        (5, 4, [4, 5]),
        (5, 5, [5]),
        (64, 1, [1, 2, 4, 8, 16, 32, 64]),  # no top rung lost to floating-point logarithms
        (1, 1, [1]),
        (5, 2, [2, 5]),
        (4, 10, [4]),
    ],
)
def test_rungs_double_and_end_with_the_fold(epochs: int, grace: int, steps: list[int]) -> None:
    assert milestones(epochs, grace) == steps


def test_rung_ranks_by_the_two_best_epochs_so_far_and_the_end_of_the_fold_by_its_score() -> None:
    made = race(epochs=8, grace=4, trials=1000)
    curves = {"steady": [0.4, 0.4, 0.4, 0.4], "fell": [0.1, 0.6, 0.5, 0.2], "rose": [0.1, 0.1, 0.3, 0.59]}
    for name, scores in curves.items():
        for step, score in enumerate([*scores, 0.0, 0.0, 0.0, scores[-1]], start=1):
            made.record(name, step, score)
    assert made.rungs[4] == pytest.approx({name: np.mean(sorted(scores)[2:]) for name, scores in curves.items()})
    assert made.rungs[8] == {name: scores[-1] for name, scores in curves.items()}


def test_good_epochs_do_not_hide_a_score_that_is_no_number() -> None:
    made = race(grace=2)
    made.record("t0", 1, 0.9)
    made.record("t0", 2, math.nan)
    assert made.rungs[2] == {"t0": -math.inf}


def test_while_new_ones_are_to_come_one_of_eta_squared_goes_on_and_through_all_rungs() -> None:
    made, waiting = race(), {f"t{i}" for i in range(9)}
    fill(made, 1, [0.1 * i for i in range(8)])
    assert made.decide("t7", 1, 0.7).action == WAIT
    assert made.promote(waiting) is None
    fill(made, 1, [0.1 * i for i in range(9)])
    assert made.promote(waiting) == "t8"
    assert made.ahead == {"t8"}
    assert made.promote(waiting - {"t8"}) is None
    for step in (2, 4, 9):
        made.record("t8", step, 0.0)
        assert made.decide("t8", step, 0.0).action == GO, step


def test_one_that_was_ahead_waits_at_a_later_rung_where_better_ones_came_meanwhile() -> None:
    made = race()
    fill(made, 1, [0.1 * i for i in range(9)])
    assert made.promote({f"t{i}" for i in range(9)}) == "t8"
    made.record("late", 1, 0.9)
    made.record("t8", 2, 0.8)
    assert made.decide("t8", 2, 0.8).action == WAIT
    assert made.promote({"t8", "late"}) == "late"
    assert made.ahead == {"t8", "late"}


@pytest.mark.parametrize("drained", [False, True])
@pytest.mark.parametrize("held", range(3, 30))
def test_the_best_of_every_eta_go_on_once_none_are_to_come_and_of_eta_squared_before(held: int, drained: bool) -> None:
    made = race(trials=1000, members=4)
    scores = np.random.default_rng(held).random(held)
    fill(made, 1, scores.tolist())
    waiting = {f"t{i}" for i in range(held)}
    promoted = list[str]()
    while (trial := made.promote(waiting - set(promoted), drained=drained)) is not None:
        promoted.append(trial)
    places = max(held // 3, min(held, 4)) if drained else min(held // 9, 2)
    assert promoted == [f"t{i}" for i in np.argsort(-scores)[:places]]


@pytest.mark.parametrize("hurried", [False, True])
def test_once_none_are_to_come_the_lowest_rung_goes_first_unless_time_is_short(hurried: bool) -> None:
    made = race(sure=1 if hurried else None)
    fill(made, 1, [0.5, 0.4, 0.3])
    fill(made, 2, [0.5])  # only the best got there
    verdict = made.decide("t0", 2, 0.5, drained=True)
    assert verdict.action == (GO if hurried else WAIT)
    waiting = {"t1", "t2"} if hurried else {"t0", "t1", "t2"}
    assert made.promote(waiting, drained=True) == "t1"
    assert made.promote(waiting - {"t1"}, drained=True) == (None if hurried else "t0")


def test_between_rungs_a_trial_goes_on_whatever_its_score() -> None:
    made = race()
    made.record("t0", 3, 0.0)
    assert made.decide("t0", 3, 0.0).action == GO


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [1, 2, 9, 18])
def test_score_that_is_no_number_ends_a_trial(score: float, step: int) -> None:
    made = race()
    if step == 18:
        made.record("t0", 9, 0.5)
    made.record("t0", step, score)
    assert made.decide("t0", step, score).action == STOP


def test_nan_is_the_worst_score_of_a_rung() -> None:
    made = race(trials=1000, members=1)
    fill(made, 1, [math.nan, 0.0, math.nan])
    assert made.promote({"t0", "t1", "t2"}, drained=True) == "t1"


def test_end_of_fold_0_is_a_rung() -> None:
    made = race(epochs=12, members=1)
    fill(made, 12, [0.1, 0.2, 0.3])
    waiting = {"t0", "t1", "t2"}
    assert [made.promote(waiting, drained=True) for _ in waiting] == ["t2", None, None]


def test_recording_twice_changes_nothing() -> None:
    one, twice = race(), race()
    for made, times in ((one, 1), (twice, 2)):
        for step, score in ((1, 0.3), (9, 0.4), (18, 0.5)):
            for _ in range(times):
                made.record("t0", step, score)
    assert one == twice
    assert one.fold_scores == {"t0": [0.4, 0.5]}


def test_promoted_trial_is_known_again_after_a_restart() -> None:
    """What went on from a rung has a later score in the ledger."""
    made = race(trials=1000)
    fill(made, 1, [0.1 * i for i in range(9)])
    made.record("t0", 2, 0.1)
    assert made.decide("t0", 1, 0.1).action == GO
    assert made.promote({f"t{i}" for i in range(1, 9)}) == "t8"


class Plain:
    """The same decisions by sorting anew each time, as they were first written."""

    def __init__(self, made: Race) -> None:
        self.made = made

    def ranked(self, step: int) -> list[str]:
        entries = self.made.rungs[step]
        return sorted(entries, key=lambda t: -entries[t])

    def promote(self, waiting: set[str], drained: bool) -> str | None:
        made, steps = self.made, list(self.made.rungs)
        most = min(len(made.rungs[steps[0]]) // made.eta**2, max(1, made.members // 2))
        through = set(self.ranked(steps[0])[:most])
        for step in steps if drained else reversed(steps):
            ranked = self.ranked(step)
            able = ranked[: max(len(ranked) // made.eta, made.members)] if drained else through & self.kept(step)
            for trial in ranked:
                if trial in waiting and trial in able and trial not in made.beyond[step]:
                    return trial
        return None

    def kept(self, step: int) -> set[str]:
        most = self.made.trials
        for _ in [rung for rung in self.made.rungs if rung <= step]:
            most = max(most // self.made.eta, self.made.members)
        return set(self.ranked(step)[:most])

    def hopeless(self, waiting: set[str]) -> list[str]:
        here = [(step, t) for step in self.made.rungs for t in self.ranked(step) if t not in self.made.beyond[step]]
        return [t for step, t in here if t in waiting and t not in self.kept(step)]


@pytest.mark.parametrize("seed", range(20))
def test_a_whole_search_is_decided_as_by_sorting_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = race(trials=60, members=int(rng.integers(1, 9)))
    plain, waiting, step_of = Plain(made), set[str](), dict[str, int]()
    for _ in range(2000):
        drained = len(step_of) == made.trials
        expected = plain.promote(waiting, drained)
        trial = made.promote(waiting, drained=drained)
        assert trial == expected
        if trial is None:
            if drained:
                break
            trial = f"t{len(step_of)}"
        waiting.discard(trial)
        while True:
            step = step_of[trial] = step_of.get(trial, 0) + 1
            score = math.nan if rng.random() < 0.02 else round(float(rng.random()), 2)
            made.record(trial, step, score)
            verdict = made.decide(trial, step, score, drained=drained)
            if verdict.action == WAIT:
                waiting.add(trial)
            if verdict.action != GO or step == 9:
                break
        lost = plain.hopeless(waiting)
        assert sorted(t for t, _ in made.hopeless(waiting)) == sorted(lost)
        waiting -= set(lost)
    assert len(step_of) == made.trials


# --- later folds ------------------------------------------------------------------------------------------------

RIVALS = {"a": [0.8, 0.7, 0.9, 0.8, 0.8], "b": [0.6, 0.5, 0.7, 0.6, 0.6]}  # b is of rank 2


def later(rule: str, mine: list[float], **changes: Any) -> str:
    made = race(rule=rule, **changes)
    for name, scores in {**RIVALS, "mine": mine}.items():
        for fold, score in enumerate(scores):
            made.record(name, 9 * (fold + 1), score)
    return made.decide("mine", 9 * len(mine), mine[-1]).action


@pytest.mark.parametrize("mine", [[0.5, 0.5], [0.55, 0.3], [0.61, 0.5], [0.4, 0.49, 0.5], [0.7, 0.5, 0.5], [0.6, 0.49]])
@pytest.mark.parametrize("margin", [0.0, 1.0, 3.0])
def test_paired_rule_allows_the_standard_error_of_the_difference(mine: list[float], margin: float) -> None:
    differences = [m - r for m, r in zip(mine, RIVALS["b"], strict=False)]
    n = len(differences)
    mean = sum(differences) / n
    error = math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1) / n)
    assert later("paired", mine, margin=margin) == (STOP if mean < -margin * error else GO)


def test_later_folds_race_only_when_enough_trials_are_complete() -> None:
    assert later("paired", [0.1, 0.1], members=3) == GO
    assert later("none", [0.1, 0.1]) == GO


def test_last_fold_is_not_raced() -> None:
    assert later("paired", [0.1] * 5) == GO


@pytest.mark.parametrize(
    ("epochs", "pretrained", "step"),
    [(50, True, 7), (12, True, 2), (6, True, 1), (3, True, 3), (16, False, 8), (15, False, 8), (7, False, 7)],
)
def test_first_rung_comes_early_where_networks_start_pretrained(epochs: int, pretrained: bool, step: int) -> None:
    assert first_rung(epochs, pretrained=pretrained) == step
    assert next(iter(Race(epochs, 5, 40, first_rung(epochs, pretrained=pretrained)).rungs)) == step
