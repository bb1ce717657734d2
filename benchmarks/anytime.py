"""What a search is worth at any deadline, against one recipe, full cross-validation and stock Ray.

Run:     python -m benchmarks.anytime [--seeds 20] [--table sample digits] [--check]
Cost:    about a minute of one core a seed, table and number of workers; seeds that are recorded are not run again
What:    replays benchmarks/results/table_<name>.npz and recipe_<name>.npz (benchmarks.record, record_recipe) through
         the project's own director on simulated time, with 2 and 8 workers and 1 to 32 times the time of one trial
Writes:  benchmarks/results/anytime.json
         first_from_2: share of the cells (table, workers, budget) from a budget of 2 on where ours is first or within
         one standard error of the first; worst_cell: how far ours is below the first beyond two standard errors;
         both of differences paired by seed. never_empty: whether every search of 1.2 and more had a submission.
         overshoot_max: seconds late over the larger of the budget and 333 s. at_1: ours less the recipe, with its error

A score is the test macro-F1 of the vote of what is complete, 0 where nothing is. Everybody begins with the recipe.
"""

import argparse
import json
import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.anytime_arms import BUDGETS, RESULTS, case, full_cv_random, ours, recipe, stock
from benchmarks.measure import NOT_MEASURED, finish, rounded
from trainable.files import write_text

WORKERS = (2, 8)
ENOUGH = 1.2  # from here on there is always to be a submission
LONG = 333.0  # seconds: 10 s are 3 % of them
BASELINES = ("recipe", "full_cv_random", "stock")
CHECKED = 3  # seeds
Cell = dict[str, Any]


def cell(name: str, workers: int, seed: int) -> Cell:
    """Scores of everybody at every budget, and what ours took."""
    here = case(name, seed)
    found = [ours(here, workers, budget) for budget in BUDGETS]
    least = ours(here, workers, ENOUGH)
    return {
        **{"table": name, "workers": workers, "seed": seed},
        "ours": [rounded(each[0], 5) for each in found],
        "recipe": [rounded(score, 5) for score in recipe(here, workers)],
        "full_cv_random": [rounded(score, 5) for score in full_cv_random(here, workers)],
        "stock": [rounded(score, 5) for score in stock(here, workers)],
        "late": [
            rounded(each[1] / max(LONG, budget * here.unit(workers)), 2)
            for each, budget in zip([*found, least], [*BUDGETS, ENOUGH], strict=True)
        ],
        "begun": [each[2] for each in found],
        "complete": [each[3] for each in found],
        "complete_at_least": least[3],
    }


def headline(cells: list[Cell]) -> dict[str, Any]:
    """The figures, from the cells alone."""
    places, at_1 = [], {}
    for name, workers in sorted({(c["table"], c["workers"]) for c in cells}):
        some = [c for c in cells if (c["table"], c["workers"]) == (name, workers)]
        for i, budget in enumerate(BUDGETS):
            places.append({"table": name, "workers": workers, "budget": budget, **_place(some, i)})
        difference = np.array([c["ours"][0] - c["recipe"][0] for c in some])
        at_1[f"{name}, {workers} workers"] = [rounded(float(difference.mean())), rounded(_error(difference))]
    later = [p for p in places if p["budget"] >= 2]
    return {
        "first_from_2": rounded(float(np.mean([p["below"] <= p["error"] for p in later]))),
        "worst_cell": rounded(max(max(0.0, p["below"] - 2 * p["error"]) for p in later)),
        "never_empty": all(c["complete_at_least"] > 0 and min(c["complete"][1:]) > 0 for c in cells),
        "overshoot_max": max(max(c["late"]) for c in cells),
        "at_1": at_1,
        "places": places,
    }


