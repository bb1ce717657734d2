"""How many epochs a search takes to be as good as full cross-validation of random configurations, and others.

Run:     python -m benchmarks.search [--seeds 20] [--table sample digits] [--check]
Cost:    about 15 s of one core a seed and table; runs on all cores
What:    replays benchmarks/results/table_<name>.npz (benchmarks.record) through the project's own director, race and
         sampler, and through what they are compared with, on simulated time
Writes:  benchmarks/results/search.json

Levels are percentiles, over seeds, of the test macro-F1 that full-CV random search ends with after as many trials as
ours may suggest; others are shares of its median, so that its budget does not set the bar. A search reaches a level
when the vote (greedy selection out of fold) of the trials complete so far does, on test photos. Everybody else may go
on beyond that budget: random search and early-stopped CV through the whole grid, one-epoch top-K down its whole list,
the stock tuner to six times the samples, when it has begun nearly all of the grid. A ratio is one of medians over
seeds; where the other's median is not reached at all, it is what its searches spent (a lower bound, in `censored`).
`clairvoyant` bounds what a race could reach at all: `share_of_clairvoyant` is its epochs over ours, `vs_stock` those of
the stock tuner over ours, by table and level.

Settings were chosen on `sample`, where `digits` refuted one of them (decision 021), and have not been touched since:
`digits` was looked at in choosing, a table recorded later (`clothing`) is judged alone. `--check` computes the headline
figures from the cells anew and replays three seeds.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from scipy.stats import kendalltau

from benchmarks.measure import finish, rounded
from benchmarks.search_cells import (
    LEVELS,
    PERCENTILES,
    after,
    clairvoyant,
    curve,
    epochs_to,
    first_reach,
    headline,
    median,
)
from benchmarks.search_policies import EarlyStoppedCV, FullCV, LastEpochRace, OneEpoch, Ours, Stock
from benchmarks.search_table import Table
from benchmarks.search_world import Trace, replay
from search.executors.simulated import SimulatedDriver
from search.race import Race, milestones
from search.space import Search

RESULTS = Path(__file__).parent / "results"
TRIALS, SAMPLES, WORKERS, MEMBERS = 72, 432, 4, 10  # of ours and of random search; of the stock tuner
REPLAYED, CHECKED = ("ours", "stock"), 3  # arms whose cells are kept; seeds that --check replays
SHARES = (0.9, 0.95, 0.98)
BUDGETS = (200, 400, 800, 1600, 3200)  # epochs at which regrets are shown
SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None  # the director's files: in memory, fsync takes no time
TARGETS = {"full_cv_random": 10.0, "stock": 2.0, "one_epoch_topk": 1.0}

Make = Callable[[Table, int, Path], SimulatedDriver]


def grace_of(table: Table, share: float = 0.0) -> int:
    """Epochs until the first rung, of ours and of the stock tuner: what a search takes by itself, or a share."""
    return max(1, round(share * table.epochs)) if share else table.grace


def ours(view: str = "", parallel: bool = True, race: type[Race] = Race, first: float = 0.0, **changes: Any) -> Make:
    """Our search with some of its settings changed; first: where the first rung lies, a share of a fold's epochs."""
    seen: dict[str, Any] = {"parallel": parallel, "race": race, **({"view": view} if view else {})}

    def make(table: Table, seed: int, folder: Path) -> SimulatedDriver:
        settings = {"trials": TRIALS, "members": MEMBERS, "grace": grace_of(table, first), "seed": seed, **changes}
        return Ours(table, Search(folds=table.folds, epochs=table.epochs, **settings), folder, **seen)

    return make


ARMS: dict[str, Make] = {
    "full_cv_random": lambda table, seed, _: FullCV(table, len(table.configs), seed),
    "early_stopped_cv": lambda table, seed, _: EarlyStoppedCV(table, len(table.configs), seed),
    "one_epoch_topk": lambda table, seed, _: OneEpoch(table, TRIALS, seed),
    "stock": lambda table, seed, _: Stock(table, SAMPLES, seed, grace_of(table)),
    "stock, first rung at a quarter": lambda table, seed, _: Stock(table, SAMPLES, seed, grace_of(table, 0.25)),
    "stock, first rung at a whole fold": lambda table, seed, _: Stock(table, SAMPLES, seed, table.epochs),
    "ours": ours(),
    "ours, random sampler": ours(sampler="random"),
    "ours, view pruned": ours(view="pruned"),
    "ours, view complete": ours(view="complete"),
    "ours, no folds in parallel": ours(parallel=False),
    "ours, rungs rank by the last epoch": ours(race=LastEpochRace),
    "ours, first rung at a quarter, eta 3": ours(first=0.25, eta=3),
    "ours, first rung at 1 epoch, eta 2": ours(grace=1, eta=2),
    "ours, eta 3": ours(eta=3),
    "ours, 5 members": ours(members=5),
    # Without a race in fold 0 more trials reach the later folds than the ensemble wants: there the rules differ.
    "later folds alone, paired": ours(first=1.0, members=5),
    "later folds alone, paired at 2 errors": ours(first=1.0, members=5, margin=2.0),
    "later folds alone, no race": ours(first=1.0, members=5, rule="none"),
}


