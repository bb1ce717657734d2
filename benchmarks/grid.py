"""What varies in a recorded table: the parameters, and how points of them are drawn, named and made configurations."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optuna

from trainable.config import TrialConfig

Point = dict[str, Any]


@dataclass(frozen=True)
class Grid:
    """values: by parameter what it may be; numbers have an order. space: a point -> what a space file would return.

    drawn: how many of all points are recorded, drawn once; None: all. also: those that are besides.
    """

    values: Mapping[str, tuple[Any, ...]]
    space: Callable[[Point], dict[str, Any]]
    drawn: int | None = None
    also: tuple[Point, ...] = ()

    @cached_property
    def points(self) -> list[Point]:
        """Those that are recorded, in an order that never changes."""
        every = list(itertools.product(*self.values.values()))
        if self.drawn is not None:
            drawn = np.random.default_rng(0).choice(len(every), self.drawn, replace=False)
            every = [every[i] for i in sorted(drawn)]
        points = [dict(zip(self.values, point, strict=True)) for point in every]
        return points + [point for point in self.also if point not in points]

    @cached_property
    def ordered(self) -> tuple[str, ...]:
        """Parameters that are numbers: their ranks are drawn."""
        return tuple(n for n, values in self.values.items() if all(isinstance(v, int | float) for v in values))

    def place(self, point: Mapping[str, Any]) -> tuple[int, ...]:
        """Where a point lies."""
        return tuple(some.index(point[n]) for n, some in self.values.items())

    def suggest(self, trial: optuna.trial.BaseTrial) -> Point:
        """A point, recorded or not: every arm of the benchmarks draws so."""
        drawn = {n: self.values[n][trial.suggest_int(n, 0, len(self.values[n]) - 1)] for n in self.ordered}
        named = {n: trial.suggest_categorical(n, some) for n, some in self.values.items() if n not in drawn}
        return {n: (drawn | named)[n] for n in self.values}

    def parameters_of(self, point: Point) -> dict[str, Any]:
        """The parameters with which `suggest` gives a point."""
        return {n: self.values[n].index(v) if n in self.ordered else v for n, v in point.items()}

    def nearest(self, point: Point) -> Point:
        """The recorded point with the fewest steps to it: a rank of an ordered parameter, another of the rest."""
        if self.drawn is None:
            return point
        return self.points[self._nearest[self.place(point)]]

    def config(self, point: Point, **fixed: Any) -> TrialConfig:
        """What is trained at a point; fixed: what does not vary, sections merged."""
        parts = self.space(point)
        for name, values in fixed.items():
            parts[name] = {**parts.get(name, {}), **values} if isinstance(values, dict) else values
        return TrialConfig.from_dict(parts)

    @cached_property
    def _nearest(self) -> dict[tuple[int, ...], int]:
        own = np.array([self.place(point) for point in self.points])
        ordered = np.array([n in self.ordered for n in self.values])
        every = itertools.product(*(range(len(some)) for some in self.values.values()))
        found = {}
        for place in every:
            away = np.abs(own - np.array(place))
            found[place] = int(np.where(ordered, away, away > 0).sum(1).argmin())
        return found


def varied(config: TrialConfig) -> tuple[Any, ...]:
    """The sections in which points of one grid may differ."""
    c = config
    return c.model, c.input.size, c.augment, c.sampler, c.loss, c.optim, c.mix
