"""The share of the workers' time that was not training."""

from pathlib import Path

import pytest

from search.watch.overhead import Overhead
from trainable.run import Run
from trainable.training.report import Report


def test_share_is_what_training_leaves_of_all_workers_time(tmp_path: Path) -> None:
    overhead = Overhead(slots=2, wall=lambda: 100.0)
    for step, seconds in enumerate((100.0, 60.0), start=1):
        report = Report(step, 0, 0.5, decides=True, fold_done=False, metrics={"seconds": seconds})
        overhead.reported(Run(tmp_path).trial("a"), report)
    assert overhead.share() == pytest.approx(0.2)
    assert overhead.line() == "time 2 min; 2 workers trained 80% of it (the rest: start, waiting, pictures)"
