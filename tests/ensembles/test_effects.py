"""What each choice was worth, of scores made by hand."""

import numpy as np
import pytest

from ensembles.report.effects import effects


def test_effects_find_the_choice_that_helps_among_others() -> None:
    """Scores made by hand: `good` gives 0.1 in all, `none` nothing, and noise of a hundredth."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "help": rng.choice(["good", "bad"]),
            "none": rng.choice(["a", "b", "c"]),
            "lr": float(10 ** rng.uniform(-4, -2)),
        }
        for _ in range(80)
    ]
    scores = np.array([0.5 + 0.1 * (r["help"] == "good") for r in rows]) + rng.normal(0, 0.01, 80)
    found = {(e.parameter, e.level): e for e in effects(rows, scores)}
    assert found["help", "good"].value - found["help", "bad"].value == pytest.approx(0.1, abs=0.01)
    assert found["help", "good"].low > 0
    assert all(e.low < 0.005 and e.high > -0.005 for (name, _), e in found.items() if name == "none")
    assert not any(name == "lr" for name, _ in found)
    assert all(e.low <= e.value <= e.high for e in found.values())


def test_effects_say_nothing_of_few_trials() -> None:
    assert effects([{"a": i % 2} for i in range(5)], np.zeros(5)) == []


def test_effects_pass_over_what_does_not_differ_and_what_a_trial_lacks() -> None:
    rows = [{"same": 1, "loss": "focal", "gamma": 2.0} if i % 2 else {"same": 1, "loss": "plain"} for i in range(12)]
    found = effects(rows, np.array([0.6 if row["loss"] == "focal" else 0.5 for row in rows]))
    assert {(e.parameter, e.level, e.trials) for e in found} == {("loss", "focal", 6), ("loss", "plain", 6)}
    assert effects([{"same": 1}] * 12, np.linspace(0, 1, 12)) == []
