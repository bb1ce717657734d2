"""What bounds the share of problems in which the vote is behind the best single trial, and two ways to lower it.

Run:     python -m benchmarks.vote_bounds [--check]
Cost:    about three minutes of one core
Needs:   the bank and benchmarks/results/vote.json (python -m benchmarks.vote)
What:    of every problem the vote that `auto` took, fitted once more, beside the best single trial on the test photos:
         by how much their difference scatters over draws of test photos; the mean of the vote and the trial (`half`,
         `quarter` of it the trial's); and the trial where the vote's nested score is less than so many errors of the
         difference ahead of it (`guard .25`, ...). A way is chosen on the choosing part and judged once
Writes:  benchmarks/results/vote_bounds.json: a cell a problem and the figures of both parts
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from benchmarks.bank_sets import CHOOSING, JUDGING
from benchmarks.measure import commit, machine
from benchmarks.vote import OUT as VOTES
from benchmarks.vote import key
from benchmarks.vote_figures import WORSE, over_clusters
from benchmarks.vote_problems import Problem, problems, tables
from ensembles.greedy import member_scores
from ensembles.nested import evaluate_methods
from trainable.files import read_json, write_json
from trainable.metrics import macro_f1

OUT = Path(__file__).parent / "results" / "vote_bounds.json"
DRAWS = 100
GUARDS = (0.25, 0.5, 1.0, 2.0)  # standard errors of the nested difference
Cell = dict[str, Any]


def cell_of(problem: Problem, chosen: list[str]) -> Cell:
    """chosen: the methods that `auto` blended there."""
    table, classes = problem.table, problem.table.valid.shape[2]
    names = list(dict.fromkeys(["best_single", *chosen]))
    given = (problem.valid, table.label, table.fold, table.group)
    found = evaluate_methods(*given, attributes=table.sizes, methods=names, auto=False)
    vote = np.mean([found.fitted[name].apply(problem.test) for name in chosen], axis=0)
    single = problem.test[int(member_scores(problem.valid[: problem.trials], table.label).argmax())]
    random, rows = np.random.default_rng(0), {row.method: row for row in found.rows}

    def score(votes: np.ndarray, some: np.ndarray | slice = slice(None)) -> float:
        return macro_f1(table.truth[some], votes[some].argmax(1), classes)

    draws = [random.integers(0, len(vote), len(vote)) for _ in range(DRAWS)]
    return {
        "problem": list(problem.key),
        "cluster": table.cluster,
        "part": table.part,
        "single": score(single),
        "vote": score(vote),
        "half": score(vote + single),
        "quarter": score(3 * vote + single),
        "scatter": float(np.std([score(vote, some) - score(single, some) for some in draws])),
        "nested_ahead": max(rows[name].nested for name in chosen) - rows["best_single"].nested,
        "nested_error": rows["best_single"].behind_error,
    }


def ways() -> dict[str, Callable[[Cell], float]]:
    """{name: the true score of a problem by that way}."""
    found: dict[str, Callable[[Cell], float]] = {n: lambda c, n=n: c[n] for n in ("vote", "half", "quarter")}
    for errors in GUARDS:
        found[f"guard {errors:g}"] = lambda c, e=errors: (
            c["vote"] if c["nested_ahead"] >= e * c["nested_error"] else c["single"]
        )
    return found


def figures(cells: list[Cell]) -> dict[str, Any]:
    """A part's: {way: its gain, a mean over clusters, and share worse}; and what sampling alone would make worse.

    equal: of methods that are equally good in truth. at_mean_gain: where every problem's true gain is the mean of those
    of its data set, number of trials and kinds of members.
    """
    scatter = np.array([max(cell["scatter"], 1e-9) for cell in cells])
    alike: dict[tuple, list[float]] = {}
    for cell in cells:
        alike.setdefault((cell["cluster"], cell["problem"][1], cell["problem"][3]), []).append(
            cell["vote"] - cell["single"]
        )
    gains = [np.mean(alike[cell["cluster"], cell["problem"][1], cell["problem"][3]]) for cell in cells]
    return {
        "ways": {
            name: {
                "gain": over_clusters(cells, lambda c, way=way: way(c) - c["single"])[0],
                "share_worse": float(np.mean([way(c) - c["single"] < -WORSE for c in cells])),
            }
            for name, way in ways().items()
        },
        "equal": float(norm.cdf(-WORSE / scatter).mean()),
        "at_mean_gain": float(norm.cdf((-WORSE - np.array(gains)) / scatter).mean()),
        "problems": len(cells),
    }


def record(out: Path) -> None:
    chosen = {key(cell): cell["chosen"] for cell in read_json(VOTES)["cells"]}
    cells = [
        cell_of(problem, chosen[problem.key])
        for part in (CHOOSING, JUDGING)
        for table in tables(part)
        for problem in problems(table)
        if problem.key in chosen
    ]
    facts = {"commit": commit(), "machine": machine(), "seeds": [0]}
    write_json(out, {**facts, **of_parts(cells), "cells": cells})


def of_parts(cells: list[Cell]) -> dict[str, Any]:
    return {part: figures([cell for cell in cells if cell["part"] == part]) for part in (CHOOSING, JUDGING)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vote_bounds", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true", help="the figures from the cells anew")
    given = parser.parse_args()
    if not given.check:
        record(given.out)
    held = read_json(given.out)
    for part, found in of_parts(held["cells"]).items():
        for name, way in found["ways"].items():
            print(f"{part}, {name}: gain {100 * way['gain']:+.2f}, worse in {way['share_worse']:.1%}")
        print(f"{part}, by sampling alone: equal methods {found['equal']:.1%}, mean gains {found['at_mean_gain']:.1%}")
    same = all(held[part] == found for part, found in of_parts(held["cells"]).items())
    print(f"figures from {len(held['cells'])} cells: {'as recorded' if same else 'DIFFER'}; cells: recorded")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
