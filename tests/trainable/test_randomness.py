"""Random numbers that depend on (seed, epoch, row) alone."""

from collections.abc import Callable

import numpy as np
import pytest

from trainable.randomness import SampleRandom, generator

Key = tuple[int, int, int]
FAR = 4 / np.sqrt(2000)  # four standard deviations of a correlation over 2,000 pairs


def draws(stream: SampleRandom, key: Key) -> list[float]:
    stream.key(*key)
    return [
        stream.random(),
        stream.randint(0, 10**6),
        *stream.numpy.integers(0, 9, size=3).tolist(),
        stream.numpy.integers(2**31, dtype=np.uint32).item(),
        stream.uniform(-1, 1),
        stream.getrandbits(70),
        *stream.sample(range(50), 4),
    ]


def first(key: Callable[[int], Key]) -> np.ndarray:
    stream = SampleRandom()
    found = []
    for i in range(2000):
        stream.key(*key(i))
        found.append(stream.random())
    return np.array(found)


def test_stream_depends_on_its_key_alone() -> None:
    ours, other = SampleRandom(), SampleRandom()
    expected = {key: draws(ours, key) for key in [(3, 1, 7), (3, 1, 8), (3, 2, 7), (4, 1, 7)]}
    for key in reversed(expected):
        for spent in range(5):  # whatever was drawn before, half a word included
            other.key(9, 9, 9)
            other.numpy.integers(0, 2**16, size=spent, dtype=np.uint32)
            assert draws(other, key) == expected[key]
    assert len({tuple(d) for d in expected.values()}) == 4


@pytest.mark.parametrize(
    "key",
    [
        lambda i: (0, 0, i),
        lambda i: (0, i, 0),
        lambda i: (i, 0, 0),
        lambda i: (0, 100_000 * (i % 5) + i // 5, 3),  # folds times epochs, as the epoch loop counts them
        lambda i: (0, i, i),
    ],
)
def test_neighbouring_streams_look_independent(key: Callable[[int], Key]) -> None:
    values = first(key)
    assert len(set(values.tolist())) == 2000
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < FAR
    # Kolmogorov and Smirnov's distance from the uniform distribution, far beyond its 0.1 % level.
    assert np.abs(np.sort(values) - np.linspace(0, 1, 2000)).max() < 2 / np.sqrt(2000)


def test_draws_of_one_stream_are_uncorrelated() -> None:
    stream = SampleRandom()
    table = []
    for row in range(2000):
        stream.key(1, 2, row)
        table.append([stream.random(), stream.numpy.random(), stream.uniform(0, 1), stream.randint(0, 10**6)])
    correlations = np.corrcoef(np.array(table).T)
    assert np.abs(correlations[~np.eye(4, dtype=bool)]).max() < FAR


@pytest.mark.parametrize("bits", [1, 2, 8, 31, 52, 53, 54, 64, 100])
def test_random_bits_fill_their_range(bits: int) -> None:
    stream = SampleRandom()
    stream.key(0, 0, 0)
    values = [stream.getrandbits(bits) for _ in range(200)]
    assert min(values) >= 0
    assert max(values) < 2**bits
    ones = np.mean([value.bit_count() for value in values]) / bits
    assert abs(ones - 0.5) < 4 * 0.5 / np.sqrt(200 * bits)


def test_generators_of_different_purposes_differ() -> None:
    keys = [(0,), (0, 0), (0, 1), (1, 0), (0, 1, 1)]
    assert len({generator(*key).integers(2**62) for key in keys}) == len(keys)
    assert generator(5, 2).integers(2**62) == generator(5, 2).integers(2**62)
