"""Samplers: how often each class is shown, and that an epoch has as many rows as there are."""

import numpy as np
import pytest

from trainable.errors import InputError
from trainable.randomness import generator
from trainable.ring.plan import split
from trainable.training.losses.weights import effective_number
from trainable.training.samplers import SAMPLERS, build_sampler

COUNTS = np.array([600, 90, 10])
LABELS = np.repeat([0, 1, 2], COUNTS)
ROWS = np.arange(len(LABELS)) * 3  # rows of a manifest, not places in the fold


def shares(name, **options):
    sample = build_sampler(name, **options)
    drawn = np.concatenate([sample(generator(0, e), ROWS, LABELS) for e in range(20)])
    return np.bincount(LABELS[drawn // 3], minlength=3) / len(drawn)


@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name):
    sample = build_sampler(name)
    first = sample(generator(1, 0), ROWS, LABELS)
    assert len(first) == len(ROWS) and set(first) <= set(ROWS)
    assert np.array_equal(first, sample(generator(1, 0), ROWS, LABELS))
    assert not np.array_equal(first, sample(generator(1, 1), ROWS, LABELS))


def test_shuffle_shows_every_row_once():
    assert np.array_equal(np.sort(build_sampler("shuffle")(generator(0), ROWS, LABELS)), ROWS)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_weighted_follows_the_power(power):
    expected = COUNTS ** (1 - power)
    assert np.allclose(shares("weighted", power=power), expected / expected.sum(), atol=0.015)


@pytest.mark.parametrize("beta", [0.0, 0.99, 0.9999])
def test_effective_follows_the_effective_number(beta):
    expected = COUNTS / effective_number(COUNTS, beta)
    assert np.allclose(shares("effective", beta=beta), expected / expected.sum(), atol=0.015)


@pytest.mark.parametrize("batch", [3, 7, 32])
def test_every_balanced_batch_holds_the_classes_alike(batch):
    order = build_sampler("balanced")(generator(0), ROWS, LABELS)
    for part in split(order, batch):
        counts = np.bincount(LABELS[part // 3], minlength=3)
        assert counts.max() - counts.min() <= 1
    large = order[LABELS[order // 3] == 0]
    assert len(set(large)) == len(large)  # none twice before all were shown


def test_unknown_sampler_lists_the_known():
    with pytest.raises(InputError, match="unknown sampler 'weigthed'; nearest: weighted"):
        build_sampler("weigthed")
