"""Photos, labels and people of a data set of the bank, with the truth of its test photos."""

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks.bank_sets import DIGITS, DataSet
from trainable.sample.album import draw_album
from trainable.sample.labelling import label_people
from trainable.sample.people import EVAL, FILES, MASK_LABEL, TRAIN, Person, age_band, draw_people, true_label

FOLDS = 4
PEOPLE, EVAL_PEOPLE = 90, 100
CLOTHING = Path(os.environ.get("FOLDVOTE_CLOTHING", "../shared/data/clothing"))
NO_KIND = ("Not sure", "Skip", "Other")
FOUR = {
    **dict.fromkeys(("T-Shirt", "Longsleeve", "Shirt", "Top", "Polo", "Undershirt", "Blouse", "Body"), 0),
    **dict.fromkeys(("Pants", "Shorts", "Skirt"), 1),
    **dict.fromkeys(("Outwear", "Hoodie", "Blazer", "Dress"), 2),
    **dict.fromkeys(("Shoes", "Hat"), 3),
}
MOST = 60  # photos of a sender: three sent 617, 463 and 325, and each would be most of a part
SHARES = {"clothing A": (0.2, 0.13), "clothing B": (0.2, 0.13), "clothing C": (0.2, 0.14)}  # of photos: train, test


@dataclass(frozen=True)
class Photos:
    """Training rows [N] and test rows [M] of a data set.

    large uint8 [N + M, H, W, 3]: what a frozen network sees, training rows first. label: int64[N], as given; truth:
    int64[M]. group, fold: int64[N]. classes: how many. attributes: their sizes, where a class is a product of values.
    names: of the photos, where several data sets share them.
    """

    large: np.ndarray
    label: np.ndarray
    truth: np.ndarray
    group: np.ndarray
    fold: np.ndarray
    classes: int
    attributes: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    def small(self, side: int) -> np.ndarray:
        """uint8 [N + M, h, w, 3], the longer side of `side` pixels."""
        height, width = self.large.shape[1:3]
        scale = side / max(height, width)
        size = (round(width * scale), round(height * scale))
        return np.stack([cv2.resize(photo, size, interpolation=cv2.INTER_AREA) for photo in self.large])


def photos_of(data: DataSet) -> Photos:
    return {"digits": _digits, "clothing": _clothing, "sample": _sample}[data.kind](data)


def _folded(
    large: np.ndarray, label: np.ndarray, truth: np.ndarray, group: np.ndarray, attributes: tuple[int, ...] = ()
) -> Photos:
    """With folds of whole groups; a class that some fold's training rows lack is left as it is, as in life."""
    fold = np.zeros(len(label), np.int64)
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for k, (_, held) in enumerate(split.split(label, label, group)):
        fold[held] = k
    return Photos(large, label, truth, group, fold, int(max(label.max(), truth.max())) + 1, attributes)


