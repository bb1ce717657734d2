"""What a space asked Optuna for, checked where it enters: choices that a journal can hold, values that lie within them.

A journal is JSON: what it cannot hold would end the search at its first trial. And Optuna refuses to be shown a trial
whose value lies outside of its own distribution, so that one such value would end every later sitting.
"""

import traceback
from importlib.resources import files
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial

from trainable.errors import InputError
from trainable.words import few

PLAIN = (str, bool, int, float, type(None))
CHOICES = "text, numbers, True, False, None, tuples of these, or the keys of a dict of anything else"
SHIPPED = Path(str(files("spaces")))


def check_suggested(asked: BaseTrial, source: Path) -> None:
    """InputError names the first parameter of a suggestion whose choices or value cannot be kept."""
    values = asked.params
    for name, distribution in asked.distributions.items():
        if isinstance(distribution, CategoricalDistribution):
            strange = next((choice for choice in distribution.choices if not _is_plain(choice)), None)
            if strange is not None:
                kind = type(strange).__name__
                raise InputError(
                    f"{source}: parameter {name}: received the choice {strange!r} ({kind}); allowed: {CHOICES}"
                )
        if not contains(distribution, values[name]):
            raise InputError(f"{source}: parameter {name}: received {values[name]!r}; allowed: {span(distribution)}")


def contains(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a distribution can give this value."""
    categorical = isinstance(distribution, CategoricalDistribution)
    if not _is_plain(value) or (isinstance(value, str | bool) and not categorical):
        return False
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except ValueError:
        return False


def span(distribution: BaseDistribution) -> str:
    """What a distribution can give, in words: `0.001 to 0.01`, `one of 'a', 'b'`."""
    if isinstance(distribution, CategoricalDistribution):
        return f"one of {few([repr(choice) for choice in distribution.choices], 20)}"
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    step = distribution.step if distribution.step not in (None, 1) else None
    return f"{distribution.low} to {distribution.high}" + (f" in steps of {step}" if step else "")


def thawed(value: Any) -> Any:
    """A value as the space file wrote it: the tuples that JSON had made lists."""
    return tuple(map(thawed, value)) if isinstance(value, list) else value


def thawed_choices(distribution: BaseDistribution) -> BaseDistribution:
    """A distribution whose choices are as the space file wrote them."""
    if isinstance(distribution, CategoricalDistribution) and any(isinstance(c, list) for c in distribution.choices):
        return CategoricalDistribution(thawed(list(distribution.choices)))
    return distribution


def blame(error: BaseException, source: Path) -> str:
    """Where in a space file an error came up, and at which parameter: `a.py: line 12, parameter lr`.

    That is the last line of it, of a file beside it or of a space that comes with foldvote; what these call (Optuna,
    NumPy) is passed over.
    """
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{error.filename or source}: line {error.lineno}"
    frames = list(traceback.walk_tb(error.__traceback__))
    places = [Path(frame.f_code.co_filename) for frame, _ in frames]
    own = [i for i, file in enumerate(places) if file == source or {source.parent, SHIPPED} & {*file.parents}]
    if not own:
        return str(source)
    called = [frame for frame, _ in frames[own[-1] + 1 :] if frame.f_code.co_name.startswith("suggest_")]
    parameter = f", parameter {called[0].f_locals.get('name')}" if called else ""
    return f"{places[own[-1]]}: line {frames[own[-1]][1]}{parameter}"


def _is_plain(choice: object) -> bool:
    return all(map(_is_plain, choice)) if isinstance(choice, tuple) else isinstance(choice, PLAIN)
