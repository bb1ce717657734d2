"""What the sampler sees, and what it suggests where most is known already."""

import math
from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.sampler.suggest import Suggester, capped

LR = {"lr": FloatDistribution(0.0, 1.0)}


def trial(state: TrialState, scores: list[float], value: float | None = None) -> FrozenTrial:
    return create_trial(
        state=state,
        value=value,
        params={"lr": 0.5},
        distributions=LR,
        intermediate_values=dict(enumerate(scores, 1)),
    )


HISTORY = [
    trial(TrialState.COMPLETE, [0.1, 0.2], 0.7),
    trial(TrialState.RUNNING, [0.1]),  # at a rung
    trial(TrialState.RUNNING, []),  # just begun
    trial(TrialState.PRUNED, [0.1, math.nan]),
    trial(TrialState.PRUNED, [math.nan]),
    trial(TrialState.FAIL, [0.3]),
]


def seen(view: str, history: list[FrozenTrial]) -> list[tuple[str, float | None, dict[int, float]]]:
    study = next(Suggester("random", 0, 5, view).draws(history, 6)).study
    return [(t.state.name, t.value if t.state.name == "COMPLETE" else None, t.intermediate_values)
            for t in study.get_trials()[:-1]]  # fmt: skip


def test_waiting_trial_is_pruned_at_its_step_and_a_failed_one_unseen() -> None:
    assert seen("pruned", HISTORY) == [
        ("COMPLETE", 0.7, {}),
        ("PRUNED", None, {1: 0.1}),
        ("RUNNING", None, {}),
        ("PRUNED", None, {1: 0.1}),
        ("PRUNED", None, {}),
    ]


@pytest.mark.parametrize(("view", "value"), [("complete", 0.1), ("estimated", 0.6)])
def test_other_views_show_a_value(view: str, value: float) -> None:
    """One trial went from .1 to .7 in the end: .6 above."""
    found = seen(view, [trial(TrialState.COMPLETE, [0.2, 0.3], 0.7), *HISTORY[1:]])
    assert [state for state, _, _ in found] == ["COMPLETE", "COMPLETE", "RUNNING", "COMPLETE", "COMPLETE"]
    assert found[1][1] == pytest.approx(value)
    assert found[4][1] == 0.0


def test_what_diverged_at_once_is_the_worst_also_under_a_loss() -> None:
    losses = [trial(TrialState.COMPLETE, [-1.5, -0.9], -2.5), trial(TrialState.PRUNED, [math.nan])]
    assert seen("estimated", losses)[1][1] == -2.5


def test_history_is_not_changed_by_being_shown() -> None:
    before = [dict(t.__dict__) for t in HISTORY]
    study = next(Suggester("tpe", 0, 2).draws(HISTORY, 6)).study
    study.ask().suggest_float("lr", 0.0, 1.0)
    assert [t.__dict__ for t in HISTORY] == before


def choices(count: int) -> Callable[[optuna.Trial], int]:
    return lambda t: int(t.suggest_categorical("c", range(count)))


def test_a_finite_space_is_found_whole_though_tpe_likes_one_corner_best() -> None:
    """Suggestions that are known are refused; the next ones look elsewhere, in the end at random."""
    space, history, known = choices(30), [], set()
    for number in range(30):
        draws = Suggester("tpe", 0, 3).draws(history, number)
        value = next(v for _ in range(200) if (v := space(next(draws))) not in known)
        known.add(value)
        kept = {"params": {"c": value}, "distributions": {"c": CategoricalDistribution(range(30))}}
        history.append(create_trial(state=TrialState.COMPLETE, value=float(value), **kept))
    assert known == set(range(30))


def test_suggestion_depends_on_the_history_seed_and_number_alone() -> None:
    def ask(seed: int, number: int) -> list[float]:
        draws = Suggester("tpe", seed, 2).draws(HISTORY, number)
        return [next(draws).suggest_float("lr", 0.0, 1.0) for _ in range(6)]

    assert ask(0, 6) == ask(0, 6)
    assert ask(0, 6) != ask(1, 6)
    assert ask(0, 6) != ask(0, 7)
    assert len(set(ask(0, 6))) == 6


def test_capped_history_keeps_the_best_and_the_latest_in_order() -> None:
    history = [trial(TrialState.PRUNED, [i / 100]) for i in (90, 1, 2, 80, 3, 4, 5, 6)]
    assert capped(history, 4) == [history[i] for i in (0, 3, 6, 7)]
    assert capped(history, 8) == history