def _digits(data: DataSet) -> Photos:
    digits, (first, last) = load_digits(), DIGITS[data.source]
    random = np.random.default_rng(data.seed)
    rows = np.arange(first, last)
    label = digits.target.astype(np.int64)
    if data.variant == "five":
        rows = rows[label[rows] < 5]
    if data.variant == "two":
        rows = rows[np.isin(label[rows], (8, 9))]
        label = label - 8
    train, test = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    if data.variant == "imbalanced":
        keep = np.maximum(0.75 ** label[train], 0.15)
        train = train[random.random(len(train)) < keep]
    given = label[train].copy()
    wrong = random.random(len(train)) < data.wrong
    given[wrong] = random.integers(0, 10, wrong.sum())
    grey = [cv2.resize((digits.images[i] * 255 / 16).astype(np.uint8), (64, 64)) for i in (*train, *test)]
    large = np.repeat(np.stack(grey)[..., None], 3, axis=3)
    return _folded(large, given, label[test], train // 5)


@cache
def _clothing_table() -> pd.DataFrame:
    """image, sender, label of all photos of a kind that are there, and in which source and half of it they are."""
    train = pd.read_csv(CLOTHING / "train.csv", dtype=str)
    test = pd.read_csv(CLOTHING / "test.csv", dtype=str).merge(pd.read_csv(CLOTHING / "answers.csv", dtype=str))
    both = pd.concat([train, test]).rename(columns={"sender_id": "sender"})
    both = both[~both["label"].isin(NO_KIND)]
    both = both[[(CLOTHING / "images" / f"{name}.jpg").is_file() for name in both["image"]]]
    both = both.groupby("sender").head(MOST)
    bins = [(source, half) for source in SHARES for half in (0, 1)]
    wanted = {(source, half): SHARES[source][half] * len(both) for source, half in bins}
    found, where = dict.fromkeys(bins, 0), {}
    for sender, count in both["sender"].value_counts(sort=True).sort_index(kind="stable").sample(
        frac=1, random_state=0).sort_values(ascending=False, kind="stable").items():  # fmt: skip
        place = max(bins, key=lambda b: wanted[b] - found[b])  # the largest senders first, where most is lacking
        where[sender], found[place] = place, found[place] + count
    both["place"] = both["sender"].map(where)
    return both.reset_index(drop=True)


def _clothing(data: DataSet) -> Photos:
    table = _clothing_table()
    counts = table["label"].value_counts()
    names = sorted(counts.index[: int(data.variant)] if data.variant != "4" else counts.index)
    table = table[table["label"].isin(names)]
    halves = [table[[place == (data.source, half) for place in table["place"]]] for half in (0, 1)]
    number = FOUR if data.variant == "4" else {name: c for c, name in enumerate(names)}
    label, truth = (half["label"].map(number).to_numpy(np.int64) for half in halves)
    large = np.stack([_read(CLOTHING / "images" / f"{name}.jpg") for half in halves for name in half["image"]])
    found = _folded(large, label, truth, np.unique(halves[0]["sender"], return_inverse=True)[1])
    return replace(found, names=tuple(name for half in halves for name in half["image"]))


def _read(file: Path) -> np.ndarray:
    photo = cv2.imread(str(file))
    side = min(photo.shape[:2])
    top, left = (photo.shape[0] - side) // 2, (photo.shape[1] - side) // 2
    square = cv2.resize(photo[top : top + side, left : left + side], (128, 128), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(square, cv2.COLOR_BGR2RGB)


def _sample(data: DataSet) -> Photos:
    random = np.random.default_rng(data.seed)
    people = label_people(draw_people(round(PEOPLE * data.people), split=TRAIN, rng=random), random)
    others = draw_people(EVAL_PEOPLE, split=EVAL, rng=random)
    large = np.stack([photo for person in (*people, *others) for photo in _album(person, data.seed)])
    label = np.array([_given(person, file) for person in people for file in FILES])
    for person in np.flatnonzero(random.random(len(people)) < data.wrong):
        rows = slice(7 * person, 7 * person + 7)  # another gender and age for all photos
        label[rows] = label[rows] // 6 * 6 + random.integers(0, 6)
    truth = np.array([true_label(person, file) for person in others for file in FILES])
    return _folded(large, label, truth, np.repeat(np.arange(len(people)), 7), (3, 2, 3))


def _album(person: Person, seed: int) -> list[np.ndarray]:
    """RGB photos [96, 72, 3] of the middle three quarters."""
    found = []
    for _, _, photo, _ in draw_album(person, seed):
        small = cv2.resize(photo[64:448, 48:336], (72, 96), interpolation=cv2.INTER_AREA)
        found.append(cv2.cvtColor(small.astype(np.uint8), cv2.COLOR_BGR2RGB))
    return found


def _given(person: Person, file: str) -> int:
    """The class that the files say: two exchange their names where the person is swapped."""
    exchanged = {"incorrect_mask": "normal", "normal": "incorrect_mask"}
    shown = exchanged.get(file, file) if person.swapped else file
    return MASK_LABEL[shown] * 6 + person.given_gender * 3 + age_band(person.given_age)
