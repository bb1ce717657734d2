"""Where a parameter's values lie on an axis: numbers as they are or by their logarithm, choices side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes

from trainable.pictures.charts import short
from trainable.run.search_record import Parameter


@dataclass(frozen=True)
class Scale:
    """ticks: names of the choices, empty for a number. log: whether a number lies by its logarithm. low, high: ends."""

    ticks: tuple[str, ...]
    log: bool
    low: float
    high: float

    @classmethod
    def of(cls, parameter: Parameter, used: Sequence[Any]) -> Self:
        """The scale of a parameter whose values `used` were tried: numbers go from the least of them to the largest."""
        if parameter.kind != "choice":
            return cls((), parameter.log, min(used), max(used))
        return cls(tuple(map(str, parameter.choices)), False, 0, max(1, len(parameter.choices) - 1))

    def place(self, value: Any) -> float:
        return self.ticks.index(str(value)) if self.ticks else float(value)

    def share(self, value: Any) -> float:
        """0 at the low end, 1 at the high one."""
        at, low, high = self.place(value), self.low, self.high
        if self.log:
            at, low, high = math.log(at), math.log(low), math.log(high)
        return (at - low) / ((high - low) or 1)

    def labels(self) -> list[tuple[float, str]]:
        """(share, words) for an axis that goes from 0 to 1."""
        if self.ticks:
            return [(i / self.high, tick) for i, tick in enumerate(self.ticks)]
        return [(0.0, f"{self.low:.2g}"), (1.0, f"{self.high:.2g}")]

    def name_axis(self, ax: Axes, name: str) -> None:
        """Give the x axis, on which values lie at their `place`, its name and its ticks."""
        ax.set_xlabel(name)
        if self.log:
            ax.set_xscale("log")
            ticks = np.geomspace(self.low, self.high, 3)
            ax.minorticks_off()
            ax.set_xticks(ticks, [f"{t:.1e}" if t < 0.01 else f"{t:.3g}" for t in ticks])
        if self.ticks:
            long = sum(map(len, self.ticks)) > 20
            ax.set_xticks(range(len(self.ticks)), [short(t, 16) for t in self.ticks], rotation=35 if long else 0,
                          ha="right" if long else "center", fontsize=7)  # fmt: skip
            ax.set_xlim(-0.5, len(self.ticks) - 0.5)
