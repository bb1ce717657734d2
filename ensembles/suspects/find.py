"""Which labels votes contradict.

A group's score for another value of what its photos share is the mean over them of log p(other) - log p(given), of a
column of numbers less NEAR of it for every borders' distance that the given number is away: wrong numbers are mostly
wrong by little. Groups that all photos speak against come first; two photos that may have changed places are judged on
these two, and a wrong value of what photos have of their own, or the label where it is plain, on one photo or group.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from trainable.data.attributes import PLAIN, Attribute, Attributes
from trainable.data.corrections import LABEL, SWAP

NEAR = 15.0  # log-odds for a number as far away as borders are from each other; of ages cut at 30 and 60, half a year
FLOOR = 1e-4  # one photo cannot outvote six others


@dataclass(frozen=True)
class Suspect:
    """A label that the votes contradict.

    key: the group, or the one image, that it is about. field: the attribute, "label" or "swap". value: what the votes
    say instead of `given`. score: mean over the photos of the log-odds (natural logarithm) of `value` against `given`.
    agree: how many of the `photos` say so. rows: their positions among the rows that were given. single: whether it is
    about one photo of several that a group has.
    """

    key: str
    field: str
    value: str
    score: float
    given: str
    agree: int
    photos: int
    rows: tuple[int, ...]
    single: bool = False

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
    made_of: Attributes = PLAIN,
    numbers: Mapping[str, np.ndarray] | None = None,
) -> list[Suspect]:
    """Labels that votes [N, C] contradict, most convincing first.

    labels int[N], groups str[N], images str[N]: of the same rows; classes: C names. made_of: the attributes that
    classes are made of. numbers: {attribute that is cut from numbers: float64[N]}. A row should be judged by models
    that did not see its group.
    """
    names, group = np.unique(groups, return_inverse=True)
    if not made_of:
        return _ranked(_by_group(np.log(np.maximum(votes, FLOOR)), labels, group, names, LABEL, classes))
    given = made_of.decode(labels)
    alone, found = [], []
    for axis, part in enumerate(made_of):
        logs = np.log(np.maximum(made_of.grid.marginal(votes, axis), FLOOR))
        if len(np.unique(group * len(part.values) + given[part.name])) > len(names):
            alone.append((logs, part))
            continue
        own = _by_group(logs, given[part.name], group, names, part.name, part.values)
        found += [_as_number(s, part, (numbers or {})[part.name]) for s in own] if part.cuts else own
    for logs, part in alone:
        found += _of_photos(logs, given[part.name], group, names, images, part, made_of)
    return _ranked(found)


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
            agree, score = int((odds[:, other] > 0).sum()), float(odds[:, other].mean())
            place = names[group[rows[0]]]
            found.append(
                Suspect(str(place), field, words[other], score, words[now], agree, len(rows), tuple(rows.tolist()))
            )
    return found


def _rows_of_each(key: np.ndarray) -> list[np.ndarray]:
    """Rows int64[n], rising, of each value of key int[N], in the order of the values; by one sort of all."""
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def _as_number(suspect: Suspect, part: Attribute, numbers: np.ndarray) -> Suspect:
    """A suspect of a column of numbers: the nearest number of the other value, which is the less likely the further."""
    now, other = part.values.index(suspect.given), part.values.index(suspect.value)
    step = 1.0 if (numbers == np.round(numbers)).all() else float(np.spacing(max(map(abs, part.cuts))))
    number = part.cuts[other - 1] if other > now else part.cuts[other] - step
    apart = np.diff(part.cuts).mean() if len(part.cuts) > 1 else max(np.ptp(numbers) / 2, step)
    far = abs(float(numbers[suspect.rows[0]]) - number) / apart
    return replace(suspect, value=f"{number:.10g}", score=suspect.score - NEAR * far)


def _of_photos(
    logs: np.ndarray,
    given: np.ndarray,
    group: np.ndarray,
    names: np.ndarray,
    images: np.ndarray,
    part: Attribute,
    made_of: Attributes,
) -> list[Suspect]:
    """Pairs of photos of one group that look swapped, and single photos of another value."""
    odds = logs - logs[np.arange(len(logs)), given][:, None]
    found: list[Suspect] = []
    swapped: set[int] = set()
    for swap in (swap for swap in made_of.swaps if swap.column == part.name):
        one, other = swap.values
        for own in _rows_of_each(group):
            pair = [own[given[own] == state] for state in swap.values]
            if not all(len(rows) == 1 for rows in pair):
                continue
            number, rows = group[own[0]], (int(pair[0][0]), int(pair[1][0]))
            both = np.array([odds[rows[0], other], odds[rows[1], one]])
            if both.mean() > 0:
                agree = int((both > 0).sum())
                found.append(
                    Suspect(str(names[number]), SWAP, swap.word, float(both.mean()), "as named", agree, 2, rows)
                )
                swapped.update(rows)
    for row in np.flatnonzero(odds.max(1) > 0).tolist():
        if row not in swapped:
            best = int(odds[row].argmax())
            value, score, said = part.values[best], float(odds[row, best]), part.values[given[row]]
            key = str(images[row])
            if part.cuts:
                value = f"{part.cuts[best - 1] if best > given[row] else part.cuts[best] - 1:.10g}"
            found.append(Suspect(key, part.name, value, score, said, 1, 1, (row,), single=True))
    return found


def _ranked(found: list[Suspect]) -> list[Suspect]:
    """By score: first those that all photos speak against, then the others, single photos of a group last."""
    return sorted(found, key=lambda s: (s.single, s.agree < s.photos, -s.score, s.key))
