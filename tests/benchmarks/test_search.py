"""The simulator: what it counts, that each policy does what its source says, and that the figures come out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from tables import write_table

from benchmarks import search
from benchmarks.record_tables import TABLES
from benchmarks.search_cells import headline
from benchmarks.search_policies import EarlyStoppedCV, FullCV, OneEpoch, Ours, Stock
from benchmarks.search_table import Table
from benchmarks.search_world import Trace, replay
from search.space import Search

TRIALS = 20


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return made(tmp_path_factory.mktemp("tables"), "sample")


def made(folder: Path, name: str) -> Table:
    write_table(folder, name, 0)
    return Table.read(name, folder)


def ours(table: Table, folder: Path, **changes: object) -> Ours:
    values = {"trials": TRIALS, "members": 3, **changes}
    return Ours(table, Search(folds=table.folds, epochs=table.epochs, **values), folder)


@pytest.mark.parametrize("name", ["sample", "clothing"])
def test_whatever_is_drawn_is_answered_by_the_recorded_point_that_is_nearest(tmp_path: Path, name: str) -> None:
    table = made(tmp_path, name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    places = [table.grid.place(point) for point in table.configs]
    ordered = [n in ("lr", "balance", "side", "freeze") for n in table.grid.values]
    for _ in range(200):
        trial = study.ask()
        point = table.suggest(trial)
        drawn = table.grid.place(table.grid.suggest(optuna.trial.FixedTrial(trial.params)))
        steps = [
            sum(abs(a - b) if rank else a != b for a, b, rank in zip(drawn, place, ordered, strict=True))
            for place in places
        ]
        assert steps[table.row_at(point)] == min(steps)
        assert table.row_of(table.grid.config(point)) == table.row_at(point)
        fixed = optuna.trial.FixedTrial(table.grid.parameters_of(point))
        assert table.suggest(fixed) == point
    assert table.configs[table.row_at(TABLES[name].recipe)] == TABLES[name].recipe


def test_full_cross_validation_takes_all_epochs_in_as_little_time_as_workers_allow(table: Table) -> None:
    trace = replay(table, FullCV(table, TRIALS, 0), 4)
    assert trace.epochs == TRIALS * table.full
    assert sorted(row for _, row in trace.complete) == sorted(trace.begun)
    alone = sum(table.cost(row) for row in trace.begun) * table.full
    assert alone / 4 <= trace.seconds <= alone / 4 + 2 * table.full
    assert replay(table, FullCV(table, TRIALS, 0), 1).seconds == pytest.approx(alone)


def test_an_epoch_is_paid_for_once(table: Table) -> None:
    class Twice(FullCV):
        def __init__(self) -> None:
            super().__init__(table, 1, 0)
            self.todo.append(self.todo[0])

    assert replay(table, Twice(), 1).epochs == table.full


def test_one_epoch_then_the_best_first(table: Table) -> None:
    trace = replay(table, OneEpoch(table, TRIALS, 0), 1)
    first = sorted(trace.begun, key=lambda row: -table.score[row, 0, 0])
    assert [row for _, row in trace.complete] == first
    assert trace.complete[0][0] == TRIALS + table.full - 1


def test_one_epoch_of_a_whole_grid_that_has_fewer_than_asked_for_goes_on_too(table: Table) -> None:
    trace = replay(table, OneEpoch(table, len(table.configs) + 7, 0), 2)
    assert len(trace.complete) == len(table.configs), "it had waited for first epochs that were not to come"


def test_early_stopped_trials_are_not_above_the_worst_fold_of_the_best_before_them(table: Table) -> None:
    trace = replay(table, EarlyStoppedCV(table, TRIALS, 0), 1)
    best, complete = -1.0, []
    for row in trace.begun:
        folds = table.score[row, :, -1]
        worst = min(table.score[complete[-1], :, -1]) if complete else -1.0
        if all(folds[: k + 1].mean() > worst for k in range(table.folds - 1)):
            if folds.mean() > best:
                best = folds.mean()
                complete.append(row)
            assert row in {r for _, r in trace.complete}
        else:
            assert row not in {r for _, r in trace.complete}


def test_stock_tuner_stops_most_and_ends(table: Table) -> None:
    trace = replay(table, Stock(table, TRIALS, 0, 1), 4)
    assert 0 < len(trace.complete) < len(trace.begun) <= TRIALS
    assert trace.epochs < TRIALS * table.full / 2


def test_our_search_is_the_real_one(table: Table, tmp_path: Path) -> None:
    policy = ours(table, tmp_path)
    trace = replay(table, policy, 4)
    policy.director.conclude()
    states = [t.state for t in policy.director.ledger.named().values()]
    assert len(states) == len(trace.begun) == TRIALS
    assert states.count(TrialState.COMPLETE) == len(trace.complete) >= 3
    assert states.count(TrialState.PRUNED) == TRIALS - len(trace.complete)
    for trial, frozen in policy.director.ledger.named().items():
        row = table.row_of(policy.director.run.trial(trial).config)
        assert frozen.intermediate_values[1] == table.score[row, 0, 0]
        if frozen.state == TrialState.COMPLETE:
            assert frozen.value == pytest.approx(table.oof[row])


def test_a_level_is_reached_when_the_vote_first_has_it() -> None:
    scores = {frozenset({7}): 0.5, frozenset({7, 8}): 0.4, frozenset({7, 8, 9}): 0.7}
    trace = Trace([(10, 7), (20, 8), (30, 9)], [0.4, 0.7, 1.0], [7, 8, 9], 30, 1.0)
    points = list(search.curve(trace, scores.__getitem__))
    assert points == [(10, 0.5), (20, 0.4), (30, 0.7)]
    assert [search.first_reach(points, level) for level in (0.3, 0.5, 0.6, 0.8)] == [10, 10, 30, np.inf]
    assert [search.after(trace, epochs, scores.__getitem__) for epochs in (5, 10, 25, 99)] == [0.0, 0.5, 0.4, 0.7]


def test_figures_have_the_promised_names(table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(search, "TRIALS", TRIALS)
    monkeypatch.setattr(search, "MEMBERS", 3)
    arms = ("full_cv_random", "early_stopped_cv", "one_epoch_topk", "stock", "ours")
    found = search.compare(table, {arm: [search.run(table, search.ARMS[arm], seed) for seed in (0, 1)] for arm in arms})
    for name in ("full_cv_random", "stock", "one_epoch_topk"):
        assert set(found[f"epochs_ratio_vs_{name}"]) == {"p50", "p75", "p90"}
    assert found["seeds"] == 2
    assert 0 <= found["top_m_survival"] <= 1
    assert 0 < found["kendall_tau_fold0"] < 1
    assert min(found["clairvoyant"].values()) >= table.full, "a complete trial"
    assert found["clairvoyant"]["p75"] >= found["clairvoyant"]["p50"] >= found["clairvoyant"]["90% of p50"]
    traces = [search.run(table, search.ARMS["full_cv_random"], seed) for seed in range(2)]
    ends = [table.vote(frozenset(row for _, row in trace.complete[:TRIALS])) for trace in traces]
    assert found["levels"]["p50"] == pytest.approx(np.median(ends), abs=1e-4)
    again = headline(found["cells"], found["arms"]["stock"]["median_epochs"])
    assert again["vs_stock"] == found["epochs_ratio_vs_stock"]
    for level, share in again["share_of_clairvoyant"].items():
        mine = found["arms"]["ours"]["epochs_to"][level]  # None where half of the searches do not get there
        assert share == (mine and pytest.approx(found["clairvoyant"][level] / mine, rel=1e-2))
    monkeypatch.setattr(search, "recorded", lambda name: table)
    monkeypatch.setattr(search, "CHECKED", 1)
    cells, file = found["cells"], tmp_path / "search.json"
    record = {"stock_spent": {"made": found["arms"]["stock"]["median_epochs"]}, "cells": {"made": cells}}
    record |= {figure: {"made": values} for figure, values in again.items()}
    file.write_text(json.dumps(record))
    assert search.check(file) == 0
    cells["clairvoyant"]["p50"][0] += 1
    file.write_text(json.dumps(record))
    assert search.check(file) == 1
