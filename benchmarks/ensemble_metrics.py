"""What greedy selection takes under each metric of counts, beside macro-F1; a part of benchmarks.ensemble.

Every metric in turn, best of five, CPU seconds of all threads: other work on the machine hardly stretches them.
"""

from __future__ import annotations

from typing import Any

from benchmarks.ensemble_problems import Problem, Spec
from benchmarks.measure import interleaved, rounded
from ensembles.greedy import greedy_selection
from ensembles.metric import as_metric
from trainable.metrics import METRICS

MEMBERS, ROWS, PICKS, ROUNDS = 60, 18_900, 30, 5
BASE = "macro_f1"
SLOWER = 1.5  # times the recorded ratio that a check may measure


def of_counts(classes: int) -> list[str]:
    """The table's metrics of counts; F1 of one class for the first."""
    asked = [
        name + {"K": ":2", "CLASS": ":0" if name == "f1" else "", "": ""}[METRICS[name].argument] for name in METRICS
    ]
    return [name for name in asked if as_metric(name, classes).counts is not None]


def seconds_by_metric(members: int = MEMBERS, rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """{metric: CPU seconds of each round}, interleaved."""
    data = Problem(Spec(members, rows, 0.85, True, 0.12, seed=1)).rows(rows, seed=0)
    names = of_counts(data.probabilities.shape[2])
    jobs = {
        name: lambda name=name: greedy_selection(data.probabilities, data.labels, PICKS, name)  # type: ignore[misc]
        for name in names
    }
    return interleaved(jobs, rounds)


def figures(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """The least time of each metric over macro-F1's, and the largest of these."""
    least = min(seconds[BASE])
    ratios = {name: rounded(min(times) / least) for name, times in seconds.items()}
    return {"metric_ratios": ratios, "metric_ratio_most": max(ratios.values())}


def differences(recorded: dict[str, Any], seconds: dict[str, list[float]]) -> list[str]:
    """What is wrong with the record, of its own cells and of seconds measured now; prints both."""
    again, now = figures(recorded["metric_seconds"]), figures(seconds)
    wrong = [name for name, value in again.items() if recorded[name] != value]
    for name, ratio in recorded["metric_ratios"].items():
        found = now["metric_ratios"].get(name)
        print(f"greedy, {name} over {BASE}: recorded {ratio}, now {found}")
        if found is None or found > SLOWER * ratio:
            wrong.append(name)
    return wrong
