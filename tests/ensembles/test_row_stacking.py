"""Stacking that looks at columns and groups beside votes: against formulas, and nothing leaks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import complete_run, generic_data

from ensembles.build import main as build
from ensembles.ensemble import read_ensemble
from ensembles.export.__main__ import main as export
from ensembles.methods import RowFacts, fit, load
from ensembles.methods.row_facts import encoded, encodings, of_others
from ensembles.nested import evaluate_methods
from ensembles.predict import main as predict
from trainable.metrics import accuracy
from trainable.run import Run

GROUPS, EACH, CLASSES = 200, 5, 3


class Rows:
    """Two weak members of rows whose site and size know more; rows of a group have one label."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.group = np.repeat(np.arange(GROUPS), EACH)
        self.labels = random.integers(0, CLASSES, GROUPS)[self.group]
        self.fold = self.group % 4
        logits = random.normal(0, 1.5, (2, GROUPS * EACH, CLASSES))
        logits[:, np.arange(GROUPS * EACH), self.labels] += 1
        self.table = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
        of_group = np.where(
            random.random(GROUPS)[self.group] < 0.5, self.labels, random.integers(0, 3, GROUPS)[self.group]
        )
        size = np.where(self.labels == 1, 5, 3) + random.normal(0, 1, len(self.labels))
        columns = {"site": np.array(["north", "south", "west"])[of_group], "size": np.char.mod("%.3f", size)}
        self.facts = RowFacts({**columns, "id": np.arange(len(size)).astype(str)}, self.group)

    def of(self, rows: slice, name: str = "row_stacking", facts: RowFacts | None = None):
        return fit(name, self.table[:, rows], self.labels[rows], facts=facts and facts.of(np.arange(10**4)[rows]))


KNOWN, NEW = slice(0, 500), slice(500, 1000)


def test_columns_and_groups_tell_more_and_without_them_it_votes_as_on_the_average_row() -> None:
    rows = Rows(0)
    right = {}
    for words, facts in {
        "all": rows.facts,
        "columns": RowFacts(rows.facts.columns),
        "group": RowFacts({}, rows.group),
        "nothing": RowFacts(),
    }.items():
        fitted = rows.of(KNOWN, facts=facts)
        again = load("row_stacking", json.loads(json.dumps(fitted.parameters)))
        scores = again.apply(rows.table[:, NEW], facts.of(np.arange(500, 1000)))
        np.testing.assert_allclose(scores.sum(1), 1)
        right[words] = accuracy(rows.labels[NEW], scores.argmax(1))
        empty = RowFacts({name: np.full(500, "") for name in facts.columns}, np.arange(500))
        np.testing.assert_allclose(
            fitted.apply(rows.table[:, NEW], empty), fitted.apply(rows.table[:, NEW]), atol=1e-12
        )
    plain = rows.of(KNOWN, "stacking").apply(rows.table[:, NEW])
    np.testing.assert_allclose(rows.of(KNOWN).apply(rows.table[:, NEW]), plain, atol=1e-9)
    assert right["nothing"] == accuracy(rows.labels[NEW], plain.argmax(1))
    assert right["columns"] > right["nothing"] + 0.05 and right["group"] > right["nothing"] + 0.05
    assert right["all"] > max(right["columns"], right["group"])


@pytest.mark.parametrize("whole_groups", [False, True])
def test_nothing_is_told_of_permuted_labels(whole_groups: bool) -> None:
    """Nested, with columns that name every group: labels dealt anew, to rows or to whole groups."""
    right = 0.0
    for seed in range(2):
        rows, random = Rows(seed), np.random.default_rng(seed)
        labels = random.permutation(GROUPS)[rows.group] % CLASSES if whole_groups else random.permutation(rows.labels)
        told = {**rows.facts.columns, "name": np.char.mod("n%d", rows.group), "number": rows.group.astype(str)}
        facts = RowFacts(told, rows.group)
        found = evaluate_methods(
            rows.table, labels, rows.fold, rows.group, "accuracy", methods=["row_stacking"], auto=False, facts=facts
        )
        right += found.rows[0].nested / 2
    draws = 2 * GROUPS * (1 if whole_groups else EACH)
    assert right < 1 / CLASSES + 3 * np.sqrt(2 / 9 / draws)


def test_inputs_are_standardised_and_what_names_rows_is_left_out() -> None:
    rows = Rows(3)
    how = encodings({**rows.facts.columns, "same": np.full(1000, "x"), "name": np.char.mod("n%d", np.arange(1000))})
    assert [one["name"] for one in how] == ["site", "size", "id"]  # a number is never a name
    values = encoded(rows.facts.columns, how, 1000)
    assert values.shape == (1000, 5)
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-9)
    strange = {"site": np.array(["east", "", "north"]), "size": np.array(["nan", "", "4"])}
    found = encoded(strange, how, 3)
    assert (found[:2] == 0).all() and (found[:, 4] == 0).all()  # nobody said east in training
    assert found[2, 0] > 0 > found[2, 1] and found[2, 3] == pytest.approx((4 - how[1]["mean"]) / how[1]["spread"])


def test_a_rows_own_vote_is_not_among_those_of_its_group() -> None:
    random = np.random.default_rng(0)
    values, group = random.normal(size=(30, 3)), random.integers(0, 9, 30) * 5
    for n, found in enumerate(of_others(values, group)):
        mates = [m for m in range(30) if group[m] == group[n] and m != n]
        np.testing.assert_allclose(found, values[mates].mean(0) if mates else np.zeros(3), atol=1e-12)


@pytest.mark.slow
def test_a_build_learns_only_what_is_known_of_the_test_photos(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = generic_data(tmp_path / "data")
    table, test = pd.read_csv(data / "manifest.csv"), pd.read_csv(data / "test.csv")
    table = table.assign(site=np.where(table["label"] == "class0", "in", "out"), weight=np.arange(len(table)))
    table.to_csv(data / "manifest.csv", index=False)
    test.assign(site=["in", "out", "in", "", "elsewhere"], group=list("aabbc")).to_csv(data / "test.csv", index=False)
    run = complete_run(data, tmp_path / "run", learning_rates=(1e-3, 3e-3))
    assert build([str(run), "--method", "row_stacking"]) == 0
    said = capfd.readouterr().out
    assert "beside votes: column site and what is said of a group's other photos" in said
    assert "left out: weight, which is not known of the test photos" in said
    place = Run(run).ensemble("row_stacking")
    built, votes = read_ensemble(place.root), place.test()
    assert [one["name"] for one in built.fitted.parameters["columns"]] == ["site"]
    facts = RowFacts({"site": np.array(["in", "out", "in", "", "elsewhere"])}, np.array([0, 0, 1, 1, 2]))
    members = [votes["members"].tolist().index(m.name) for m in built.members]
    own = built.vote(votes["probabilities"][members].mean(1), facts)
    assert np.abs(own - built.vote(votes["probabilities"][members].mean(1))).max() > 1e-3
    np.testing.assert_allclose(votes["vote"], own, atol=1e-6)
    warning = "warning: row_stacking looks at column site and what is said of a group's other photos, not known of"
    assert predict([str(place.root), str(data / "test"), "--out", str(tmp_path / "new.csv")]) == 0
    assert warning in capfd.readouterr().out
    assert export([str(place.root), str(tmp_path / "out"), "--no-onnx"]) == 0
    assert warning in capfd.readouterr().out and warning in (tmp_path / "out" / "README.md").read_text()
