"""The log-linear pool: its weights against another optimiser, and what they ought to find."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from test_methods import problem

from ensembles.methods import fit, log_pool
from ensembles.methods.log_pool import FLOOR, fit_weights, powers


def honest(rows: int = 5000) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities [rows, 4] and labels drawn from them."""
    random = np.random.default_rng(0)
    table = random.dirichlet(np.ones(4), rows)
    return table, (table.cumsum(axis=1) > random.random((rows, 1))).argmax(axis=1)


@pytest.mark.parametrize("sharpness", [0.5, 2.0])
def test_a_member_of_known_sharpness_is_made_honest_again(sharpness: float) -> None:
    table, labels = honest()
    member = table**sharpness / (table**sharpness).sum(axis=1, keepdims=True)
    weights = fit_weights(member[None], labels)
    assert weights == pytest.approx([1 / sharpness], rel=0.05)
    np.testing.assert_allclose(powers(member[None], np.array([1 / sharpness])), table, atol=1e-3)


def test_a_member_that_knows_nothing_gets_next_to_nothing() -> None:
    table, labels = honest()
    other = np.random.default_rng(1).dirichlet(np.ones(4), len(labels))
    weights = fit_weights(np.stack([table, other]), labels)
    assert weights[0] == pytest.approx(1, rel=0.05) and weights[1] < 0.03


def test_weights_are_those_of_another_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum of the log loss and the prior, written anew; read in one block or in many."""
    table, labels, _ = problem(members=9, rows=300, seed=5)
    logs = np.log(np.maximum(table.astype(np.float64), FLOOR))

    def total(weights: NDArray[np.float64]) -> float:
        votes = np.einsum("t,tnc->nc", weights, logs)
        votes -= votes.max(axis=1, keepdims=True)
        likely = votes[np.arange(300), labels] - np.log(np.exp(votes).sum(axis=1))
        return float(-likely.sum() + 9 / 2 * ((weights - 1 / 9) ** 2).sum())

    found = fit_weights(table, labels)
    theirs = minimize(total, np.full(9, 1 / 9), bounds=[(0, None)] * 9, method="L-BFGS-B", options={"ftol": 1e-14})
    np.testing.assert_allclose(found, theirs.x, atol=1e-3)
    assert total(found) <= theirs.fun + 1e-6
    assert (found == 0).any()  # the bound is met, so it was tested
    monkeypatch.setattr(log_pool, "BLOCK", 9 * 6 * 7)
    np.testing.assert_allclose(fit_weights(table, labels), found, atol=1e-9)


def test_certain_and_wrong_members_do_not_break_the_steps() -> None:
    """Zeros and ones, some of them wrong: the loss stays finite and the weights too."""
    table, labels, _ = problem(members=5, rows=200, seed=6)
    hard = np.eye(6)[table.argmax(axis=2)].astype(np.float32)
    weights = fit_weights(hard, labels)
    assert np.isfinite(weights).all() and 0 < weights.sum() < 2


def test_members_that_all_speak_against_the_labels_still_vote() -> None:
    table, labels = honest()
    against = (1 - table) / 3
    assert fit_weights(against[None], labels).tolist() == [0]
    assert fit("log_pool", np.stack([against, against]), labels).weights.tolist() == [0.5, 0.5]


def test_copies_share_what_one_of_them_would_get() -> None:
    """Also over so many rows that rounding exceeds the prior."""
    table, labels = honest(100_000)
    weights = fit_weights(np.stack([table, table, table]), labels)
    assert weights.sum() == pytest.approx(1, rel=0.02) and np.ptp(weights) < 1e-3
