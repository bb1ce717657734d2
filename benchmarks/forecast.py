"""What a submission is expected to score: the nested score, and what averaging K fold models adds on test photos.

Out of fold a row is predicted by one fold model a member, a test photo by the mean of K. How much that gains is read
from the test photos themselves: labels are drawn from the calibrated vote, and the mean's score on them is compared
with that of each fold's vote. Such labels favour the vote that they are drawn from, which SHARE may make up for. No
build shows it yet: that is decided by how often the interval holds on the bank (benchmarks.vote).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from trainable.metrics import Metric

DRAWS = 40
SHARE = 1.0  # of the gain that drawn labels show
SPREAD = 0.02  # standard deviation of what neither sampling error explains
NORMAL_90 = 1.645  # standard deviations to either side that hold 90 %
FLOOR = 1e-6


@dataclass(frozen=True)
class Forecast:
    """The expected score on the test photos; the truth should lie in low..high in nine cases of ten.

    gain: what averaging the fold models is expected to add to the nested score.
    """

    score: float
    low: float
    high: float
    gain: float


def forecast(
    nested: float,
    nested_std: float,
    known: NDArray[np.float64],
    labels: NDArray[np.int64],
    by_fold: NDArray[np.float64],
    vote: NDArray[np.float64],
    metric: Metric,
    seed: int = 0,
) -> Forecast:
    """known [N, C]: the vote out of fold, labels int64[N]; by_fold [K, M, C], vote [M, C]: on the test photos."""
    gain, error = averaging(known, labels, by_fold, vote, metric, seed)
    score = min(nested + SHARE * gain, metric.highest)
    wide = NORMAL_90 * float(np.sqrt(nested_std**2 + error**2 + SPREAD**2))
    return Forecast(score, score - wide, min(score + wide, metric.highest), SHARE * gain)


def averaging(
    known: NDArray[np.float64],
    labels: NDArray[np.int64],
    by_fold: NDArray[np.float64],
    vote: NDArray[np.float64],
    metric: Metric,
    seed: int = 0,
) -> tuple[float, float]:
    """(gain of the mean over a single fold's vote, standard error of the vote's score on so many photos)."""
    random = np.random.default_rng(seed)
    likely = _sharpened(vote, _best_power(known, labels))
    limits = likely.cumsum(axis=1)
    gains, scores = [], []
    for _ in range(DRAWS):
        drawn = (random.random((len(vote), 1)) * limits[:, -1:] >= limits[:, :-1]).sum(axis=1)
        rows = random.integers(0, len(vote), len(vote))
        whole = metric.score(drawn, vote)
        gains.append(whole - float(np.mean([metric.score(drawn, one) for one in by_fold])))
        scores.append(metric.score(drawn[rows], vote[rows]))
    return float(np.mean(gains)), float(np.std(scores))


def _best_power(votes: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The power of votes [N, C] with the least log loss on labels int64[N] (temperature scaling, Guo 2017)."""
    rows = np.arange(len(labels))

    def loss(log_power: float) -> float:
        return -float(np.log(np.maximum(_sharpened(votes, np.exp(log_power))[rows, labels], FLOOR)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def _sharpened(votes: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    powers = np.maximum(votes, FLOOR) ** power
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
