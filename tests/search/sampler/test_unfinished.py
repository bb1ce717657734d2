"""What stopped trials would score, by an independent least-squares fit."""

import numpy as np
import pytest

from search.sampler.unfinished import PRIOR, estimates


def test_complete_trials_keep_their_score_and_unscored_ones_have_none() -> None:
    assert estimates([{1: 0.2, 2: 0.5}, {}], [0.7, None]) == [0.7, None]


def test_without_a_trial_that_went_further_the_last_score_stands() -> None:
    assert estimates([{1: 0.2}, {1: 0.4}], [None, None]) == [0.2, 0.4]


def test_one_trial_that_went_further_moves_the_level_only() -> None:
    assert estimates([{1: 0.3, 2: 0.6}, {1: 0.2}], [0.6, None]) == pytest.approx([0.6, 0.5])


def test_line_through_many_pairs_is_least_squares_drawn_towards_slope_one() -> None:
    rng = np.random.default_rng(0)
    x = rng.random(50)
    y = 0.3 + 0.5 * x + rng.normal(size=50) * 0.01
    slope, intercept = np.polyfit(x, y, 1)
    drawn = (50 * slope + PRIOR) / (50 + PRIOR)
    (found,) = estimates([*({1: v} for v in x), {1: 0.1}], [*y, None])[50:]
    assert found == pytest.approx(y.mean() + drawn * (0.1 - x.mean()))
    assert abs(found - (intercept + slope * 0.1)) < 0.02


def test_estimates_of_a_higher_rung_serve_the_lower_one() -> None:
    """Nobody is complete: a trial at step 1 learns its level from one at step 3, which learns it from nobody."""
    assert estimates([{1: 0.3, 3: 0.5}, {1: 0.1}], [None, None]) == pytest.approx([0.5, 0.3])


def test_order_within_a_step_is_kept_even_where_survivors_show_the_reverse() -> None:
    scores = [{1: 0.4}, {1: 0.5}, {1: 0.6}, {1: 0.1}, {1: 0.2}]
    found = estimates(scores, [0.9, 0.8, 0.7, None, None])
    assert found[3] is not None and found[4] is not None and found[3] <= found[4]
