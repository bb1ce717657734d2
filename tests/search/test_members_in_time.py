"""How many of the best trials can predict in the time that is left."""

import pytest

from search.members_in_time import fitting

COSTS = [("lite1", 60.0), ("lite1", 60.0), ("trained", 20.0), ("lite1", 60.0), ("lite2", 70.0)]


@pytest.mark.parametrize(("seconds", "members"), [(0.0, 2), (59.0, 2), (60.0, 2), (80.0, 4), (149.0, 4), (150.0, 5)])
def test_heads_on_one_table_pay_for_it_once(seconds: float, members: int) -> None:
    """One always votes, and so does whoever stands on the same table."""
    assert fitting(COSTS, seconds) == members