def _place(cells: list[Cell], i: int) -> dict[str, Any]:
    """Where ours is at a budget: mean scores, who is first, how far ours is below it and the error of that."""
    scores = {arm: np.array([c[arm][i] for c in cells]) for arm in ("ours", *BASELINES)}
    means = {arm: rounded(float(score.mean()), 4) for arm, score in scores.items()}
    first = max(BASELINES, key=lambda arm: float(scores[arm].mean()))
    below = scores[first] - scores["ours"]
    return {
        **means,
        "first_of_others": first,
        "below": float(below.mean()),
        "error": _error(below),
        "complete": rounded(float(np.mean([c["complete"][i] for c in cells]))),
        "begun": rounded(float(np.mean([c["begun"][i] for c in cells]))),
    }


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def missing(cells: Iterable[Cell], names: list[str], seeds: int) -> list[tuple[str, int, int]]:
    known = {(c["table"], c["workers"], c["seed"]) for c in cells}
    every = [(name, workers, seed) for seed in range(seeds) for name in names for workers in WORKERS]
    return [key for key in every if key not in known]


def record(out: Path, names: list[str], seeds: int) -> dict[str, Any]:
    """Run what is not recorded yet; `out` is written after every cell, so that it is taken up where it was cut."""
    cells: list[Cell] = json.loads(out.read_text())["cells"] if out.exists() else []
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for job in as_completed([pool.submit(cell, *key) for key in missing(cells, names, seeds)]):
            cells.append(job.result())
            cells.sort(key=lambda c: (c["table"], c["workers"], c["seed"]))
            write_text(out, json.dumps({"cells": cells}) + "\n")
            print(f"{len(cells)} cells: {cells[-1]['table']}", flush=True)
    return {**headline(cells), "seeds": seeds, "cells": cells}


def check(out: Path) -> int:
    """Recompute the figures from the cells, and the cells of a few seeds; 1 where they differ."""
    held = json.loads(out.read_text())
    anew = json.loads(json.dumps(headline(held["cells"])))
    wrong = [name for name, value in anew.items() if value != held[name]]
    for name in ("first_from_2", "worst_cell", "never_empty", "overshoot_max"):
        print(f"{name}: recorded {held[name]}, recomputed {anew[name]}")
    some = [c for c in held["cells"] if c["seed"] < CHECKED]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(cell, c["table"], c["workers"], c["seed"]) for c in some]
        for then, job in zip(some, jobs, strict=True):
            if (now := job.result()) != then:
                wrong.append(f"{then['table']}, {then['workers']} workers, seed {then['seed']}: {then} != {now}")
    print(f"{len(some)} cells replayed; {'; '.join(wrong) or 'all as recorded'}")
    return int(bool(wrong))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anytime", description=(__doc__ or "").split("\n")[0])
    tables = [
        name
        for p in sorted(RESULTS.glob("table_*.npz"))
        if (RESULTS / f"recipe_{(name := p.stem.removeprefix('table_'))}.npz").exists()
    ]
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--table", nargs="+", choices=tables, default=tables)
    parser.add_argument("--out", type=Path, default=RESULTS / "anytime.json")
    parser.add_argument("--check", action="store_true", help="recompute the figures, and the cells of three seeds")
    given = parser.parse_args()
    if given.check:
        return check(given.out)
    found = record(given.out, given.table, given.seeds)
    for p in found["places"]:
        others = ", ".join(f"{arm} {p[arm]:.3f}" for arm in BASELINES)
        print(f"{p['table']:9}{p['workers']} workers{p['budget']:4} times: ours {p['ours']:.3f}; {others}")
    rows = [
        ("first or within one standard error, from 2 on", found["first_from_2"], "at least 0.9"),
        ("worst cell beyond two standard errors", found["worst_cell"], "at most 0.005"),
        ("a submission from 1.2 on", found["never_empty"], "always"),
        ("late, of the larger of the budget and 333 s", found["overshoot_max"], "at most 0.03"),
        ("clothing", "" if "clothing" in given.table else NOT_MEASURED, ""),
    ]
    finish(given.out, rows, found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
