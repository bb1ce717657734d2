"""The parts that heads are chosen by: whole groups, finer than the folds where these are few."""

import numpy as np
from sklearn.model_selection import GroupKFold

INNER = 4  # held-back parts that a strength is chosen by, at least, where there are groups enough


def inner_parts(fold: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(part int64[N], fold int64[P] of each part) of rows in folds int8[N] (-1: always trains) and groups str[N].

    No group lies in two parts. With five folds a part is a fold; with two, each fold is cut into four.
    """
    numbers = np.unique(fold[fold >= 0])
    pieces = 1 if len(numbers) > INNER else -(-INNER // max(1, len(numbers) - 1))
    part = np.zeros(len(fold), np.int64)
    fold_of: list[int] = []
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        count = min(pieces, len(np.unique(groups[rows]))) if number >= 0 else 1
        cut = np.zeros(len(rows), np.int64)
        if count > 1:
            for piece, (_, held) in enumerate(GroupKFold(count).split(rows, groups=groups[rows])):
                cut[held] = piece
        part[rows] = len(fold_of) + cut
        fold_of += [int(number)] * count
    return part, np.array(fold_of)
