"""The vote of complete trials, and what a trial adds to it."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ensembles.greedy import greedy_selection
from search.watch.vote import Votes
from trainable.files import write_npz
from trainable.run.paths import RunPaths

ROWS, CLASSES = 40, 3
LABEL = np.arange(ROWS) % CLASSES


def write(paths: RunPaths, name: str, seed: int) -> np.ndarray:
    """OOF of a made-up trial, and fold 0's part of it, every second row in another order."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(CLASSES), ROWS).astype(np.float32)
    probabilities[np.arange(ROWS), LABEL] += 0.3
    probabilities /= probabilities.sum(1, keepdims=True)
    some = rng.permutation(np.arange(0, ROWS, 2))
    trial = paths.trial(name)
    for path, index in ((trial.oof, np.arange(ROWS)), (trial.fold(0).valid, some)):
        write_npz(path, index=index * 3, label=LABEL[index], probabilities=probabilities[index])
    return probabilities


def f1(total: np.ndarray, rows: slice) -> float:
    return float(f1_score(LABEL[rows], total[rows].argmax(1), average="macro", labels=range(CLASSES), zero_division=0))


@pytest.mark.parametrize(("complete", "rows"), [(False, slice(0, ROWS, 2)), (True, slice(0, ROWS))])
def test_trial_is_judged_by_its_vote_with_the_complete_ones(tmp_path: Path, complete: bool, rows: slice) -> None:
    paths = RunPaths(tmp_path)
    votes, mine = Votes(paths), write(paths, "mine", 0)
    assert votes.with_trial("mine", complete=complete) == pytest.approx(f1(mine, rows))
    others = [write(paths, f"t{i}", i + 1) for i in range(5)]
    for i, table in enumerate(others):
        votes.add(f"t{i}", f1(table, slice(0, ROWS)))
    order = np.argsort([f1(t, slice(0, ROWS)) for t in others], kind="stable")
    weights = greedy_selection(np.stack([others[i] for i in order]), LABEL, 20).weights
    mean = sum(w * others[i] for w, i in zip(weights, order, strict=True))
    assert votes.with_trial("mine", complete=complete) == pytest.approx(f1(mine + mean, rows))


def test_the_same_trials_vote_the_same_in_whatever_order_they_came(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    for i in range(6):
        write(paths, f"t{i}", i)
    one, other = Votes(paths), Votes(paths)
    for i in range(6):
        one.add(f"t{i}", 0.5)
        other.add(f"t{5 - i}", 0.5)
    assert np.array_equal(one.mean, other.mean)
