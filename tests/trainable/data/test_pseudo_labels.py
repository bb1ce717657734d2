"""Pseudo labels: who may teach whom, and what happens when that rule is broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import people, tiny

from trainable.data.folds import make_folds
from trainable.data.layouts.competition import MADE_OF
from trainable.data.manifest import TestSet
from trainable.data.pseudo_labels import NOTHING, answers, pseudo_answers, with_pseudo, without_pseudo
from trainable.data.rows import training_rows
from trainable.errors import InputError


def test_answers_are_each_folds_own_vote():
    rng = np.random.default_rng(0)
    votes = rng.dirichlet(np.ones(18) / 4, (5, 40)).astype(np.float32)  # folds, photos, classes
    found = answers(votes, 0.3)
    assert found.dtype == np.float32
    for k, vote in enumerate(votes):
        assert found[:, k] == pytest.approx(np.where(vote.max(1, keepdims=True) >= 0.3, vote, 0), abs=1e-6)
    assert 0 < found.any(2).mean() < 1
    with pytest.raises(InputError, match=r"threshold: received 1\.5; allowed: above 0"):
        answers(votes, 1.5)


def test_thresholds_may_be_an_attributes():
    p = np.zeros((1, 2, 18), np.float32)
    p[0, 0, [0, 1]] = 0.5, 0.5  # mask and gender sure, age not
    p[0, 1, 5] = 1.0
    assert np.array_equal(answers(p, {"mask": 0.9, "gender": 0.9}, MADE_OF)[:, 0], p[0])
    assert answers(p, {"age": 0.6}, MADE_OF).any(2).tolist() == [[False], [True]]
    with pytest.raises(InputError, match="received colour; allowed: mask, gender, age"):
        answers(p, {"colour": 0.5}, MADE_OF)


def files(root: Path, count: int) -> TestSet:
    names = [f"eval/{i}.jpg" for i in range(count)]
    (root / "eval").mkdir()
    for name in names:
        (root / name).write_bytes(b"x")
    return TestSet.of_photos(root, names, ("0",) * 18, "ImageID")


def told(*photos: list[dict[int, float] | None]) -> np.ndarray:
    """float32 [M, K, 18] of {class: share} of a photo and fold, None where not sure."""
    found = np.zeros((len(photos), len(photos[0]), 18), np.float32)
    for photo, folds in enumerate(photos):
        for k, shares in enumerate(folds):
            for label, share in (shares or {}).items():
                found[photo, k, label] = share
    return found


SOME = told([{3: 0.75, 9: 0.25}, {4: 1.0}], [None, {17: 0.5, 5: 0.375, 0: 0.125}], [None, None])


def test_pseudo_rows_train_only_in_folds_that_are_sure_with_what_that_fold_says(tmp_path):
    manifest = replace(people((25, 45, 60, 25, 45, 60) * 2), root=tmp_path)
    folds = make_folds(manifest, 2, 0)
    more, wider = with_pseudo(manifest, folds, files(tmp_path, 3), SOME)
    more.frame.to_parquet(tmp_path / "manifest.parquet")
    more = replace(more, frame=pd.read_parquet(tmp_path / "manifest.parquet"))
    total = len(manifest.frame)
    assert len(more.frame) == total + 2  # nobody was sure of the third
    for k, expected in enumerate([{total: 3}, {total: 4, total + 1: 17}]):
        found = training_rows(tiny(), more, wider, k)
        before = training_rows(tiny(), manifest, folds, k)
        assert set(found.rows) == set(before.rows) | set(expected)
        assert {r: found.labels[r] for r in expected} == expected
        assert found.soft.rows.tolist() == list(expected) and before.soft is None
        assert np.array_equal(found.soft.shares, SOME[np.array(list(expected)) - total, k])
        age = training_rows(tiny(target="age"), more, wider, k)
        by_age = SOME[np.array(list(expected)) - total, k].reshape(-1, 6, 3).sum(1)
        assert np.allclose(age.soft.shares, by_age) and age.labels[age.soft.rows].tolist() == by_age.argmax(1).tolist()
        assert np.array_equal(found.labels[before.rows], before.labels[before.rows])
        assert np.array_equal(wider.valid_rows(k), folds.valid_rows(k))
    named = tiny(stage={"rows": "mask=none"}, epochs=2, mix={"name": "cutmix", "partner": "age=>=60"})
    last = training_rows(named, more, wider, 1)
    assert last.first[total + 1] and last.partners[total + 1] and not last.partners[total]
    strict = training_rows(tiny(rows={"drop": {"age": [3, 3]}, "cuts": {"age": [30, 58]}}), more, wider, 1)
    assert {total, total + 1} <= set(strict.rows)
    assert wider.fingerprint() != folds.fingerprint()


def test_pseudo_labels_of_other_photos_or_folds_are_refused(tmp_path):
    manifest = replace(people((25, 45, 60) * 4), root=tmp_path)
    folds, test = make_folds(manifest, 2, 0), files(tmp_path, 3)
    with pytest.raises(InputError, match=r"received \(3, 5, 18\); allowed: \(3, 2, 18\)"):
        with_pseudo(manifest, folds, test, np.zeros((3, 5, 18), np.float32))
    with pytest.raises(InputError, match="photos below"):
        with_pseudo(manifest, folds, replace(test, root=tmp_path / "eval"), SOME)


def test_breaking_the_rule_leaks():
    """Labels are noise, the unlabelled photos look like the labelled: nothing can be learnt, unless it is told.

    The model is the nearest neighbour, which knows its training labels by heart. With answers of its own fold it stays
    at chance; with those of the other folds, which have seen its validation labels, it seems to be right.
    """
    rng = np.random.default_rng(0)
    count, folds, classes = 300, 5, 4
    place, labels, fold = rng.random((count, 2)), rng.integers(0, classes, count), np.arange(count) % folds
    unlabelled = place + rng.normal(0, 1e-4, place.shape)

    def nearest(known: np.ndarray, shares: np.ndarray, asked: np.ndarray) -> np.ndarray:
        return shares[((asked[:, None] - known[None]) ** 2).sum(2).argmin(1)]

    shares = 0.6 * np.eye(classes)[labels] + 0.1  # soft, as votes are
    votes = np.stack([nearest(place[fold != k], shares[fold != k], unlabelled) for k in range(folds)])
    told = answers(votes, 0.5)
    accuracy = {}
    for rule in ("own", "others"):
        right = np.zeros(count, bool)
        for k in range(folds):
            teacher = k if rule == "own" else (k + 1) % folds
            known = np.concatenate([place[fold != k], unlabelled])
            guess = nearest(known, np.concatenate([shares[fold != k], told[:, teacher]]), place[fold == k])
            right[fold == k] = guess.argmax(1) == labels[fold == k]
        accuracy[rule] = right.mean()
    assert accuracy["own"] < 0.35 and accuracy["others"] > 0.95


def test_without_pseudo_is_what_there_was_before(tmp_path):
    manifest = replace(people((25, 45, 60) * 4), root=tmp_path)
    folds = make_folds(manifest, 2, 0)
    more, wider = with_pseudo(manifest, folds, files(tmp_path, 3), SOME)
    again, own = without_pseudo(more, wider)
    assert again.fingerprint() == manifest.fingerprint() and own.fingerprint() == folds.fingerprint()
    assert without_pseudo(manifest, folds) == (manifest, folds)


def test_a_network_of_all_rows_takes_the_mean_of_the_folds_that_were_sure():
    some = told([{1: 0.75, 0: 0.25}, {1: 0.25, 2: 0.75}, None], [None, {5: 1.0}, None], [None, None, None])
    columns = {f"pseudo_{k}": [s.tobytes() if s.any() else NOTHING for s in some[:, k]] for k in range(3)}
    frame = pd.DataFrame({**columns, "pseudo": True})
    found = pseudo_answers(frame, None, 18)
    assert found.rows.tolist() == [0, 1] and np.array_equal(
        found.shares, told([{0: 0.125, 1: 0.5, 2: 0.375}], [{5: 1}])[:, 0]
    )
    assert pseudo_answers(frame, 0, 18).rows.tolist() == [0]
    assert len(pseudo_answers(frame, 2, 18).rows) == 0 and pseudo_answers(frame, 2, 18).among(np.arange(3)) is None
