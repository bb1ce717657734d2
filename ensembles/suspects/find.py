"""Which labels votes contradict.

A person's score for another gender or age band is the mean over the photos of log p(other) - log p(given), for an age
less half a point for every year that the given one is away from the other band: wrong ages are mostly wrong by two or
three years. People that all photos speak against come first; a swap of `incorrect_mask` and `normal` is judged on those
two photos, and a wrong mask state, or the label where there are no attributes, on one photo or group.
"""

from dataclasses import dataclass, replace

import numpy as np

from trainable.data.corrections import SWAP
from trainable.data.labels import ATTRIBUTES, decode

YEAR = 0.5  # of log-odds
FLOOR = 1e-4  # one photo cannot outvote six others
BORDERS = {(0, 1): 30, (1, 0): 29, (1, 2): 60, (2, 1): 59, (0, 2): 60, (2, 0): 29}  # years: from band, to band


@dataclass(frozen=True)
class Suspect:
    """A label that the votes contradict.

    key: the group, or the one image, that it is about. field: the attribute, "label" or "swap". value: what the votes
    say instead of `given`. score: mean over the photos of the log-odds (natural logarithm) of `value` against `given`.
    agree: how many of the `photos` say so. rows: their positions among the rows that were given.
    """

    key: str
    field: str
    value: str
    score: float
    given: str
    agree: int
    photos: int
    rows: tuple[int, ...]

    def caption(self, number: int) -> tuple[str, str]:
        """Two lines for a contact sheet."""
        return (
            f"{number}. {self.field}: given {self.given}, suggested {self.value}",
            f"score {self.score:.2f}, {self.agree}/{self.photos} photos  {self.key}",
        )


def find_suspects(
    votes: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    images: np.ndarray,
    classes: tuple[str, ...],
    ages: np.ndarray | None = None,
) -> list[Suspect]:
    """Labels that votes [N, C] contradict, most convincing first.

    labels int[N], groups str[N], images str[N]: of the same rows; classes: C names. ages [N]: in years, where a class
    is a product of mask, gender and age. A row should be judged by models that did not see its group.
    """
    names, group = np.unique(groups, return_inverse=True)
    if ages is None:
        return _ranked(_by_group(np.log(np.maximum(votes, FLOOR)), labels, group, names, "label", classes))
    split = votes.reshape(-1, *map(len, ATTRIBUTES.values()))
    logs = {
        name: np.log(np.maximum(split.sum(axis=tuple({1, 2, 3} - {axis})), FLOOR))
        for axis, name in enumerate(ATTRIBUTES, 1)
    }
    given = decode(labels)
    found = [
        *_by_group(logs["gender"], given["gender"], group, names, "gender", ATTRIBUTES["gender"]),
        *(_nearby(s, ages) for s in _by_group(logs["age"], given["age"], group, names, "age", ATTRIBUTES["age"])),
    ]
    return _ranked([*found, *_masks(logs["mask"], given["mask"], group, names, images)])


def _by_group(
    logs: np.ndarray, given: np.ndarray, group: np.ndarray, names: np.ndarray, field: str, words: tuple[str, ...]
) -> list[Suspect]:
    """Groups whose photos say another value than the given one on average; logs [N, A] of A values.

    A group whose rows are given several values is judged value by value.
    """
    key = group * len(words) + given
    found = []
    for rows in _rows_of_each(key):
        now = int(given[rows[0]])
        odds = logs[rows] - logs[rows, now][:, None]
        other = int(np.argmax(np.where(np.arange(len(words)) == now, -np.inf, odds.mean(0))))
        if odds[:, other].mean() > 0:
            value = str(BORDERS[now, other]) if field == "age" else words[other]
            agree, score = int((odds[:, other] > 0).sum()), float(odds[:, other].mean())
            place = names[group[rows[0]]]
            found.append(Suspect(str(place), field, value, score, words[now], agree, len(rows), tuple(rows.tolist())))
    return found


def _rows_of_each(key: np.ndarray) -> list[np.ndarray]:
    """Rows int64[n], rising, of each value of key int[N], in the order of the values; by one sort of all."""
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def _nearby(suspect: Suspect, ages: np.ndarray) -> Suspect:
    """An age suspect with its score lowered by YEAR for each year that the given age is away from the other band."""
    years = abs(float(ages[suspect.rows[0]]) - int(suspect.value))
    return replace(suspect, score=suspect.score - YEAR * years)


def _masks(
    logs: np.ndarray, given: np.ndarray, group: np.ndarray, names: np.ndarray, images: np.ndarray
) -> list[Suspect]:
    """Pairs `incorrect_mask` and `normal` of one person that look swapped, and single photos of another mask state."""
    words = ATTRIBUTES["mask"]
    odds = logs - logs[np.arange(len(logs)), given][:, None]
    found: list[Suspect] = []
    swapped: set[int] = set()
    for own in _rows_of_each(group):
        pair = [own[given[own] == state] for state in (1, 2)]
        if not all(len(rows) == 1 for rows in pair):
            continue
        number, rows = group[own[0]], (int(pair[0][0]), int(pair[1][0]))
        both = np.array([odds[rows[0], 2], odds[rows[1], 1]])
        if both.mean() > 0:
            agree = int((both > 0).sum())
            found.append(Suspect(str(names[number]), "swap", SWAP, float(both.mean()), "as named", agree, 2, rows))
            swapped.update(rows)
    for row in np.flatnonzero(odds.max(1) > 0).tolist():
        if row not in swapped:
            other = int(odds[row].argmax())
            found.append(
                Suspect(
                    str(images[row]), "mask", words[other], float(odds[row, other]), words[given[row]], 1, 1, (row,)
                )
            )
    return found


def _ranked(found: list[Suspect]) -> list[Suspect]:
    """By score: first those that all photos speak against, then the others, single photos of another mask last."""
    return sorted(found, key=lambda s: (s.field == "mask", s.agree < s.photos, -s.score, s.key))
