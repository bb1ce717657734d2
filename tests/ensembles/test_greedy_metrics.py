"""Greedy selection under every metric: equal to a brute force that scores every vote anew, and fast where it can be."""

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensembles.greedy import greedy_selection, member_scores
from ensembles.metric import as_metric
from trainable.metrics import METRICS, Asked


def margin(labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """A user's own metric, which no shortcut fits: the median of what the label has more than the best other class."""
    own = probabilities[np.arange(len(labels)), labels]
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1
    return float(np.median(own - others.max(axis=1)))


EVERY: list[Asked] = [
    name + {"CLASS": ":0" if name == "f1" else "", "K": ":2", "": ""}[entry.argument] for name, entry in METRICS.items()
]
EVERY += ["roc_auc:0", margin]
COUNTS = [asked for asked in EVERY if as_metric(asked, 3).counts is not None]
every_metric = pytest.mark.parametrize("asked", EVERY, ids=lambda asked: getattr(asked, "__name__", asked))


def brute_force(table: NDArray[Any], labels: NDArray[np.int64], size: int, asked: Asked) -> tuple[list[int], float]:
    """Path and score as `ensembles.greedy.select` defines them, every vote scored from the table."""
    metric = as_metric(asked, table.shape[2])
    path: list[int] = []
    scores: list[float] = []
    for _ in range(size):
        total = sum((table[t].astype(np.float64) for t in path), np.zeros(table.shape[1:]))
        score = [metric.score(labels, (total + member) / (len(path) + 1)) for member in table]
        tied = [t for t in range(len(table)) if score[t] >= max(score) - 1e-12]
        path.append(next((t for t in tied if t in path), tied[0]))
        scores.append(score[path[-1]])
    kept = next(k for k, score in enumerate(scores, 1) if score >= max(scores) - 1e-12)
    return path[:kept], scores[kept - 1]


def case(seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """A small random problem of any type; every third on a grid of eighths, so that votes and scores tie."""
    random = np.random.default_rng(seed)
    members, rows, classes = int(random.integers(1, 7)), int(random.integers(1, 40)), int(random.integers(2, 7))
    labels = random.integers(0, classes, rows)
    table = random.dirichlet(np.full(classes, 0.5), (members, rows))
    table[:, np.arange(rows), labels] += random.uniform(0, 0.5)
    table /= table.sum(axis=2, keepdims=True)
    if seed % 3 == 0:
        table = np.round(table * 8) / 8
    return table.astype(("float32", "float16", "float64")[seed % 7 % 3]), labels


@every_metric
def test_equal_to_brute_force(asked: Asked) -> None:
    for seed in range(200):
        table, labels = case(seed)
        path, score = brute_force(table, labels, 6, asked)
        found = greedy_selection(table, labels, 6, asked)
        assert found.path == path, seed
        assert found.score == pytest.approx(score, abs=1e-12)


@every_metric
def test_one_member_alone(asked: Asked) -> None:
    for seed in range(20):
        table, labels = case(seed)
        metric = as_metric(asked, table.shape[2])
        own = [metric.score(labels, member.astype(np.float64)) for member in table]
        np.testing.assert_allclose(member_scores(table, labels, asked), own, atol=1e-12)


@pytest.mark.parametrize("asked", COUNTS)
def test_equal_where_rows_settle_and_columns_are_kept(asked: str) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 12, 500)
    table = random.dirichlet(np.full(12, 0.3), (40, 500)).astype(np.float32)
    table[:, np.arange(500), labels] += random.uniform(0, 1, (40, 500)).astype(np.float32)
    table /= table.sum(axis=2, keepdims=True)
    path, score = brute_force(table, labels, 10, asked)
    found = greedy_selection(table, labels, 10, asked)
    assert (found.path, found.score) == (path, pytest.approx(score, abs=1e-12))


def test_metrics_of_counts_take_at_most_twice_the_time_of_macro_f1() -> None:
    """Seconds of the processors, the least of several measurements taken in turns: what else runs here is left out."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 18, 4000)
    table = random.dirichlet(np.full(18, 0.2), (60, 4000)).astype(np.float32)
    table[:, np.arange(4000), labels] += 0.3
    table /= table.sum(axis=2, keepdims=True)
    seconds = dict.fromkeys(COUNTS, np.inf)
    for _ in range(5):
        for asked in seconds:
            start = time.process_time()
            greedy_selection(table, labels, 20, asked)
            seconds[asked] = min(seconds[asked], time.process_time() - start)
    slow = {asked: s / seconds["macro_f1"] for asked, s in seconds.items() if s > 2.0 * seconds["macro_f1"]}
    assert not slow, seconds
