"""What the table of the ablation says of rows that were trained, against formulas written down again."""

from __future__ import annotations

import statistics

import pytest
from scipy import stats

from benchmarks.ablation import conclude, table, verdict

CENTRE = {0: [0.50, 0.52, 0.54], 1: [0.48, 0.50, 0.55]}


def rows(name: str, above: dict[int, list[float]]) -> list[dict]:
    """A row a seed whose folds score so much above the centre's."""
    scores = {seed: [c + a for c, a in zip(CENTRE[seed], more, strict=True)] for seed, more in above.items()}
    return [{"technique": name, "seed": s, "oof_score": 0.5 + s / 10, "fold_scores": f} for s, f in scores.items()]


def test_difference_and_its_error_are_over_folds_and_seeds() -> None:
    above = {0: [0.01, 0.03, 0.02], 1: [-0.01, 0.00, 0.04]}
    centre = rows("centre", {0: [0.0] * 3, 1: [0.0] * 3})
    _, line = conclude([*centre, *rows("flip", above)])
    values = above[0] + above[1]
    assert line["difference"] == pytest.approx(statistics.mean(values))
    assert line["standard_error"] == pytest.approx(statistics.stdev(values) / 6**0.5)
    low, high = stats.t.interval(0.95, 5, loc=0, scale=line["standard_error"])
    assert (-low, high) == pytest.approx((line["noise"], line["noise"]))
    assert line["oof_score"] == pytest.approx(0.55) and line["seeds"] == 2


def test_only_what_leaves_its_interval_is_called_better_or_worse() -> None:
    cases = {
        "better": [0.05, 0.06, 0.055],
        "worse": [-0.05, -0.06, -0.055],
        "within noise": [0.08, -0.05, 0.01],
        "changes nothing here": [0.0, 0.0, 0.0],
    }
    everything = rows("centre", {0: [0.0] * 3, 1: [0.0] * 3})
    for name, above in cases.items():
        everything += rows(name, {0: above, 1: above[::-1]})
    lines = conclude(everything)
    assert {line["technique"]: verdict(line) for line in lines[1:]} == {name: name for name in cases}
    text = table(lines).splitlines()
    assert text[2].startswith("| centre | 0.550 |  |") and text[3].startswith("| better | 0.550 | +0.055 ± 0.0")
    assert conclude(rows("flip", {0: [0.1] * 3})) == [], "without a centre there is nothing to compare"
