"""What the prior for pretrained networks is worth on data sets, and networks, that it has not seen.

Run:     python -m benchmarks.prior [--table quicktune.npz] [--check]
Cost:    four minutes of one core; --check one
What:    leaves each of 26 data sets out of the published fine-tuning curves; the choice of features, emphasis and
         strength is made anew inside each round (benchmarks.prior_rounds), that of the rungs as well
         (benchmarks.prior_replay); then the same with all networks of a family left out besides
Writes:  search/prior.json, fitted on all data sets; benchmarks/results/prior.json; with --table also
         benchmarks/results/prior_table.npz, the reduced table that everything else is computed from

Regrets are shares of the range of a data set's curves (benchmarks.prior_rounds); standard errors are over data sets.
Random is the expected best of three curves, or 20 searches in random order. Rungs are "first rung / eta"; `by_rungs`
holds [the prior's regret, random's]. `unseen_family` judges three suggestions among all curves of a data set,
`within_unseen_family` among those of the family.
"""

import argparse
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import finish, rounded
from benchmarks.prior_cells import (
    RANDOM_SEEDS,
    SEEDS,
    Cell,
    at_rungs,
    families,
    headline,
    round_of,
    rungs_name,
    taus,
)
from benchmarks.prior_replay import RUNGS
from benchmarks.prior_rounds import FEATURES, PROPERTIES, Rounds
from benchmarks.prior_table import Table
from search.prior import FILE, design
from trainable.files import write_text

RESULTS = Path(__file__).parent / "results"
SAMPLE = (0, 9, 18)  # data sets that --check goes through again
TARGETS = {
    "regret_first3": 0.03,
    "regret_450": 0.01,
    "worst_against_random": 0.02,
}


def fitted(table: Table) -> dict[str, Any]:
    """What the package keeps: fitted on all data sets with the setting that loses least on each left out."""
    rounds = Rounds.of(table)
    setting = rounds.choose()
    x = design(table.numbers, terms := (*table.numbers, *FEATURES[setting.features]))
    weights = rounds.fit(setting)[1:] / x.std(axis=0)
    kept = {t: rounded(float(w), 4) for t, w in zip(terms, weights, strict=True) if t not in table.extras}
    return {
        "source": "fitted by benchmarks.prior on Quick-Tune's meta-dataset, rapanti/quicktune",
        "licence": "BSD 3-Clause, copyright 2024 rapanti: prior.LICENSE",
        "setting": list(setting),
        "usual": {n: rounded(float(np.mean(v)), 4) for n, v in table.numbers.items() if n in PROPERTIES},
        "weights": kept,
    }


def same(said: str, then: Any, now: Any) -> bool:
    """Print both; whether they differ by no more than rounding."""
    good = _close(then, now)
    print(f"{'same   ' if good else 'DIFFERS'} {said}: recorded {_short(then)}, now {_short(now)}", flush=True)
    return good


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-6)
    return bool(one == other)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value) if len(str(value)) < 100 else f"{len(value)} values"


def check() -> int:
    """Headline figures from the recorded cells; some rounds, and the package's numbers, from the reduced table."""
    record = json.loads((RESULTS / "prior.json").read_text(encoding="utf-8"))
    table = Table.read(RESULTS / "prior_table.npz")
    good = [same(n, record[n], rounded(v, 4)) for n, v in headline(record["cells"], record["families"]).items()]
    good.append(same("search/prior.json", json.loads(FILE.read_text(encoding="utf-8")), fitted(table)))
    for data_set in SAMPLE:
        cell = round_of(Rounds.of(table), data_set)
        good.append(same(f"round {cell['data_set']}", record["cells"][data_set], cell))
    recorded = {(c["family"], c["data_set"]): c for c in record["families"]}
    for cell in families(table, SAMPLE[:1]):
        good.append(same(f"{cell['family']} on {cell['data_set']}", recorded[cell["family"], cell["data_set"]], cell))
    print(f"recorded, not recomputed: the other rounds ({len(record['cells']) - len(SAMPLE)} data sets)")
    return 0 if all(good) else 1


def run(out: Path) -> None:
    table = Table.read(RESULTS / "prior_table.npz")
    write_text(FILE, json.dumps(fitted(table), indent=1) + "\n")
    rounds, cells = Rounds.of(table), []
    for data_set in rounds.sets:
        cells.append(round_of(rounds, data_set))
        print(f"  {_line(cells[-1])}", flush=True)
    unseen = families(table, rounds.sets)
    figures = {name: rounded(value, 4) for name, value in headline(cells, unseen).items()}
    record = {
        **figures,
        "rungs": Counter(c["rungs"] for c in cells).most_common(),
        "regret_450_by_rungs": {rungs_name(r): [rounded(v) for v in at_rungs(cells, r)] for r in RUNGS},
        "settings": Counter(str(tuple(c["setting"])) for c in cells).most_common(),
        "kendall_tau_at": taus(table),
        "seeds": {"regret_450": SEEDS, "random_450": RANDOM_SEEDS},
        "cells": cells,
        "families": unseen,
    }
    finish(out, [(n, v, _target(n)) for n, v in figures.items()], record)


def _target(name: str) -> str:
    return f"<= {TARGETS[name]:g}" if name in TARGETS else "< random" if name == "unseen_family" else ""


def _line(cell: Cell) -> str:
    return ", ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in cell.items())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prior", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--table", type=Path, metavar="FILE", help="quicktune.npz, to reduce and fit anew")
    parser.add_argument("--check", action="store_true", help="recompute what was recorded")
    parser.add_argument("--out", type=Path, default=RESULTS / "prior.json", metavar="FILE")
    given = parser.parse_args()
    if given.check:
        return check()
    if given.table:
        Table.reduce(given.table).write(RESULTS / "prior_table.npz")
    run(given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
