"""The cells of benchmarks.prior: what suggestions and searches lose on the data set left out; the figures from them."""

from typing import Any

import numpy as np
from scipy.stats import kendalltau

from benchmarks.measure import rounded
from benchmarks.prior_replay import EIGHTH, HALF, RUNGS, Replay, Rungs, mixed
from benchmarks.prior_rounds import SUGGESTIONS, Rounds, Setting, lost_at_random, unit
from benchmarks.prior_table import FAMILIES, STEPS, Table

SEEDS, RANDOM_SEEDS, INNER_SEEDS = 10, 20, 2
Cell = dict[str, Any]


def first_three(rounds: Rounds, setting: Setting, data_set: int) -> Cell:
    """What three suggestions lose, and three random ones."""
    value = rounds.table.value[rounds.table.rows[data_set]].astype(np.float64)
    got = value[rounds.order(setting, data_set, (data_set,))[:SUGGESTIONS]].max()
    middle, lost = value.max() - np.median(value), lost_at_random(unit(value))
    return {
        "regret_first3": float((value.max() - got) / np.ptp(value)),
        "random_first3": lost,
        "by_median_first3": float((value.max() - got) / middle),
        "by_median_random": float(lost * np.ptp(value) / middle),
    }


def searched(rounds: Rounds, setting: Setting, data_set: int, without: tuple[int, ...], rungs: Rungs, n: int) -> float:
    """Mean regret of `n` searches of 450 epochs in the prior's order."""
    order, draw = rounds.order(setting, data_set, without), np.random.default_rng([2, data_set])
    return float(np.mean([Replay(rounds.table, data_set, rungs, mixed(order, draw)).regret() for _ in range(n)]))


def at_random(table: Table, data_set: int, rungs: Rungs) -> float:
    draw, count = np.random.default_rng([3, data_set]), len(table.rows[data_set])
    orders = [draw.permutation(count) for _ in range(RANDOM_SEEDS)]
    return float(np.mean([Replay(table, data_set, rungs, order).regret() for order in orders]))


def round_of(rounds: Rounds, data_set: int) -> Cell:
    """A data set left out: everything is chosen on the others."""
    setting, others = rounds.choose((data_set,)), [j for j in rounds.sets if j != data_set]

    def lost(rungs: Rungs) -> float:
        return float(
            np.mean([searched(rounds, setting, j, (data_set, j), rungs, INNER_SEEDS) for j in others]),
        )

    rungs = min(RUNGS, key=lost)
    found = {
        rungs_name(some): [
            searched(rounds, setting, data_set, (data_set,), some, SEEDS),
            at_random(rounds.table, data_set, some),
        ]
        for some in RUNGS
    }
    return {
        "data_set": str(rounds.table.data_sets[data_set]),
        "setting": list(setting),
        "rungs": rungs_name(rungs),
        **first_three(rounds, setting, data_set),
        "regret_450": found[rungs_name(rungs)][0],
        "random_450": found[rungs_name(rungs)][1],
        "by_rungs": found,
    }


def rungs_name(rungs: Rungs) -> str:
    return f"{rungs.grace}/{rungs.eta}"


def family_cell(rounds: Rounds, family: int, data_set: int) -> Cell:
    """`rounds` learns from no network of the family."""
    setting = rounds.choose((data_set,))
    table, rows = rounds.table, rounds.table.rows[data_set]
    order, value = rounds.order(setting, data_set, (data_set,)), unit(table.value[rows])
    own = table.family[rows] == family
    within = [place for place in order if own[place]]
    cell: Cell = {
        "family": FAMILIES[family],
        "data_set": str(table.data_sets[data_set]),
        "regret": float(1 - value[order[:SUGGESTIONS]].max()),
        "random": lost_at_random(value),
    }
    if len(within) > SUGGESTIONS:
        best = value[own].max()
        cell["within"] = float(best - value[within[:SUGGESTIONS]].max())
        cell["within_random"] = lost_at_random(value[own])
    return cell


def families(table: Table, sets: range | tuple[int, ...]) -> list[Cell]:
    found = []
    for family in range(len(FAMILIES)):
        rounds = Rounds.of(table, table.family != family)
        found += [family_cell(rounds, family, data_set) for data_set in sets]
        print(f"  without {FAMILIES[family]}", flush=True)
    return found


def headline(cells: list[Cell], unseen: list[Cell]) -> dict[str, float]:
    """The figures, from the cells alone."""

    def mean(name: str, among: list[Cell] = cells) -> float:
        return float(np.mean([cell[name] for cell in among if name in cell]))

    def error(name: str) -> float:
        return float(np.std([cell[name] for cell in cells], ddof=1) / len(cells) ** 0.5)

    worse = {n: max(cell[f"regret_{n}"] - cell[f"random_{n}"] for cell in cells) for n in ("first3", "450")}
    by_family = [[c["regret"] - c["random"] for c in unseen if c["family"] == family] for family in FAMILIES]
    return {
        "regret_first3": mean("regret_first3"),
        "regret_first3_error": error("regret_first3"),
        "regret_first3_random": mean("random_first3"),
        "regret_first3_by_median": mean("by_median_first3"),
        "regret_first3_by_median_random": mean("by_median_random"),
        "regret_450": mean("regret_450"),
        "regret_450_error": error("regret_450"),
        "regret_450_random": mean("random_450"),
        **{f"regret_450_random_{n}": at_rungs(cells, r)[1] for n, r in (("half", HALF), ("eighth", EIGHTH))},
        "regret_450_prior_eighth": at_rungs(cells, EIGHTH)[0],
        "worst_against_random": max(worse.values()),
        "worst_against_random_first3": worse["first3"],
        "worst_against_random_450": worse["450"],
        "unseen_family": mean("regret", unseen),
        "unseen_family_random": mean("random", unseen),
        "unseen_family_worst": max(float(np.mean(differences)) for differences in by_family),
        "within_unseen_family": mean("within", unseen),
        "within_unseen_family_random": mean("within_random", unseen),
    }


def at_rungs(cells: list[Cell], rungs: Rungs) -> list[float]:
    """[the prior's regret, random's] with the same rungs on every data set."""
    return [float(v) for v in np.mean([cell["by_rungs"][rungs_name(rungs)] for cell in cells], axis=0)]


def taus(table: Table) -> dict[str, float]:
    """Kendall's tau of a rung's ranking with the whole curve's value, mean over data sets."""
    return {
        str(step): rounded(
            float(np.mean([kendalltau(table.scores[r, i], table.value[r]).statistic for r in table.rows])), 3
        )
        for i, step in enumerate(STEPS)
    }
