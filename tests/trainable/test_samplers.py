"""Which training rows an epoch shows."""

import numpy as np
import pytest

from trainable.errors import InputError
from trainable.training.samplers import SAMPLERS, build_sampler

ROWS = np.arange(100, 200)
LABELS = np.repeat([0, 1, 2], [80, 15, 5])


@pytest.mark.parametrize("name", SAMPLERS)
def test_rows_come_from_those_given_and_depend_on_the_generator(name: str) -> None:
    sample = build_sampler(name, power=0.5)
    one, same, other = (sample(np.random.default_rng(seed), ROWS, LABELS) for seed in (0, 0, 1))
    assert len(one) == len(ROWS)
    assert set(one) <= set(ROWS)
    assert (one == same).all()
    assert (one != other).any()


def test_shuffle_shows_every_row_once() -> None:
    assert sorted(build_sampler("shuffle", power=1.0)(np.random.default_rng(0), ROWS, LABELS)) == ROWS.tolist()


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_weighted_draws_classes_by_their_power(power: float) -> None:
    sample = build_sampler("weighted", power=power)
    rng = np.random.default_rng(0)
    drawn = np.concatenate([LABELS[sample(rng, ROWS, LABELS) - 100] for _ in range(300)])
    expected = np.array([80, 15, 5]) ** (1 - power)
    assert np.bincount(drawn) / len(drawn) == pytest.approx(expected / expected.sum(), abs=0.015)


def test_unknown_sampler_is_refused() -> None:
    with pytest.raises(InputError, match="nearest: weighted"):
        build_sampler("weigthed", power=0.5)