def run(table: Table, make: Make, seed: int) -> Trace:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        return replay(table, make(table, seed, Path(folder)), WORKERS)


@cache
def recorded(name: str) -> Table:
    return Table.read(name)


def _run(name: str, arm: str, seed: int) -> Trace:
    return run(recorded(name), ARMS[arm], seed)


def searches(pool: Executor, name: str, seeds: int) -> dict[str, list[Trace]]:
    """What every arm did on a recorded table, by seed."""
    runs = {}
    jobs = {arm: [pool.submit(_run, name, arm, seed) for seed in range(seeds)] for arm in ARMS}
    for arm, begun in jobs.items():
        runs[arm] = [job.result() for job in begun]
        print(f"  {arm}: {np.mean([r.epochs for r in runs[arm]]):.0f} epochs a search", flush=True)
    return runs


def compare(table: Table, runs: dict[str, list[Trace]]) -> dict[str, Any]:
    """The figures, from what every arm did."""
    seeds = len(runs["ours"])
    ends = [table.vote(frozenset(row for _, row in r.complete[:TRIALS])) for r in runs["full_cv_random"]]
    levels = {f"p{p}": float(np.percentile(ends, p)) for p in PERCENTILES}
    levels |= {f"{share:.0%} of p50": share * levels["p50"] for share in SHARES}
    cells = {name: epochs_to(table, some, levels) for name, some in runs.items()}
    medians = {name: {k: median(v) for k, v in found.items()} for name, found in cells.items()}
    ratios, censored = _ratios(runs, medians)
    seen = clairvoyants(table, seeds, levels)
    return {
        **{f"epochs_ratio_vs_{name}": {k: ratios[name][k] for k in LEVELS} for name in TARGETS},
        "kendall_tau_fold0": _tau(table.score[:, 0, -1], table.oof),
        "kendall_tau_fold0_at": {e: _tau(table.score[:, 0, e - 1], table.oof) for e in milestones(table.epochs, 1)},
        "top_m_survival": rounded(_survival(table, runs["ours"], MEMBERS)),
        "top_3_survival": rounded(_survival(table, runs["ours"], 3)),
        "seeds": seeds,
        "trials": TRIALS,
        "workers": WORKERS,
        "clairvoyant": {k: median(v) for k, v in seen.items()},
        "cells": {"levels": levels, "clairvoyant": seen, **{name: cells[name] for name in REPLAYED}},
        "levels": {k: rounded(v, 4) for k, v in levels.items()},
        "epochs_ratios_at_all_levels": ratios,
        "censored": censored,
        "arms": {name: _summary(table, some, medians[name], levels) for name, some in runs.items()},
    }


def _ratios(runs: dict[str, list[Trace]], medians: dict[str, dict[str, float]]) -> tuple[dict[str, Any], list[str]]:
    """Epochs of the others over ours; None where ours did not reach the level."""
    found: dict[str, Any] = {}
    censored = []
    for name in (*TARGETS, "early_stopped_cv"):
        found[name] = {}
        for level, mine in medians["ours"].items():
            theirs = medians[name][level]
            if np.isinf(theirs):
                censored.append(f"{name} {level}")
                theirs = float(np.median([r.epochs for r in runs[name]]))
            found[name][level] = None if np.isinf(mine) else rounded(theirs / mine)
    return found, censored


def _summary(table: Table, runs: list[Trace], medians: dict[str, float], levels: dict[str, float]) -> dict[str, Any]:
    """Epochs to the levels, and mean regrets (points of macro-F1) against the grid's best trial and its vote of all."""
    best, all_vote = float(table.truth.max()), table.vote(frozenset(range(len(table.configs))))
    return {
        "epochs": rounded(float(np.mean([r.epochs for r in runs]))),
        "median_epochs": float(np.median([r.epochs for r in runs])),
        "begun": rounded(float(np.mean([len(r.begun) for r in runs]))),
        "complete": rounded(float(np.mean([len(r.complete) for r in runs]))),
        "epochs_to": {k: None if np.isinf(v) else v for k, v in medians.items()},
        "reached": {k: rounded(float(np.mean([np.isfinite(first_reach(curve(r, table.vote), v)) for r in runs])))
                    for k, v in levels.items()},
        "regret_of_vote": {b: _points(all_vote, [after(r, b, table.vote) for r in runs]) for b in BUDGETS},
        "regret_of_single": {b: _points(best, [after(r, b, table.single) for r in runs]) for b in BUDGETS},
        "final_vote": rounded(float(np.mean([after(r, r.epochs, table.vote) for r in runs])), 4),
    }  # fmt: skip


