"""Folds: by person, stratified, complete, and what cannot be folded."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import competition_data, generic_data, write_photo, write_table

from trainable.data.fold_warnings import fold_warnings
from trainable.data.folds import filled, make_folds
from trainable.data.layouts import read_manifest
from trainable.data.layouts.competition import CLASSES, MADE_OF
from trainable.data.manifest import Manifest
from trainable.errors import InputError


def table(groups: list[int], labels: list[int], extra: list[bool] | None = None) -> Manifest:
    """A manifest without files."""
    frame = pd.DataFrame(
        {
            "image": [f"{i}.png" for i in range(len(groups))],
            "group": [str(g) for g in groups],
            "label": np.array(labels, np.int64),
            "extra": extra or [False] * len(groups),
            "bytes": 1,
        }
    )
    return Manifest(Path("/nowhere"), "generic", frame, tuple(map(str, range(max(labels) + 1))))


def test_split_is_by_person_not_by_image(sample: Path) -> None:
    manifest = read_manifest(sample)
    folds = make_folds(manifest, 5, seed=0)
    for _, rows in manifest.frame.groupby("group").groups.items():
        assert len(rows) == 7
        assert len(set(folds.fold[rows])) == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_no_group_in_two_folds(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(40), rng.integers(1, 9, 40)).tolist()
    manifest = table(groups, rng.integers(0, 4, len(groups)).tolist())
    folds = make_folds(manifest, count, seed)
    name = manifest.frame["group"].to_numpy()
    for k in range(count):
        assert not set(name[folds.train_rows(k)]) & set(name[folds.valid_rows(k)])


def test_every_row_is_validated_once_and_none_is_drawn_twice(sample: Path) -> None:
    """The baseline drew its people with random.choices, that is with replacement."""
    manifest = read_manifest(sample)
    folds = make_folds(manifest, 5, seed=1)
    everybody = np.arange(len(manifest.frame))
    assert np.sort(np.concatenate([folds.valid_rows(k) for k in range(5)])).tolist() == everybody.tolist()
    for k in range(5):
        both = np.concatenate([folds.train_rows(k), folds.valid_rows(k)])
        assert np.sort(both).tolist() == everybody.tolist()


def test_folds_of_sorted_folders_are_not_skewed() -> None:
    """Ids are clustered by age: folds that are not shuffled and stratified would hold one age each."""
    people = 120
    frame = pd.DataFrame(
        {
            "image": [f"{p}/{i}.jpg" for p in range(people) for i in range(7)],
            "group": [f"{p:06}" for p in range(people) for _ in range(7)],
            "extra": False,
            "mask": np.tile([0, 0, 0, 0, 0, 1, 2], people),
            "gender": np.repeat(np.arange(people) % 2, 7),
            "age": np.repeat(np.linspace(18, 75, people), 7),
        }
    )
    frame["label"] = MADE_OF.encode(frame)
    manifest = Manifest(Path("/nowhere"), "competition", frame, CLASSES, made_of=MADE_OF)
    folds = make_folds(manifest, 5, seed=0)
    strata = frame["gender"].to_numpy() * 3 + MADE_OF["age"].codes(frame["age"])
    for stratum in range(6):
        held = [int(((folds.fold == k) & (strata == stratum)).sum()) // 7 for k in range(5)]
        assert max(held) - min(held) <= 1, (stratum, held)


def test_the_seed_decides() -> None:
    manifest = table(list(range(60)), [i % 3 for i in range(60)])
    one, same, other = (make_folds(manifest, 5, seed) for seed in (0, 0, 1))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert (one.fold == same.fold).all()


def test_extra_rows_train_and_are_never_scored() -> None:
    """An extra photo of a scored person stays out of the folds that validate that person."""
    manifest = table([0, 1, 2, 3, 4, 5, 0, 99], [0, 1, 0, 1, 0, 1, 0, 1], [False] * 6 + [True] * 2)
    folds = make_folds(manifest, 2, seed=0)
    own = folds.fold[0]
    assert folds.fold.tolist()[6:] == [own, -1]
    for k in range(2):
        assert not {6, 7} & set(folds.valid_rows(k).tolist())
        assert 7 in folds.train_rows(k)
        assert (6 in folds.train_rows(k)) == (k != own)


def test_class_that_a_training_part_lacks_is_named() -> None:
    manifest = table([0, 1, 2, 3, 4, 4], [0, 0, 0, 1, 2, 2])
    folds = make_folds(manifest, 2, seed=0)
    lines = fold_warnings(manifest, folds)
    where = {3: folds.fold[3], 4: folds.fold[4]}
    for row, name in ((3, "1"), (4, "2")):
        start = f"warning: fold {where[row]} has no training image of class "
        assert any(line.startswith(start) and name in line.removeprefix(start).split(", ") for line in lines)
    assert fold_warnings(table(list(range(8)), [0, 1] * 4), make_folds(table(list(range(8)), [0, 1] * 4), 2, 0)) == []


def test_folds_that_are_scored_without_a_class_are_said() -> None:
    """A class of fewer groups than folds: the best network has no macro-F1 of 1 on such a fold."""
    manifest = table([*range(9), 9, 9, 10, 10], [0, 1, 2] * 3 + [2] * 4)
    few = table([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 0])
    made = make_folds(few, 3, seed=0)
    without = next(k for k in range(3) if 1 not in few.labels[made.valid_rows(k)])
    assert fold_warnings(few, made)[-1] == (
        f"note: 1 of 3 folds are scored without some class (fold {without} without 1), which counts as 0 in a fold's "
        "own macro-F1; a trial's score is over the rows of all folds"
    )
    assert not any("without" in line for line in fold_warnings(manifest, make_folds(manifest, 3, seed=0)))


def test_folds_of_very_different_sizes_are_said_with_the_group_that_makes_them() -> None:
    manifest = table([7] * 18 + [1] * 3 + [2] * 3, [0, 1, 2] * 8)
    folds = make_folds(manifest, 3, seed=0)
    big = int(folds.fold[0])
    sizes = ", ".join("18" if k == big else "3" for k in range(3))
    assert fold_warnings(manifest, folds) == [
        f"warning: folds of {sizes} images: the network of fold {big} learns from 6 and is scored on 18; the largest "
        "group, '7', has 18"
    ]
    even = table([7] * 6 + [1] * 3 + [2] * 3, [0, 1, 2] * 4)  # twice as many are usual with groups
    assert fold_warnings(even, make_folds(even, 3, 0)) == []


def test_fewer_groups_than_folds_is_refused() -> None:
    with pytest.raises(InputError, match="received 3 groups; allowed: at least 5"):
        make_folds(table([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1]), 5, 0)


@pytest.mark.parametrize("count", [0, 1, 101])
def test_number_of_folds_is_checked(count: int) -> None:
    with pytest.raises(InputError, match=f"received {count}; allowed: 2 to 100"):
        make_folds(table(list(range(300)), [0, 1] * 150), count, 0)


def test_classes_of_one_image_are_refused_and_of_fewer_than_folds_are_spread() -> None:
    with pytest.raises(InputError, match="received one image of each class; allowed: at least two"):
        make_folds(table(list(range(6)), list(range(6))), 3, 0)
    labels = np.repeat([0, 1, 2], 4)
    folds = make_folds(table(list(range(12)), labels.tolist()), 5, 0)
    assert sorted(np.bincount(folds.fold)) == [2, 2, 2, 3, 3]
    for label in range(3):
        assert len(set(folds.fold[labels == label])) == 4  # no two of a class in one fold


def test_as_many_groups_as_folds_are_a_group_each() -> None:
    """Some versions of scikit-learn leave a fold empty now and then."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        groups = np.repeat(np.arange(5), rng.integers(1, 8, 5)).tolist()
        folds = make_folds(table(groups, rng.integers(0, 3, len(groups)).tolist()), 5, 0)
        assert len(set(zip(groups, folds.fold.tolist(), strict=True))) == 5 == len(set(folds.fold.tolist()))
    names = np.array(["a", "b", "b", "c", "d"])
    assert filled(np.array([0, 0, 0, 0, 2], np.int8), names, 4).tolist() in ([1, 0, 0, 3, 2], [3, 0, 0, 1, 2])


def test_bad_photo_dropped_from_training_leaves_the_others(tmp_path: Path) -> None:
    manifest = read_manifest(generic_data(tmp_path / "d"))
    less = manifest.drop([manifest.frame["image"][3]])
    assert len(less.frame) == len(manifest.frame) - 1
    folds = make_folds(less, 3, 0)
    assert len(folds.fold) == len(less.frame)
    assert less.fingerprint() != manifest.fingerprint()


def test_extra_csv_of_both_layouts_is_read(tmp_path: Path) -> None:
    for make, row in ((generic_data, ("more/a.png", "class1")), (competition_data, ("more/a.png", "worn", "male", 44))):
        root = make(tmp_path / make.__name__)
        write_photo(root / "more" / "a.png", 90)
        names = ("path", "label") if len(row) == 2 else ("path", "mask", "gender", "age")
        write_table(root / "extra.csv", names, [row])
        manifest = read_manifest(root)
        assert manifest.scored.sum() == len(manifest.frame) - 1
        assert manifest.frame["image"].iloc[-1] == "more/a.png"
        assert manifest.labels[-1] == 1
