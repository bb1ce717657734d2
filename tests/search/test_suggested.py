"""What a space may ask of Optuna: refused where it enters and passed over where it is read, never in the journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from directing import FACTS, rate, states, work
from helpers import SPACE, space_file
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FixedTrial, TrialState, create_trial

from search.director import Director
from search.ledger import REASON, enqueue
from search.plan import draw, try_parameters
from search.sampler.suggest import Suggester
from search.space_file import SpaceFile, load_space
from trainable.errors import InputError

HEAD = "import numpy as np\nclass A: ...\nclass B: ...\n"


def space(folder: Path, suggestion: str) -> SpaceFile:
    """The tiny space with one more parameter, `x`."""
    text = HEAD + SPACE.replace("    return {", f"    trial.suggest_{suggestion}\n    return {{")
    return load_space(space_file(folder, text))


@pytest.mark.parametrize(
    ("suggestion", "words"),
    [
        ("categorical('x', np.array([4, 8]))", r"parameter x: received the choice .* \(int64\); allowed: text, "),
        ("categorical('x', [A, B])", r"parameter x: received the choice .*A.* \(type\); allowed: text, "),
        ("categorical('x', [[1], [2]])", r"parameter x: received the choice \[1\] \(list\)"),
        ("categorical('x', [('a', A)])", "parameter x: received the choice"),
        ("categorical('x', [])", r"tiny.py: line 11, parameter x: ValueError: The `choices` must"),
        ("float('x', 1, 0)", "tiny.py: line 11, parameter x: ValueError: `low <= high` must hold"),
        ("float('x', 0, 1, log=True)", "tiny.py: line 11, parameter x: ValueError"),
        ("int(name='x', low=0, high=1) / 0", "tiny.py: line 11: ZeroDivisionError"),
        ("int(name='x', low=exit(3), high=1)", "tiny.py: line 11: SystemExit: 3; allowed: space"),
    ],
)
def test_what_a_journal_cannot_hold_is_refused_by_the_parameters_name(
    tmp_path: Path, suggestion: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        draw(space(tmp_path, suggestion), FACTS, 1)


def test_error_in_an_imported_space_names_that_files_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    space_file(tmp_path, SPACE.replace("1e-3, 1e-2, log", "1e-2, 1e-3, log"), "wrong_parent")
    child = space_file(tmp_path, "from wrong_parent import SEARCH, space\n", "child")
    with pytest.raises(InputError, match=r"wrong_parent.py: line 12, parameter lr: ValueError"):
        draw(load_space(child), FACTS, 1)
    for text, where in (("x = 1\nx.y\n", "line 2"), ("x = 1\n\nx = (\n", "line 3"), ("exit(3)\n", "line 1")):
        with pytest.raises(InputError, match=f"child.py: {where} cannot be run: "):
            load_space(space_file(tmp_path, text, "child"))


@pytest.mark.parametrize("value", [1.0, -1, "0.005", None, float("nan"), [0.005], True])
def test_queued_value_outside_the_space_is_refused_with_what_is_allowed(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match="parameter lr: "):
        try_parameters(load_space(space_file(tmp_path)), FACTS, {"lr": value})
    with pytest.raises(InputError, match=r"received lrr=1; allowed: lr \(0.001 to 0.01\)"):
        try_parameters(load_space(space_file(tmp_path)), FACTS, {"lrr": 1})


def test_value_outside_that_lies_in_the_journal_is_passed_over(
    direct: Callable[..., Director], capsys: pytest.CaptureFixture[str]
) -> None:
    """As optuna-dashboard and others write it; the search goes on, in this sitting and in the next."""
    director = direct(trials=3)
    for value in (1.0, 0.004):
        enqueue(director.run.study, {"lr": value})
    work(director, rate)
    assert "queued parameters {'lr': 1.0} are passed over: " in capsys.readouterr().err
    reasons = [t.user_attrs[REASON] for t in director.ledger.trials() if t.state == TrialState.FAIL]
    assert len(reasons) == 1 and "lr: received 1.0; allowed: 0.001 to 0.01" in reasons[0]
    rates = [director.ledger.find(name).params["lr"] for name in states(director)]
    assert len(rates) == 3 and rates[0] == 0.004 and max(rates) <= 0.01
    again = direct(trials=5)
    work(again, rate)
    assert len(states(again)) == 5


def test_model_is_not_shown_a_value_outside_its_distribution() -> None:
    lr = {"lr": FloatDistribution(0.0, 0.1)}
    history = [create_trial(value=i / 9, params={"lr": i / 100}, distributions=lr) for i in range(9)]
    strange = create_trial(value=1.0, params={"lr": 0.05}, distributions=lr)
    strange.params["lr"] = 5.0
    draws = Suggester("tpe", 0, 2).draws([*history, strange], 10)
    assert next(draws).suggest_float("lr", 0.0, 0.1) <= 0.1


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
def test_tuples_are_choices_of_which_the_model_learns(direct: Callable[..., Director]) -> None:
    """A journal makes lists of them: they are tuples again for the model, for queued values and for another run."""
    suggestion = "trial.suggest_categorical('size', [(32, 32), (16, 16)])"
    text = SPACE.replace('"size": (32, 32)', f'"size": {suggestion}').replace("members=1", "members=1, startup=1")
    assert suggestion in text
    queued = text.replace("members=1", "members=1, first=({'size': (16, 16)},)")
    director = direct(queued, trials=2)
    work(director, rate)
    assert director.run.trials()[0] and next(iter(director.ledger.named().values())).params["size"] == [16, 16]
    shown = [trial for trial in director.ledger.trials()]
    assert shown[0].distributions["size"] == CategoricalDistribution([[32, 32], [16, 16]])
    asked = next(Suggester("tpe", 0, 1).draws(shown, 2))
    assert asked.suggest_categorical("size", [(32, 32), (16, 16)]) in ((32, 32), (16, 16))


def test_queued_choices_are_among_those_of_the_space(tmp_path: Path) -> None:
    made = space(tmp_path, "categorical('x', [1, 'a', None])")
    for value in (1, "a", None):
        made.config(FixedTrial({"x": value, "lr": 0.002}), FACTS)
    with pytest.raises(InputError, match=r"line 11, parameter x: ValueError: 'b' not in"):
        try_parameters(made, FACTS, {"x": "b"})
