"""How many of the best trials can predict in the time that is left."""

from pathlib import Path

import pytest
from helpers import complete_run

from search.ending import vote_in_time
from search.members_in_time import fitting
from trainable.run import Run

COSTS = [("lite1", 60.0), ("lite1", 60.0), ("trained", 20.0), ("lite1", 60.0), ("lite2", 70.0)]


@pytest.mark.parametrize(("seconds", "members"), [(0.0, 2), (59.0, 2), (60.0, 2), (80.0, 4), (149.0, 4), (150.0, 5)])
def test_heads_on_one_table_pay_for_it_once(seconds: float, members: int) -> None:
    """One always votes, and so does whoever stands on the same table."""
    assert fitting(COSTS, seconds) == members


def test_trials_that_had_no_time_to_vote_are_said(
    generic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = Run.open(complete_run(generic, tmp_path / "run", learning_rates=(1e-3, 3e-3)))
    assert vote_in_time(run, None, 1, heads=False)
    said, *_, last = capfd.readouterr().out.splitlines()
    assert said == (
        "left out of this vote for want of time: 1 of 2 complete trials "
        f"(afterwards python -m ensembles.build {run.root} takes them)"
    )
    assert last == f"next: submit {run.ensembles()[-1].submission}"
    assert vote_in_time(run, None, 2, heads=True, left=lambda: -3.0)
    out = capfd.readouterr().out
    assert "want of time" not in out and " late:" not in out
    assert vote_in_time(run, None, 2, heads=True, left=lambda: -30.0)
    *_, said, last = capfd.readouterr().out.splitlines()
    assert said == "that is 30 s late: the vote took longer than the pace of the search had told"
    assert last == f"next: submit {run.ensembles()[-1].submission}" and run.ensembles()[-1].submission.is_file()
