"""The one table of metrics, and what a user may ask for: a name of it, or a function of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from trainable.errors import InputError, unknown
from trainable.metrics import counts as c
from trainable.metrics import probabilities as p
from trainable.metrics.metric import Kind, Metric, Score
from trainable.words import few

MACRO_F1 = "macro_f1"
Asked = str | Score


@dataclass(frozen=True)
class Entry:
    """A line of the table. build: what makes it cheap (see `Metric`), of its argument as a number.

    argument: what stands behind a colon in its name. A class that may be left out stands for the second of two, or for
    the mean of all where `averages`.
    """

    kind: Kind
    shown: str
    build: Callable[..., dict[str, Any]]
    argument: Literal["", "CLASS", "K"] = ""
    averages: bool = False
    loss: bool = False
    divisible: bool = False

    @property
    def highest(self) -> float:
        return 0.0 if self.loss else 1.0


def _counts(formula: c.Formula, power: int = 0) -> Callable[..., dict[str, Any]]:
    return lambda argument: {"counts": c.Counts(formula, power)}


METRICS: dict[str, Entry] = {
    MACRO_F1: Entry("labels", "macro-F1", _counts(c.macro_f1_of), divisible=True),
    "weighted_f1": Entry("labels", "weighted F1", _counts(c.weighted_f1_of), divisible=True),
    "accuracy": Entry("labels", "accuracy", _counts(c.accuracy_of), divisible=True),
    "balanced_accuracy": Entry("labels", "balanced accuracy", _counts(c.balanced_accuracy_of), divisible=True),
    "mcc": Entry("labels", "MCC", _counts(c.mcc_of), divisible=True),
    "f1": Entry("labels", "F1", lambda k: {"counts": c.Counts(c.f1_of_class(k or 0))}, "CLASS"),
    "quadratic_kappa": Entry("labels", "quadratic kappa", _counts(c.quadratic_kappa_of, 2)),
    "linear_kappa": Entry("labels", "linear kappa", _counts(c.linear_kappa_of, 1)),
    "log_loss": Entry(
        "probabilities",
        "log loss",
        lambda k: {"rows": p.log_loss_rows, "own": p.log_likelihood},
        loss=True,
        divisible=True,
    ),
    "brier": Entry("probabilities", "Brier score", lambda k: {"rows": p.brier_rows}, loss=True, divisible=True),
    "roc_auc": Entry(
        "probabilities",
        "ROC AUC",
        lambda k: {"whole": partial(p.roc_auc, c=k)},
        "CLASS",
        averages=True,
        divisible=True,
    ),
    "average_precision": Entry(
        "probabilities",
        "average precision",
        lambda k: {"whole": p.average_precision},
        divisible=True,
    ),
    "top_k": Entry("ranks", "top-{} accuracy", lambda k: {"rows": partial(p.top_k_rows, k=k)}, "K"),
    "map_at_k": Entry("ranks", "MAP@{}", lambda k: {"rows": partial(p.map_at_k_rows, k=k)}, "K"),
}
NAMES = tuple(f"{name}:{e.argument}" if e.argument and not e.averages else name for name, e in METRICS.items())


def get(asked: Asked, classes: Sequence[str]) -> Metric:
    """The metric that was asked for, over classes of these names.

    Raises InputError for a name that is none, with the nearest ones, for a class that is not there, and for a metric of
    two classes where there are others.
    """
    check_asked(asked)
    names = tuple(map(str, classes))
    if callable(asked):
        name = name_of(asked)
        return Metric(name, "probabilities", name, names, highest=float("inf"), whole=asked)
    plain, _, argument = asked.partition(":")
    entry = METRICS[plain]
    number: int | None = None
    shown = entry.shown
    if entry.argument == "K":
        number, shown = int(argument), shown.format(argument)
    elif argument:
        if argument not in names:
            raise unknown(f"class of metric {plain}", argument, names)
        number, shown = names.index(argument), f"{shown} of {argument}"
    elif entry.argument == "CLASS" and not entry.averages:
        if len(names) != 2:
            raise InputError(
                f"metric {plain}: received {len(names)} classes, and it is that of the second of two; allowed: "
                f"{plain}:CLASS with one of {few(names)}, or macro_f1, weighted_f1"
            )
        number, shown = 1, f"{shown} of {names[1]}"
    parts = entry.build(number)
    return Metric(asked, entry.kind, shown, names, entry.loss, entry.highest, entry.divisible and not argument, **parts)


def check_asked(asked: Any) -> None:
    """Raises InputError where no data could have such a metric; what its classes must be, `get` finds out."""
    if callable(asked):
        if name_of(asked) in METRICS:
            raise InputError(
                f"metric: received a function that is called {name_of(asked)}, as a metric of the table is; allowed: "
                "another name"
            )
        return
    if not isinstance(asked, str):
        raise InputError(f"metric: received {asked!r}; allowed: one of {', '.join(NAMES)}, or a function")
    plain, colon, argument = asked.partition(":")
    if plain not in METRICS:
        raise unknown("metric", asked, NAMES, limit=len(NAMES))
    wanted = METRICS[plain].argument
    if wanted == "K" and not (argument.isdecimal() and int(argument) > 0):
        raise InputError(
            f"metric {plain}:K: received {asked!r}; allowed: K a whole number from 1 on, such as {plain}:3"
        )
    if colon and not (wanted and argument):
        raise InputError(f"metric {plain}: received {asked!r}; allowed: {plain if not wanted else f'{plain}:{wanted}'}")


def name_of(asked: Asked) -> str:
    """The name that a metric is recorded under; of a function its qualified name."""
    return asked if isinstance(asked, str) else getattr(asked, "__qualname__", type(asked).__qualname__)


def is_named(name: str) -> bool:
    """Whether a recorded name is one of the table; else it is a function's."""
    return name.partition(":")[0] in METRICS


def is_loss(name: str) -> bool:
    """Whether people read scores of a recorded metric negated; of a function nothing is known."""
    return is_named(name) and METRICS[name.partition(":")[0]].loss
