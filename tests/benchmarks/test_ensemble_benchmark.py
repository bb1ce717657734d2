"""The part of benchmarks.ensemble about metrics of counts, on a problem of a few rows."""

import json

from benchmarks.ensemble import OUT, check
from benchmarks.ensemble_metrics import BASE, differences, figures, of_counts, seconds_by_metric
from ensembles.metric import as_metric
from trainable.metrics import METRICS


def test_every_metric_of_counts_is_measured_beside_macro_f1() -> None:
    seconds = seconds_by_metric(members=3, rows=140, rounds=2)
    plain = {name for name, entry in METRICS.items() if not entry.argument and as_metric(name, 18).counts is not None}
    assert set(of_counts(18)) == set(seconds) == plain | {"f1:0"}
    assert all(len(times) == 2 for times in seconds.values())
    found = figures(seconds)
    assert found["metric_ratios"][BASE] == 1 and found["metric_ratio_most"] >= 1


def test_a_check_names_what_does_not_follow_and_what_grew() -> None:
    seconds = {BASE: [2.0, 1.0], "mcc": [1.5, 3.0]}
    held = {"metric_seconds": seconds, **figures(seconds)}
    assert held["metric_ratios"] == {BASE: 1.0, "mcc": 1.5}
    assert differences(held, seconds) == []
    assert differences(held, seconds | {"mcc": [2.3, 2.3]}) == ["mcc"]
    assert differences(held | {"metric_ratio_most": 1.2}, seconds) == ["metric_ratio_most"]


def test_figures_of_the_problems_follow_from_their_lines(tmp_path) -> None:
    held = {name: value for name, value in json.loads(OUT.read_text()).items() if not name.startswith("metric_")}
    out = tmp_path / "ensemble.json"
    out.with_suffix(".problems.jsonl").write_bytes(OUT.with_suffix(".problems.jsonl").read_bytes())
    out.write_text(json.dumps(held))
    assert check(out) == 0
    out.write_text(json.dumps(held | {"nested_bias_in_se": 0.0}))
    assert check(out) == 1
