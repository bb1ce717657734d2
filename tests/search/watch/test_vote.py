"""The vote of the complete trials so far."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ensembles.greedy import greedy_selection
from search.watch.vote import FEW, MOST, PICKS, Vote
from trainable.run import Predictions, Run, Trial, TrialResult

ROWS, CLASSES = 40, 3
LABEL = np.arange(ROWS) % CLASSES


def complete(run: Run, name: str, score: float, probabilities: np.ndarray, label: np.ndarray = LABEL) -> Trial:
    """A made-up trial that has finished."""
    trial, rows, names = run.trial(name), np.arange(len(label)), tuple("abc")[: probabilities.shape[1]]
    table = Predictions(rows, probabilities.astype(np.float32), label, np.zeros(len(rows), np.int8), names)
    trial.finish(table, TrialResult(name, "macro_f1", score, score, (score,), {}, 1, 1.0, 8, "cpu", 1, ""))
    return trial


def signal(seed: int) -> np.ndarray:
    """Probabilities that are right more often than not."""
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(CLASSES), ROWS)
    probabilities[np.arange(ROWS), LABEL] += 0.3
    return probabilities / probabilities.sum(1, keepdims=True)


def test_vote_is_greedy_selection_of_the_complete_trials(tmp_path: Path) -> None:
    """Two trials that are each right on half the classes are right on all together."""
    labels = np.array([0, 0, 1, 1])
    first = np.array([[0.9, 0.1], [0.45, 0.55], [0.1, 0.9], [0.1, 0.9]])
    second = np.array([[0.9, 0.1], [0.9, 0.1], [0.55, 0.45], [0.1, 0.9]])
    vote = Vote()
    for name, probabilities in (("a", first), ("b", second)):
        vote.add(complete(Run(tmp_path), name, 0.7, probabilities, labels))
    assert vote.members == 2
    assert vote.score == 1.0


def test_score_is_that_of_the_weighted_mean(tmp_path: Path) -> None:
    tables = [signal(seed).astype(np.float32) for seed in range(5)]
    scores = [float(seed) for seed in range(5)]  # made up, rising: the vote takes them in this order
    vote = Vote()
    for i, (table, score) in enumerate(zip(tables, scores, strict=True)):
        vote.add(complete(Run(tmp_path), f"t{i}", score, table))
    weights = greedy_selection(np.stack(tables), LABEL, PICKS).weights
    total = sum(w * table for w, table in zip(weights, tables, strict=True))
    f1 = f1_score(LABEL, total.argmax(1), average="macro", labels=range(CLASSES), zero_division=0)
    assert vote.score == pytest.approx(f1)
    assert vote.members == (weights > 0).sum()


def test_a_metric_that_is_called_is_called_once(tmp_path: Path) -> None:
    """Greedy selection would hold the search up for it: the plain mean of the best few votes."""
    tables = [signal(seed).astype(np.float32) for seed in range(FEW + 2)]
    calls: list[int] = []

    def own(labels: np.ndarray, probabilities: np.ndarray) -> float:
        calls.append(len(labels))
        return float(probabilities[np.arange(len(labels)), labels].mean())

    vote = Vote(own)
    for i, table in enumerate(tables):
        vote.add(complete(Run(tmp_path), f"t{i}", float(i), table))
    assert vote.members == FEW
    assert vote.score == pytest.approx(np.mean([table[np.arange(ROWS), LABEL] for table in tables[-FEW:]]))
    assert calls == [ROWS] * len(tables)


def test_the_same_trials_vote_the_same_in_whatever_order_they_came(tmp_path: Path) -> None:
    one, other = Vote(), Vote()
    trials = [complete(Run(tmp_path), f"t{i}", 0.5, signal(i)) for i in range(6)]
    for i in range(6):
        one.add(trials[i])
        other.add(trials[5 - i])
    assert (one.score, one.members) == (other.score, other.members)


def test_only_the_best_are_held_in_memory(tmp_path: Path) -> None:
    vote = Vote()
    for i in range(MOST + 3):
        vote.add(complete(Run(tmp_path), f"t{i:02}", i / 100, signal(i)))
    assert sorted(name for _, name, _ in vote._held) == [f"t{i:02}" for i in range(3, MOST + 3)]
