"""The benchmark of the prior: its table, what regret means there, its searches, its recorded figures."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from benchmarks.prior import RESULTS
from benchmarks.prior_cells import headline
from benchmarks.prior_replay import BUDGET, EIGHTH, Replay, Rungs, mixed
from benchmarks.prior_rounds import Rounds, Setting, lost_at_random, unit
from benchmarks.prior_table import EPOCHS, STEPS, Table
from search.prior import FILE, settings_of
from trainable.config import TrialConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def table() -> Table:
    return Table.read(RESULTS / "prior_table.npz")


def test_table_names_what_a_configuration_has(table: Table) -> None:
    assert set(settings_of(TrialConfig())) <= set(table.numbers)
    assert {len(values) for values in table.numbers.values()} == {3254}
    assert all(np.isfinite(values).all() for values in table.numbers.values())


def test_random_loses_what_the_issue_measured(table: Table) -> None:
    for count, lost in ((3, 0.286), (20, 0.051)):
        found = [lost_at_random(unit(table.value[rows]), count) for rows in table.rows]
        assert np.mean(found) == pytest.approx(lost, abs=5e-4)


def test_expected_loss_is_that_of_draws() -> None:
    random = np.random.default_rng(0)
    value = unit(random.random(30))
    drawn = [value.max() - random.choice(value, 3, replace=False).max() for _ in range(20_000)]
    assert lost_at_random(value) == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / len(drawn) ** 0.5)


def test_fit_is_ridge_regression_without_the_data_sets_left_out(table: Table) -> None:
    rounds, setting = Rounds.of(table), Setting("squares", 2, 100.0)
    kept = ~np.isin(table.data_set, (0, 3))
    x = rounds.columns["squares"][:, 1:]
    found = Ridge(alpha=100.0).fit(x[kept], rounds.rank[kept] ** 2)
    coefficients = rounds.fit(setting, (0, 3))
    assert coefficients[1:] == pytest.approx(found.coef_, abs=1e-9)
    assert coefficients[0] == pytest.approx(found.intercept_, abs=1e-9)


def test_a_family_left_out_is_not_learnt_from(table: Table) -> None:
    rows = table.family != 2
    rounds, setting = Rounds.of(table, rows), Setting("linear", 1, 10.0)
    x = rounds.columns["linear"][:, 1:]
    found = Ridge(alpha=10.0).fit(x[rows], rounds.rank[rows])
    assert rounds.fit(setting)[1:] == pytest.approx(found.coef_, abs=1e-9)


@pytest.mark.parametrize("rungs", [EIGHTH, Rungs(2, 3), Rungs(25, 4)])
def test_search_spends_its_epochs_and_completes_a_trial(table: Table, rungs: Rungs) -> None:
    random = np.random.default_rng(0)
    for data_set in (0, 7, 25):
        search = Replay(table, data_set, rungs, random.permutation(len(table.rows[data_set])))
        regret = search.regret()
        assert 0 <= regret < 1 and search.complete
        assert search.left > -EPOCHS and search.left < BUDGET
    assert set(search.steps) <= set(STEPS)


def test_one_in_four_of_an_order_is_random() -> None:
    found = list(mixed(np.arange(40), np.random.default_rng(0)))
    assert sorted(found) == list(range(40))
    guided = [v for i, v in enumerate(found) if i % 4 != 3]
    assert guided == sorted(guided)


def test_recorded_figures_follow_from_the_recorded_cells_and_meet_their_bars() -> None:
    record = json.loads((RESULTS / "prior.json").read_text(encoding="utf-8"))
    for name, value in headline(record["cells"], record["families"]).items():
        assert record[name] == pytest.approx(value, rel=1e-3, abs=1e-9), name
    assert record["regret_first3"] <= 0.03 and record["regret_450"] <= 0.01
    assert record["worst_against_random"] <= 0.02
    assert record["unseen_family"] < record["unseen_family_random"]
    assert len(record["cells"]) == 26


def test_source_and_licence_go_with_the_numbers() -> None:
    held = json.loads(FILE.read_text(encoding="utf-8"))
    assert "quicktune" in held["source"] and "BSD 3-Clause" in held["licence"]
    assert "Copyright (c) 2024, rapanti" in FILE.with_name("prior.LICENSE").read_text(encoding="utf-8")


@pytest.mark.slow
def test_check_finds_what_was_recorded() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.prior", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
