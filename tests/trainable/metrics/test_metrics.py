"""Metrics against scikit-learn, on random cases with missing and never predicted classes."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from trainable.metrics import accuracy, confusion, f1_from_counts, f1_per_class, macro_f1


@pytest.mark.parametrize("seed", range(60))
def test_equal_to_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    classes, rows = int(random.integers(1, 20)), int(random.integers(1, 60))
    labels, predicted = random.integers(0, classes, (2, rows))
    names = list(range(classes))
    f1 = f1_score(labels, predicted, labels=names, average=None, zero_division=0)
    counts = confusion(labels, predicted, classes)
    assert counts.dtype == np.int64
    for true, guess in np.ndindex(classes, classes):
        assert counts[true, guess] == sum((labels == true) & (predicted == guess))
    np.testing.assert_allclose(f1_per_class(labels, predicted, classes), f1, rtol=0, atol=1e-15)
    assert macro_f1(labels, predicted, classes) == pytest.approx(
        f1_score(labels, predicted, labels=names, average="macro", zero_division=0), abs=1e-15
    )
    assert accuracy(labels, predicted) == pytest.approx(accuracy_score(labels, predicted), abs=1e-15)


def test_a_class_that_nobody_has_counts_nought() -> None:
    assert macro_f1([0, 1], [0, 1], 4) == 0.5


def test_counts_broadcast() -> None:
    f1 = f1_from_counts([[1, 0], [2, 0]], [[1, 1], [2, 0]], [2, 0])
    np.testing.assert_allclose(f1, [[2 / 3, 0], [1, 0]])


@pytest.mark.parametrize(
    ("labels", "predicted", "classes", "message"),
    [
        ([0, 3], [0, 1], 3, r"labels must lie in 0\.\.2, found 0\.\.3"),
        ([0, 1], [0, -1], 3, r"predicted must lie in 0\.\.2, found -1\.\.0"),
        ([0, 1], [0], 3, "differ in length: 2 and 1"),
        ([], [], 3, "whole numbers"),
        ([0.0, 1.0], [0, 1], 3, "whole numbers"),
        ([0], [0], 0, "classes must be at least 1"),
    ],
)
def test_what_is_refused(labels: list[int], predicted: list[int], classes: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        macro_f1(labels, predicted, classes)


def test_accuracy_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="N >= 1"):
        accuracy([], [])