def _points(best: float, scores: list[float]) -> float:
    return rounded(100 * (best - float(np.mean(scores))))


def _tau(a: np.ndarray, b: np.ndarray) -> float:
    return rounded(float(kendalltau(a, b).statistic))


def _survival(table: Table, runs: list[Trace], count: int) -> float:
    """Share of the best `count` of all begun trials, by the score of all their folds, that became complete."""
    shares = []
    for r in runs:
        best = sorted(r.begun, key=lambda row: -table.oof[row])[:count]
        shares.append(np.mean([row in {done for _, done in r.complete} for row in best]))
    return float(np.mean(shares))


def clairvoyants(table: Table, seeds: int, levels: dict[str, float]) -> dict[str, list[float | None]]:
    """Epochs to each level, a seed an entry, of who knows which trials are best."""
    known = {"trials": TRIALS, "members": MEMBERS, "grace": grace_of(table)}
    found = [clairvoyant(table, seed, levels, **known) for seed in range(seeds)]
    return {k: [reached[k] for reached in found] for k in levels}


def check(file: Path) -> int:
    """1 where a recorded figure is not what its cells, or the replay of three seeds, come to."""
    record = json.loads(file.read_text(encoding="utf-8"))
    good = True
    for name in set(record["vs_stock"]) - set(record["cells"]):
        print(f"{name}: no cells by seed are recorded, only what they came to")
    for name, cells in record["cells"].items():
        found = headline(cells, record["stock_spent"][name])
        table = recorded(name)
        for figure, values in found.items():
            good &= _same(f"{name} {figure}", record[figure][name], values)
        for arm in REPLAYED:
            again = epochs_to(table, [run(table, ARMS[arm], seed) for seed in range(CHECKED)], cells["levels"])
            good &= _same(f"{name} {arm}, {CHECKED} seeds", {k: v[:CHECKED] for k, v in cells[arm].items()}, again)
        again = clairvoyants(table, CHECKED, cells["levels"])
        good &= _same(f"{name} clairvoyant", {k: v[:CHECKED] for k, v in cells["clairvoyant"].items()}, again)
    print("recorded, not recomputed: the other seeds and arms")
    return 0 if good else 1


def _same(what: str, recorded_: Any, again: Any) -> bool:
    equal = bool(recorded_ == again)
    print(f"{what}: {'as recorded' if equal else f'recorded {recorded_}, now {again}'}", flush=True)
    return equal


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=(__doc__ or "").split("\n")[0])
    tables = [p.stem.removeprefix("table_") for p in sorted(RESULTS.glob("table_*.npz"), reverse=True)]
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--table", nargs="+", choices=tables, default=tables, help="the first one's figures lead")
    parser.add_argument("--check", action="store_true", help="recompute what was recorded, and replay three seeds")
    parser.add_argument("--out", type=Path, default=RESULTS / "search.json")
    given = parser.parse_args()
    if given.check:
        return check(given.out)
    found = {}
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for name in given.table:
            print(f"{name}:", flush=True)
            found[name] = compare(recorded(name), searches(pool, name, given.seeds))
            _show(found[name])
    lead = found[given.table[0]]
    cells = {n: f.pop("cells") for n, f in found.items()}
    headlines = {n: headline(cells[n], f["arms"]["stock"]["median_epochs"]) for n, f in found.items()}
    ratios = {name: lead[f"epochs_ratio_vs_{name}"] for name in TARGETS}
    rows = [(f"epochs against {n}, p50/p75/p90", " / ".join(map(str, ratios[n].values())), f"at least {t:g}")
            for n, t in TARGETS.items()]  # fmt: skip
    by_table = {figure: {n: h[figure] for n, h in headlines.items()} for figure in ("share_of_clairvoyant", "vs_stock")}
    rows += [(f"{f} on {n}", " / ".join(map(str, v.values())), "") for f, by in by_table.items() for n, v in by.items()]
    others = {"table": given.table[0], "others": {n: found[n] for n in given.table[1:]}}
    spent = {n: f["arms"]["stock"]["median_epochs"] for n, f in found.items()}
    finish(given.out, rows, {**lead, **by_table, **others, "stock_spent": spent, "cells": cells})
    return 0


def _show(found: dict[str, Any]) -> None:
    print(f"{'':38}{'epochs':>7}{'compl.':>7}  epochs to {', '.join(found['levels'])}; regret of the vote at {BUDGETS}")
    for name, arm in found["arms"].items():
        to = " ".join(f"{'-' if v is None else format(v, '.0f'):>6}" for v in arm["epochs_to"].values())
        regret = " ".join(f"{v:>6.2f}" for v in arm["regret_of_vote"].values())
        print(f"{name:38}{arm['epochs']:7.0f}{arm['complete']:7.1f}  {to}  {regret}")


if __name__ == "__main__":
    raise SystemExit(main())
