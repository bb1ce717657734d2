"""One contract for every metric of the table: scikit-learn's value, its kind, and better predictions score higher."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from numpy.typing import NDArray

from trainable.errors import InputError
from trainable.metrics import METRICS, Metric, get, name_of

Case = tuple[NDArray[np.int64], NDArray[np.float64], list[int]]


def f1(labels: Any, guess: Any, names: list[int], average: str | None) -> Any:
    return sk.f1_score(labels, guess, labels=names, average=average, zero_division=0)


def one_against_rest(score: Callable[..., float], labels: Any, table: Any, classes: list[int]) -> float:
    if table.shape[1] == 2:
        classes = [1]
    found = [score(labels == c, table[:, c]) for c in classes if (labels == c).any() and not (labels == c).all()]
    return float(np.mean(found)) if found else 0.5


def average_precision(labels: Any, table: Any, names: list[int]) -> float:
    known = np.eye(len(names))[labels]
    if len(names) == 2:
        return float(sk.average_precision_score(known[:, 1], table[:, 1]))
    return float(sk.average_precision_score(known, table, average="macro"))


def mean_reciprocal_rank(labels: Any, table: Any, k: int) -> float:
    found = [np.argsort(-row, kind="stable")[:k].tolist() for row in table]
    return float(np.mean([1 / (row.index(c) + 1) if c in row else 0 for c, row in zip(labels, found, strict=True)]))


# Name: scikit-learn's formula, of labels [N], probabilities [N, C], predictions [N] and the numbers of the classes.
THEIRS: dict[str, Callable[[Any, Any, Any, list[int]], float]] = {
    "macro_f1": lambda y, p, g, names: f1(y, g, names, "macro"),
    "weighted_f1": lambda y, p, g, names: f1(y, g, names, "weighted"),
    "accuracy": lambda y, p, g, names: sk.accuracy_score(y, g),
    "balanced_accuracy": lambda y, p, g, names: sk.balanced_accuracy_score(y, g),
    "mcc": lambda y, p, g, names: sk.matthews_corrcoef(y, g),
    "f1:1": lambda y, p, g, names: f1(y, g, names, None)[1],
    "quadratic_kappa": lambda y, p, g, names: sk.cohen_kappa_score(y, g, labels=names, weights="quadratic"),
    "linear_kappa": lambda y, p, g, names: sk.cohen_kappa_score(y, g, labels=names, weights="linear"),
    "log_loss": lambda y, p, g, names: -sk.log_loss(y, p, labels=names),
    "brier": lambda y, p, g, names: -float(((p - np.eye(len(names))[y]) ** 2).sum(axis=1).mean()),
    "roc_auc": lambda y, p, g, names: one_against_rest(sk.roc_auc_score, y, p, np.unique(y).tolist()),
    "roc_auc:1": lambda y, p, g, names: one_against_rest(sk.roc_auc_score, y, p[:, :2] if len(names) == 2 else p, [1]),
    "average_precision": lambda y, p, g, names: average_precision(y, p, names),
    "top_k:1": lambda y, p, g, names: sk.accuracy_score(y, g),
    "top_k:2": lambda y, p, g, names: (
        sk.top_k_accuracy_score(y, p if len(names) > 2 else p[:, 1], k=2, labels=names) if len(names) > 2 else 1.0
    ),
    "map_at_k:3": lambda y, p, g, names: mean_reciprocal_rank(y, p, 3),
}


def case(seed: int, classes: int) -> Case:
    """Random rows of which some classes may be absent, or never predicted; every third has equal probabilities."""
    random = np.random.default_rng(seed)
    rows = int(random.integers(1, 80))
    some = random.permutation(classes)[: random.integers(1, classes + 1)]
    labels = random.choice(some, rows)
    table = random.dirichlet(np.full(classes, 0.4), rows)
    table[np.arange(rows), labels] += random.uniform(0, 0.4)
    table /= table.sum(axis=1, keepdims=True)
    return labels, table, list(range(classes))


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("classes", [2, 3, 7, 40])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")  # scikit-learn's, of absent classes
def test_equal_to_scikit_learn(name: str, classes: int) -> None:
    for seed in range(50):
        labels, table, numbers = case(seed, classes)
        theirs = THEIRS[name](labels, table, table.argmax(axis=1), numbers)
        if np.isnan(theirs):  # kappa where all rows have, and are given, one class: nothing was wrong
            theirs = 1.0
        ours = get(name, [str(c) for c in numbers]).score(labels, table)
        assert ours == pytest.approx(theirs, abs=1e-9), (seed, labels, table)


def test_brier_is_scikit_learns() -> None:
    labels, table, numbers = case(3, 5)
    theirs = sk.brier_score_loss(labels, table, labels=numbers, scale_by_half=False)
    assert get("brier", "abcde").score(labels, table) == pytest.approx(-theirs, abs=1e-9)


def test_every_line_of_the_table_is_compared() -> None:
    assert {name.partition(":")[0] for name in THEIRS} == set(METRICS)


@pytest.mark.parametrize("name", THEIRS)
def test_a_perfect_prediction_scores_highest_and_a_worse_one_lower(name: str) -> None:
    metric = get(name, "0123")
    labels = np.arange(40) % 4
    sure = np.eye(4)[labels]
    worse = np.roll(sure, 1, axis=1) * 0.9 + 0.025
    assert metric.score(labels, sure) == pytest.approx(metric.highest, abs=1e-12)
    assert metric.score(labels, worse) < metric.score(labels, 0.5 * sure + 0.125) <= metric.highest
    assert metric.text(metric.score(labels, worse)).startswith("-") == (metric.read(metric.score(labels, worse)) < 0)


@pytest.mark.parametrize("name", THEIRS)
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    labels, table, numbers = case(11, 5)
    order = np.random.default_rng(0).permutation(len(labels))
    metric = get(name, [str(c) for c in numbers])
    assert metric.score(labels[order], table[order]) == pytest.approx(metric.score(labels, table), abs=1e-12)


@pytest.mark.parametrize("classes", [2, 5])
def test_equal_probabilities_count_as_one_threshold(classes: int) -> None:
    random = np.random.default_rng(0)
    labels, table = random.integers(0, classes, 60), np.round(random.dirichlet(np.ones(classes), 60) * 4) / 4
    names = [str(c) for c in range(classes)]
    for name in ("roc_auc", "average_precision"):
        theirs = THEIRS[name](labels, table, None, list(range(classes)))
        assert get(name, names).score(labels, table) == pytest.approx(theirs, abs=1e-9)


def test_kinds_signs_and_names_for_people() -> None:
    shown = {name: get(name, "01") for name in THEIRS}
    assert {name for name, metric in shown.items() if metric.loss} == {"log_loss", "brier"}
    assert [shown[n].kind for n in ("mcc", "brier", "top_k:2")] == ["labels", "probabilities", "ranks"]
    assert shown["macro_f1"].shown == "macro-F1"
    assert (shown["f1:1"].shown, shown["top_k:2"].shown) == ("F1 of 1", "top-2 accuracy")
    assert (shown["log_loss"].text(-0.25), shown["log_loss"].text(-0.0)) == ("0.2500", "0.0000")
    assert shown["mcc"].text(-0.25) == "-0.2500"


def half(labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
    return 0.5 * float((probabilities.argmax(axis=1) == labels).mean())


def test_a_function_is_known_by_its_name_and_called() -> None:
    metric = get(half, "ab")
    assert (metric.name, metric.shown, metric.called) == ("half", "half", True)
    assert metric.score(np.array([0, 1]), np.eye(2)) == 0.5


def test_a_function_writes_into_copies_of_its_own() -> None:
    def merged(labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
        labels[labels == 1] = 0
        probabilities[:, 0] += probabilities[:, 1]
        probabilities[:, 1] = 0
        return half(labels, probabilities)

    labels, table = np.array([0, 1]), np.full((2, 2), 0.5)
    assert get(merged, "ab").score(labels, table) == 0.5
    assert (labels.tolist(), table.tolist()) == ([0, 1], [[0.5, 0.5], [0.5, 0.5]])


def test_f1_alone_is_that_of_the_second_of_two() -> None:
    labels, table, _ = case(5, 2)
    assert get("f1", ["no", "yes"]).score(labels, table) == get("f1:yes", ["no", "yes"]).score(labels, table)


def log_loss(labels: NDArray[Any], probabilities: NDArray[Any]) -> float:
    return 0.0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("macrof1", "unknown metric 'macrof1'; nearest: macro_f1"),
        ("zzz", "known: macro_f1, weighted_f1, .*map_at_k:K"),
        (
            "f1",
            "metric f1: received 6 classes, and it is that of the second of two; allowed: f1:CLASS with one of a, b",
        ),
        ("f1:g", "unknown class of metric f1 'g'"),
        ("roc_auc:g", "unknown class of metric roc_auc 'g'; .*known: a, b, c, d, e, f"),
        ("top_k", "metric top_k:K: received 'top_k'; allowed: K a whole number from 1 on"),
        ("map_at_k:0", "received 'map_at_k:0'"),
        ("accuracy:a", "metric accuracy: received 'accuracy:a'; allowed: accuracy"),
        ("f1:", "received 'f1:'; allowed: f1:CLASS"),
        (3, "metric: received 3; allowed: one of macro_f1"),
        (log_loss, "a function that is called log_loss, as a metric of the table is"),
    ],
)
def test_what_is_refused(asked: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        get(asked, "abcdef")


@pytest.mark.parametrize(
    ("labels", "table", "message"),
    [
        ([0, 2], np.full((2, 2), 0.5), r"labels must lie in 0\.\.1, found 0\.\.2"),
        ([0, 1], np.full((2, 3), 0.5), r"probabilities must be \[2, 2\], not \(2, 3\)"),
        ([0, 1, 1], np.full((2, 2), 0.5), r"probabilities must be \[3, 2\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(labels: list[int], table: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get("log_loss", "ab").score(labels, table)


def test_no_rows_and_no_numbers_have_no_score() -> None:
    metric: Metric = get("log_loss", "ab")
    assert np.isnan(metric.score_or_nan(np.zeros(0, int), np.zeros((0, 2))))
    assert np.isnan(metric.score_or_nan(np.array([0]), np.array([[np.nan, 1.0]])))


def test_names_of_what_was_asked_for() -> None:
    assert (name_of("mcc"), name_of(half)) == ("mcc", "half")


def test_importing_is_light() -> None:
    code = (
        "import sys, trainable.metrics; print([m for m in ('sklearn', 'scipy', 'torch', 'pandas') if m in sys.modules])"
    )
    with warnings.catch_warnings():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
