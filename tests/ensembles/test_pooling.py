"""Votes of a group pooled: against plain formulas, kept where it pays, and in a build."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers import complete_run, generic_data

from ensembles.build import main as build
from ensembles.pooling import POOLS, group_numbers, pooled, pooling_gain
from trainable.run import Run


def votes_of(random: np.random.Generator, shared: bool, count: int = 60) -> tuple[np.ndarray, ...]:
    """(votes, labels, fold, groups) of groups of 5 photos that have one label, or one each."""
    groups = np.repeat(np.arange(count), 5)
    labels = random.integers(0, 4, count)[groups] if shared else random.integers(0, 4, 5 * count)
    logits = random.normal(0, 1.5, (len(labels), 4)) + 1.5 * np.eye(4)[labels]
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True), labels, groups % 5, groups


@pytest.mark.parametrize("how", POOLS)
def test_a_group_has_one_answer(how: str) -> None:
    random = np.random.default_rng(0)
    votes, group = random.dirichlet(np.ones(3), 20), random.integers(0, 6, 20)
    found = pooled(votes, group, how)
    for g in np.unique(group):
        own = votes[group == g]
        expected = {"mean": own.mean(0), "max": own.max(0), "noisy_or": 1 - (1 - own).prod(0)}[how]
        assert found[group == g] == pytest.approx(np.tile(expected / expected.sum(), (len(own), 1)))


def test_pooling_pays_where_groups_share_their_label() -> None:
    found = pooling_gain(*votes_of(np.random.default_rng(1), shared=True))
    assert found is not None and found.pays and found.gain > 0.1
    assert found.after == pytest.approx(found.before + found.gain)


def test_pooling_does_not_pay_where_they_do_not() -> None:
    found = pooling_gain(*votes_of(np.random.default_rng(2), shared=False))
    assert found is not None and not found.pays
    votes, labels, fold, _ = votes_of(np.random.default_rng(3), shared=False)
    assert pooling_gain(votes, labels, fold, np.arange(len(labels))) is None


def test_photos_without_a_group_stand_alone() -> None:
    numbers = group_numbers(("a", "", "b", "a", "None", ""))
    assert numbers[0] == numbers[3] and len(set(numbers.tolist())) == 5


def test_a_build_pools_test_photos_whose_groups_are_given(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = generic_data(tmp_path / "data", people=16, each=4, test=6)
    with (data / "test.csv").open() as file:
        rows = [[*row, "group" if i == 0 else f"g{i % 2}"] for i, row in enumerate(csv.reader(file))]
    with (data / "test.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    run = Run.open(complete_run(data, tmp_path / "run"))
    assert build([str(run.root), "--name", "e", "--method", "best_single"]) == 0
    said, folder = capfd.readouterr().out, run.ensemble("e")
    kept, vote = folder.summary()["pooling"]["kept"], folder.test()["vote"]
    assert ("\none answer for all photos of a group, by" in f"\n{said}") == kept and "all photos of a group" in said
    if kept:
        assert np.ptp(vote[::2], axis=0).max() == 0
