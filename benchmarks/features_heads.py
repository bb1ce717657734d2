"""Linear discriminants on features: ours, scikit-learn's on the same, and what folds that ignore senders pretend."""

from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from benchmarks.features_data import FOLDS, SHRINKAGE
from trainable.features.closed import lda
from trainable.features.moments import Moments
from trainable.features.table import FeatureTable
from trainable.metrics import macro_f1

Heads = Callable[[np.ndarray, np.ndarray], Iterable[np.ndarray]]


def ours(
    values: np.ndarray, labels: np.ndarray, fold: np.ndarray, asked: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """(out-of-fold probabilities [N, C], those of the vote of all folds' heads for features `asked` [M, C])."""
    table = FeatureTable([values], np.arange(len(values)))
    sums = Moments.of(table, labels, fold, classes)
    oof, test = np.zeros((len(values), classes)), np.zeros((len(asked), classes))
    for k in range(int(fold.max()) + 1):
        head = lda(sums.without(k), SHRINKAGE)
        oof[fold == k] = softmax(head.logits(values[fold == k].astype(np.float64)), 1)
        test += softmax(head.logits(asked.astype(np.float64)), 1)
    return oof, test / (fold.max() + 1)


def scikit_learns(
    values: np.ndarray, labels: np.ndarray, fold: np.ndarray, asked: np.ndarray, classes: int
) -> np.ndarray:
    """Probabilities [M, C] of the vote of LinearDiscriminantAnalysis a fold, on the same features."""
    test = np.zeros((len(asked), classes))
    for k in range(int(fold.max()) + 1):
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
        model.fit(values[fold != k].astype(np.float64), labels[fold != k])
        test[:, model.classes_] += model.predict_proba(asked.astype(np.float64))
    return test / (fold.max() + 1)


def score(answers: np.ndarray, probabilities: np.ndarray) -> float:
    """Macro-F1 over the rows whose true class int64[M] is known."""
    rows = answers >= 0
    return macro_f1(answers[rows], probabilities[rows].argmax(1), probabilities.shape[1])


def by_group_and_not(
    values: np.ndarray, labels: np.ndarray, groups: np.ndarray, classes: int, seed: int
) -> dict[str, float]:
    """A third of the senders is judged on; the others' photos are cut into folds by sender, and without heeding them.

    values: float16 [N, D], labels int64[N], groups str[N] of everybody.
    """
    senders = np.random.default_rng(seed).permutation(np.unique(groups))
    judged = np.isin(groups, senders[: len(senders) // 3])
    known, truth = np.flatnonzero(~judged), np.flatnonzero(judged)
    found = {}
    cuts = {
        "group_oof": StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed),
        "plain_oof": StratifiedKFold(FOLDS, shuffle=True, random_state=seed),
    }
    for name, cut in cuts.items():
        fold = np.zeros(len(known), np.int64)
        for k, (_, held) in enumerate(cut.split(known, labels[known], groups[known] if name == "group_oof" else None)):
            fold[held] = k
        oof, test = ours(values[known], labels[known], fold, values[truth], classes)
        found[name] = score(labels[known], oof)
        found.setdefault("other_groups", score(labels[truth], test))
    return found
