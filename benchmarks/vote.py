"""Is the vote worth it? Real ensemble problems with known truth, some to choose by and others to judge by.

Run:     python -m benchmarks.vote [--part judging] [--check]
Cost:    about ten seconds a problem; finished problems are kept in the result file, so an interrupted run goes on
Needs:   the bank (python -m benchmarks.bank), which lies in benchmarks/results/bank
Writes:  benchmarks/results/vote.json: a cell a problem (true test scores by method, nested score, forecast), and
         the headline figures of the part that is for judging (benchmarks.bank_sets); errors are over its clusters
--check: computes the figures from the cells anew, and a few cells from the bank; exit 1 where they differ
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.bank_sets import CHOOSING, DATA_SETS, JUDGING
from benchmarks.forecast import averaging, forecast
from benchmarks.measure import commit, machine
from benchmarks.vote_figures import figures, shown
from benchmarks.vote_problems import Problem, Table, problems, tables
from ensembles.greedy import member_scores
from ensembles.metric import as_metric
from ensembles.nested import AUTO, Evaluation, evaluate_methods
from trainable.files import read_json, write_json

OUT = Path(__file__).parent / "results" / "vote.json"
CHECKED = 4  # cells that --check computes anew
EXACT = 1e-9


def cell_of(problem: Problem) -> dict[str, Any]:
    """What a build makes of a problem, and what that is worth."""
    table = problem.table
    classes = table.valid.shape[2]
    metric = as_metric("macro_f1", classes)
    found = evaluate_methods(problem.valid, table.label, table.fold, table.group, attributes=table.sizes, methods=None)
    test = {name: metric.score(table.truth, fitted.apply(problem.test)) for name, fitted in found.fitted.items()}
    test[AUTO] = test[found.chosen]
    own = member_scores(problem.valid[: problem.trials], table.label)
    single = metric.score(table.truth, problem.test[int(own.argmax())])
    rows = {row.method: row for row in found.rows}
    cell = {
        "table": table.name,
        "kind": table.kind,
        "cluster": table.cluster,
        "part": table.part,
        "trials": problem.trials,
        "draw": problem.draw,
        "free": problem.free,
        "chosen": list(found.parts),
        "single": single,
        "test": test,
        "nested": rows[AUTO].nested,
        "nested_std": rows[AUTO].standard_error,
        "in_sample": rows[AUTO].in_sample,
    }
    return cell | _forecast(table, problem, found, cell)


def _forecast(table: Table, problem: Problem, found: Evaluation, cell: dict[str, Any]) -> dict[str, Any]:
    """The gain of averaging is that of the table's four best trials, whose fold networks are kept."""
    if table.by_fold is None or table.best is None:
        return {}
    metric = as_metric("macro_f1", table.valid.shape[2])
    by_fold = table.by_fold.mean(axis=0)
    known = table.valid[table.best].mean(axis=0)
    given = (known, table.label, by_fold, by_fold.mean(axis=0), metric)
    told = forecast(cell["nested"], cell["nested_std"], *given)
    gain, error = averaging(*given)
    return {"forecast": told.score, "low": told.low, "high": told.high, "gain": gain, "error": error}


def key(cell: dict[str, Any]) -> tuple[Any, ...]:
    return cell["table"], cell["trials"], cell["draw"], cell["free"]


def record(parts: list[str], out: Path) -> None:
    cells = read_json(out)["cells"] if out.exists() else []
    done = {key(cell) for cell in cells}
    for part in parts:
        for table in tables(part):
            for problem in problems(table):
                if problem.key not in done:
                    cells.append(cell_of(problem))
            write(cells, out)
            print(f"{table.name}: {sum(cell['table'] == table.name for cell in cells)} problems", flush=True)


def write(cells: list[dict[str, Any]], out: Path) -> None:
    seeds = sorted({data.seed for data in DATA_SETS})
    write_json(out, {"commit": commit(), "machine": machine(), "seeds": seeds, **figures(cells), "cells": cells})


def check(out: Path) -> int:
    held = read_json(out)
    again = figures(held["cells"])
    differ = [name for name, value in again.items() if json.dumps(value) != json.dumps(held[name])]
    for line in shown(held):
        print(line)
    print(f"figures from {len(held['cells'])} cells: {'differ in ' + ', '.join(differ) if differ else 'as recorded'}")
    known = {key(cell): cell for cell in held["cells"]}
    seen = 0
    for table in tables(JUDGING):
        problem = next((p for p in problems(table, (4,)) if p.key in known), None)
        if problem is None or seen == CHECKED:
            continue
        seen += 1
        new, old = cell_of(problem)["test"][AUTO], known[problem.key]["test"][AUTO]
        same = abs(new - old) <= EXACT
        print(f"{problem.key}: recorded {old:.4f}, now {new:.4f}{'' if same else ', DIFFERS'}", flush=True)
        if not same:
            differ.append(str(problem.key))
    print("the bank's tables: recorded, not recomputed")
    return 1 if differ else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vote", description=__doc__)
    parser.add_argument("--part", choices=(CHOOSING, JUDGING), help="default: both")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.check:
        return check(given.out)
    record([given.part] if given.part else [CHOOSING, JUDGING], given.out)
    for line in shown(read_json(given.out)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
