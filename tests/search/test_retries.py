"""A trial whose process died is tried again, but not for ever."""

from collections.abc import Callable

from directing import said, states
from optuna.trial import TrialState

from search.director import Director


def test_trial_whose_process_dies_goes_on_three_times(direct: Callable[..., Director]) -> None:
    director = direct(trials=1)
    found = director.next_trial()
    assert found is not None
    director.report(found[0], said(1, 0.5))
    for _ in range(3):
        director.died(found[0])
        assert not director.finished
        assert director.next_trial() == found
        assert director.told(found[0]) == 1
    director.died(found[0])
    assert states(director) == {found[0]: TrialState.FAIL}
    assert "died 4 times" in director.paths.trial(found[0]).error.read_text()
    assert director.finished
    director.died(found[0])  # heard late: it changes nothing
    assert not director.unfinished
