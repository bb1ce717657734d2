"""A ranking against sorting anew."""

import math

import numpy as np
import pytest

from search.ranking import Ranking


@pytest.mark.parametrize("seed", range(20))
def test_ranking_is_what_a_stable_sort_gives(seed: int) -> None:
    rng, ranking = np.random.default_rng(seed), Ranking()
    scores: dict[str, float] = {}
    for i in range(200):
        name, action = f"t{rng.integers(60)}", rng.random()
        if action < 0.2:
            ranking.remove(name)
            scores.pop(name, None)
        else:
            score = -math.inf if action > 0.95 else round(float(rng.random()), 1)  # many ties
            if scores.get(name) != score:
                scores.pop(name, None)  # with another score it comes after those that have it already
                scores[name] = score
            ranking.add(name, score)
        expected = sorted(scores, key=lambda n: -scores[n])
        assert list(ranking) == expected, i
        assert list(reversed(ranking)) == expected[::-1]
        assert [ranking.rank(n) for n in expected] == list(range(len(expected)))
    assert len(ranking) == len(scores)
    assert all(n in ranking for n in scores)
