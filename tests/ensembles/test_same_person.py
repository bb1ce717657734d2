"""Grouping photos of one person, and the test whether it pays."""

import numpy as np
import pytest

from ensembles.same_person import Neighbours, decide_together, grouping_gain, own_and_shared, surroundings
from trainable.data.layouts.competition import MADE_OF

TABLE = own_and_shared(MADE_OF, ("gender", "age"))


def people(random: np.random.Generator, count: int = 60, noise: float = 2.0) -> tuple[np.ndarray, ...]:
    """(features, votes, labels, fold, groups) of `count` people with 7 photos: weak votes, gender and age one each."""
    groups = np.repeat(np.arange(count), 7)
    gender, age = random.integers(0, 2, count)[groups], random.integers(0, 3, count)[groups]
    mask = np.tile([0, 0, 0, 0, 0, 1, 2], count)
    labels = MADE_OF.grid.encode([mask, gender, age])
    logits = random.normal(0, 1, (len(labels), 18)) + 1.5 * np.eye(18)[labels]
    votes = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    features = random.normal(0, 10, (count, 8))[groups] + random.normal(0, noise, (len(groups), 8))
    return features.astype(np.float32), votes, labels, groups % 5, groups


def test_photos_of_one_room_are_joined_and_no_group_is_too_large() -> None:
    features, *_, groups = people(np.random.default_rng(0), noise=0.1)
    near = Neighbours(features)
    found = near.groups(2.0, 7)
    assert (np.unique(np.stack([found, groups]), axis=1).shape[1]) == 60 == found.max() + 1
    assert np.bincount(near.groups(1e9, 4)).max() <= 4
    assert np.bincount(near.groups(0.0, 7)).max() == 1


def test_one_gender_and_age_a_group_and_a_mask_a_photo() -> None:
    _, votes, _, _, groups = people(np.random.default_rng(1))
    scores = decide_together(votes, groups, TABLE)
    assert scores.sum(1) == pytest.approx(1)
    given, was = MADE_OF.decode(scores.argmax(1)), MADE_OF.decode(votes.argmax(1))
    for name in ("gender", "age"):
        assert all(len(set(given[name][groups == g])) == 1 for g in range(60))
    split = votes.reshape(-1, *MADE_OF.grid.sizes).sum((2, 3))
    assert (given["mask"] == split.argmax(1)).all()
    alone = decide_together(votes, np.arange(len(votes)), TABLE)
    assert (MADE_OF.decode(alone.argmax(1))["gender"] == was["gender"]).all()
    assert alone == pytest.approx(votes)


def test_gain_is_kept_where_rooms_tell_people_apart() -> None:
    features, votes, labels, fold, groups = people(np.random.default_rng(2))
    found = grouping_gain(votes, labels, fold, groups, Neighbours(features), TABLE)
    assert found.pays and found.gain > 0.1
    assert found.size == 7
    assert found.pairs > 0.9
    assert found.after == pytest.approx(found.before + found.gain)


def test_nothing_is_kept_where_rooms_say_nothing() -> None:
    random = np.random.default_rng(3)
    _, votes, labels, fold, groups = people(random)
    near = Neighbours(random.normal(0, 1, (len(labels), 8)).astype(np.float32))
    found = grouping_gain(votes, labels, fold, groups, near, TABLE)
    assert not found.pays
    assert found.pairs < 0.2


def test_surroundings_leave_out_the_face_and_the_light() -> None:
    random = np.random.default_rng(4)
    photo = random.integers(60, 180, (64, 48, 3), dtype=np.uint8)
    other = photo.copy()
    other[20:44, 18:30] = 0
    brighter = photo + np.uint8(40)
    one, two, three = surroundings([photo, other, brighter])
    assert (one == two).all()
    assert one == pytest.approx(three, abs=0.2)
