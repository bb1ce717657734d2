"""Drift warnings: rare where there is none, certain where there is."""

import numpy as np
import pytest

from ensembles.drift import measure_drift

CLASSES = ("a", "b", "c")


def votes(random: np.random.Generator, groups: int, each: int, shares: tuple[float, ...], sharp: float) -> np.ndarray:
    """[groups * each, 3]: photos of a group are of one class."""
    labels = np.repeat(random.choice(3, groups, p=shares), each)
    logits = random.normal(0, 1, (len(labels), 3)) + sharp * np.eye(3)[labels]
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.mark.parametrize("folds", [1, 5])
def test_same_source_gives_no_warning_nearly_always(folds: int) -> None:
    wrong = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        train = votes(random, 120, 7, (0.5, 0.4, 0.1), 3)
        test = votes(random, 60, 7, (0.5, 0.4, 0.1), 3)[None].repeat(folds, 0)
        wrong += len(measure_drift(train, np.repeat(np.arange(120), 7), test).sentences(CLASSES))
    assert wrong <= 4


def test_other_shares_and_lower_confidence_are_named() -> None:
    random = np.random.default_rng(0)
    train, groups = votes(random, 120, 7, (0.5, 0.4, 0.1), 3), np.repeat(np.arange(120), 7)
    shifted = measure_drift(train, groups, votes(random, 60, 7, (0.1, 0.4, 0.5), 3)[None])
    (sentence,) = shifted.sentences(CLASSES)
    assert "predicted classes differ" in sentence
    assert " a -" in sentence and " c +" in sentence
    assert shifted.changes.sum() == pytest.approx(0)
    assert shifted.distance == pytest.approx(np.abs(shifted.changes).sum() / 2)
    blurred = measure_drift(train, groups, votes(random, 60, 7, (0.5, 0.4, 0.1), 1)[None])
    assert any("mean confidence" in s for s in blurred.sentences(CLASSES))


def test_one_test_photo_is_no_drift() -> None:
    random = np.random.default_rng(0)
    train = votes(random, 20, 2, (0.5, 0.4, 0.1), 3)
    assert measure_drift(train, np.repeat(np.arange(20), 2), train[None, :1]).sentences(CLASSES) == []
