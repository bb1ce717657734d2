"""The driver's own time on a small search: bounded, and not growing."""

from pathlib import Path

from benchmarks.scale_trials import POINTS, REPORT_MS, SUGGEST_MS, measure


def test_reports_and_suggestions_cost_little_and_no_more_later(tmp_path: Path) -> None:
    """CPU time of this process: other work on the machine counts little. Twice the first tenth is still no growth."""
    found = measure(tmp_path, 300)
    assert found["trials"] == 300
    assert len(found["curve"]) == POINTS
    assert found["report_ms"] <= REPORT_MS
    assert found["report_ending_none_last_over_first"] <= 2
    assert found["curve"][0]["ended_a_report"] < found["curve"][-1]["ended_a_report"] < 1
    assert found["suggest_ms_at_the_end"] <= SUGGEST_MS
