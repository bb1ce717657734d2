"""Fields that know what they allow: configurations are checked once, when they are made.

@dataclass(frozen=True)
class OptimConfig:
    name: str = one_of("adamw", "sgd", default="adamw")
    lr: float = between(1e-6, 1.0, default=1e-3)

    __post_init__ = check
"""

import math
from collections.abc import Callable
from dataclasses import field, fields, is_dataclass
from typing import Any

from trainable.errors import InputError


def one_of(*allowed: Any, default: Any) -> Any:
    """A field that takes one of the listed values."""

    def problem(value: Any) -> str | None:
        known = any(value == a and type(value) is type(a) for a in allowed)
        return None if known else f"allowed: {', '.join(map(str, allowed))}"

    return field(default=default, metadata={"problem": problem, "allowed": allowed})


def between(low: float, high: float, *, default: Any) -> Any:
    """A number from `low` to `high`, both included; whole when the default is whole."""
    whole = isinstance(default, int)

    def problem(value: Any) -> str | None:
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            return f"allowed: a{' whole' if whole else ''} number from {low} to {high}"
        return None if low <= value <= high else f"allowed: {low} to {high}"

    return field(default=default, metadata={"problem": problem, "range": (low, high)})


def sizes(low: int, high: int, *, default: tuple[int, int]) -> Any:
    """A (height, width) in pixels, each from `low` to `high`."""

    def problem(value: Any) -> str | None:
        good = isinstance(value, tuple) and len(value) == 2 and all(type(v) is int for v in value)
        if good and all(low <= v <= high for v in value):
            return None
        return f"allowed: (height, width), whole numbers from {low} to {high}"

    return field(default=default, metadata={"problem": problem, "range": (low, high)})


def where(
    test: Callable[[Any], bool], allowed: str, *, default: Any, identity: Callable[[Any], Any] = lambda v: v
) -> Any:
    """A field with a test of its own; `allowed` says in words what passes.

    `identity` is what counts in `trial_id` instead of the value: a file's contents, not where it lies.
    """
    return field(
        default=default,
        metadata={"problem": lambda v: None if test(v) else f"allowed: {allowed}", "identity": identity},
    )


def by_name(what: Callable[[Any], bool], allowed: str) -> Any:
    """A dict of values by a column's name, empty by default, kept as sorted pairs so that it can be hashed.

    `allowed` says in words what a value may be. Values that are lists become tuples.
    """

    def problem(pairs: Any) -> str | None:
        good = isinstance(pairs, tuple) and all(isinstance(p, tuple) and len(p) == 2 for p in pairs)
        if good and all(isinstance(name, str) and name and what(value) for name, value in pairs):
            return None
        return f"allowed: {{column: {allowed}}}"

    return field(default=(), metadata={"problem": problem, "by_name": True})


def names(allowed: str) -> Any:
    """A tuple of names, empty by default; `allowed` says in words of what."""

    def problem(value: Any) -> str | None:
        good = isinstance(value, tuple) and all(isinstance(v, str) and v for v in value)
        return None if good and len(set(value)) == len(value) else f"allowed: a list of {allowed}, each once"

    return field(default=(), metadata={"problem": problem})


def column_value(text: Any, *, empty: bool = True) -> bool:
    """Whether a value is `COLUMN=VALUE`, which means the rows where the column has the value; or nothing."""
    return isinstance(text, str) and ((empty and not text) or (text.find("=") > 0 and not text.endswith("=")))


def only(test: Callable[[Any], bool], given: Any) -> Any:
    """A field that matters only where `test(configuration)` holds; elsewhere it does not count in `trial_id`.

    gamma: float = only(lambda c: c.name == "focal", between(0.0, 10.0, default=2.0))
    """
    return field(default=given.default, metadata={**given.metadata, "only": test})


def relevant(config: Any) -> dict[str, Any]:
    """The configuration as nested dicts, without the fields that change nothing."""
    found = {}
    for f in fields(config):
        value = getattr(config, f.name)
        if f.metadata.get("only", lambda _: True)(config):
            if f.type is float:  # 1 and 1.0 are one value
                value = float(value)
            elif f.metadata.get("by_name"):
                value = {name: _plain(v) for name, v in value}
            elif isinstance(value, tuple):
                value = [v if isinstance(v, str) else float(v) for v in value]
            found[f.name] = relevant(value) if is_dataclass(value) else f.metadata.get("identity", lambda v: v)(value)
    return found


def as_dict(config: Any) -> dict[str, Any]:
    """The configuration as nested dicts, every field."""
    found = {}
    for f in fields(config):
        value = getattr(config, f.name)
        found[f.name] = as_dict(value) if is_dataclass(value) else dict(value) if f.metadata.get("by_name") else value
    return found


def _plain(value: Any) -> Any:
    return [float(v) for v in value] if isinstance(value, tuple) else float(value)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def ignored(config: Any, path: str = "", idle: bool = False) -> list[str]:
    """A sentence for each field that is set and changes nothing; idle: none of them changes anything."""
    found = []
    for f in fields(config):
        value = getattr(config, f.name)
        useless = idle or not f.metadata.get("only", lambda _: True)(config)
        if is_dataclass(value):
            found += ignored(value, f"{path}{f.name}.", useless)
        elif useless and value != f.default:
            found.append(f"{path}{f.name}: {value!r} is ignored beside the other choices made")
    return found


def check(config: Any) -> None:
    """The `__post_init__` of every configuration; raises InputError naming the field.

    Lists become tuples first, because JSON knows no tuples.
    """
    for f in fields(config):
        value = getattr(config, f.name)
        if isinstance(value, dict) and f.metadata.get("by_name"):
            value = tuple(sorted((str(name), _hashable(v)) for name, v in value.items()))
            object.__setattr__(config, f.name, value)
        elif isinstance(value, list):
            value = tuple(value)
            object.__setattr__(config, f.name, value)
        problem = f.metadata["problem"](value) if "problem" in f.metadata else None
        if problem:
            owner = type(config).__name__.removesuffix("Config").lower()
            raise InputError(f"{owner}.{f.name}: received {value!r}; {problem}")
