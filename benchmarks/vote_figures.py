"""Headline figures of benchmarks.vote, from its cells: means over clusters of means over their problems."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.bank_sets import FRESH, JUDGING
from benchmarks.vote_problems import SEARCHES
from ensembles.nested import AUTO

Cell = dict[str, Any]
WORSE = 0.005  # half a point


def figures(cells: Sequence[Cell]) -> dict[str, Any]:
    """Of the part that is for judging; `problems` and `data_sets` count the whole bank.

    fresh: the same few figures of the sources whose tables were made after the last change to `auto`.
    """
    judged = [cell for cell in cells if cell["part"] == JUDGING]
    fresh = [cell for cell in judged if cell["cluster"] in FRESH]
    fixed = sorted(set.intersection(*({*cell["test"]} for cell in judged)) - {AUTO}) if judged else []
    means = {name: over_clusters(judged, lambda c, name=name: c["test"][name])[0] for name in fixed}
    best = max(means, key=lambda name: means[name]) if means else ""
    told = [cell for cell in judged if "forecast" in cell]
    nested, nested_error = over_clusters(judged, lambda c: c["nested"] - c["test"][AUTO])
    expected, expected_error = over_clusters(told, lambda c: c["forecast"] - c["test"][AUTO])
    return {
        "gain": gains([cell for cell in judged if not cell["free"]]),
        "gain_with_free": gains([cell for cell in judged if cell["free"]]),
        "regret_auto": over_clusters(judged, lambda c: c["test"][best] - c["test"][AUTO])[0] if best else None,
        "best_fixed": best,
        "gain_by_method": {
            name: over_clusters(judged, lambda c, n=name: c["test"][n] - single(c))[0] for name in fixed
        },
        "share_worse": share_worse(judged),
        "nested_bias": nested,
        "nested_bias_error": nested_error,
        "forecast_bias": expected,
        "forecast_bias_error": expected_error,
        "forecast_coverage": coverage(told),
        "fresh": {
            "gain": gains([cell for cell in fresh if not cell["free"]])["all"],
            "gain_with_free": gains([cell for cell in fresh if cell["free"]])["all"],
            "share_worse": share_worse(fresh),
            "forecast_coverage": coverage([cell for cell in fresh if "forecast" in cell]),
            "judged_problems": len(fresh),
            "judged_clusters": len({cell["cluster"] for cell in fresh}),
        },
        "problems": len(cells),
        "data_sets": len({cell["table"] for cell in cells}),
        "judged_problems": len(judged),
        "judged_clusters": len({cell["cluster"] for cell in judged}),
    }


def share_worse(cells: Sequence[Cell]) -> float | None:
    """Of the problems, those where the vote is behind the best single trial by over half a point."""
    return float(np.mean([gain(cell) < -WORSE for cell in cells])) if cells else None


def coverage(cells: Sequence[Cell]) -> float | None:
    """How often the true score lies within the forecast, a mean over clusters."""
    return over_clusters(cells, lambda c: c["low"] <= c["test"][AUTO] <= c["high"])[0]


def single(cell: Cell) -> float:
    """The true score of the trial with the best out-of-fold score; free members are no trials."""
    return float(cell["single"])


def gain(cell: Cell) -> float:
    return float(cell["test"][AUTO]) - single(cell)


def gains(cells: Sequence[Cell]) -> dict[str, dict[str, dict[str, float | None]]]:
    """{kind or `all`: {how many trials: {gain, standard_error}}}."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for kind in (*sorted({cell["kind"] for cell in cells}), "all"):
        mine = [cell for cell in cells if kind in ("all", cell["kind"])]
        found[kind] = {}
        for size in SEARCHES:
            value, error = over_clusters([cell for cell in mine if cell["trials"] == size], gain)
            found[kind][str(size)] = {"gain": value, "standard_error": error}
    return found


def over_clusters(cells: Sequence[Cell], value: Callable[[Cell], float]) -> tuple[float | None, float | None]:
    """Mean over clusters of each one's mean, and its standard error; None where there are too few."""
    names = sorted({cell["cluster"] for cell in cells})
    means = [float(np.mean([value(cell) for cell in cells if cell["cluster"] == name])) for name in names]
    error = float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else None
    return (float(np.mean(means)) if means else None), error


def shown(held: dict[str, Any]) -> Iterator[str]:
    """Lines for people, in points."""
    for name in ("gain", "gain_with_free"):
        for kind, by_size in held[name].items():
            parts = [f"{size}: {_points(v['gain'])} ± {_points(v['standard_error'])}" for size, v in by_size.items()]
            yield f"{name}, {kind}: {', '.join(parts)}"
    yield f"regret of auto against {held['best_fixed']}: {_points(held['regret_auto'])}"
    yield f"worse than the best single trial by over half a point: {held['share_worse']}"
    for name in ("nested_bias", "forecast_bias"):
        yield f"{name}: {_points(held[name])} ± {_points(held[f'{name}_error'])}"
    yield f"forecast_coverage: {held['forecast_coverage']}"
    fresh = held["fresh"]
    for name in ("gain", "gain_with_free"):
        parts = [f"{size}: {_points(v['gain'])} ± {_points(v['standard_error'])}" for size, v in fresh[name].items()]
        yield f"{name}, sources made after auto was settled: {', '.join(parts)}"
    yield f"of those worse: {fresh['share_worse']}, forecast_coverage: {fresh['forecast_coverage']}"
    yield (
        f"{held['problems']} problems from {held['data_sets']} data sets, {held['judged_problems']} judged in "
        f"{held['judged_clusters']} clusters"
    )


def _points(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:+.2f}"
