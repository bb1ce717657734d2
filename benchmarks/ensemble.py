"""Figures of the ensemble: speed, growth and memory of greedy selection; honesty and regret of `auto`.

    python benchmarks/ensemble.py [--problems 36] [--out FILE] [--loop | --metrics | --check]

Prints what it measures as it goes, last one JSON line, which it also writes to --out. Finished problems are
kept beside it (`*.problems.jsonl`) and not run again as long as the code of selection,
methods, nesting and problems is the same.

Compared with: AutoGluon's EnsembleSelection as published (core/models/greedy_ensemble/ensemble_selection.py),
written anew below: a running mean, and for every candidate of every step an averaged, renormalised table and
scikit-learn's macro-F1. Its time for all steps is that of its first STEPS times (size / STEPS): every step does
the same work.

--loop measures one part alone (a minute or two) and writes it into the file that is there: greedy against a loop that
asks scikit-learn's f1_score about every candidate of every pick, at T 60, 30 picks, both in turn, best of five.

--metrics the same way: greedy under every metric of counts beside macro-F1, see benchmarks/ensemble_metrics.py.

--check: the figures of the problems from the lines kept beside the file, those of the metrics from their seconds and
measured anew; exit 1 where they differ, of ratios where they are 1.5 times what was recorded.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.ensemble_metrics import differences, figures, seconds_by_metric  # noqa: E402
from benchmarks.ensemble_problems import Problem, Spec, specs  # noqa: E402
from benchmarks.measure import interleaved  # noqa: E402
from ensembles.greedy import greedy_selection  # noqa: E402
from ensembles.nested import AUTO, Bootstrap, evaluate_methods  # noqa: E402

OUT = ROOT / "benchmarks" / "results" / "ensemble.json"
MEMBERS, ROWS, SIZE, STEPS = 500, 18_900, 50, 10
LOOP_MEMBERS, LOOP_PICKS = 60, 30
FOUR = ("best_single", "mean_top5", "greedy", AUTO)
TEST_CHUNK, TEST_CHUNKS = 7_000, 6  # rows of fresh people that give the truth


def autogluon_selection(predictions: list[NDArray[Any]], labels: NDArray[np.int64], steps: int) -> list[int]:
    """Picks of AutoGluon's algorithm; ties to members already used, as there, then to the lowest index (there random).

    Its rounding of scores to six decimals after the first pick is left out: it would tie what differs.
    """
    path: list[int] = []
    mean, candidate = np.zeros(predictions[0].shape), np.zeros(predictions[0].shape)
    for done in range(steps):
        if done:
            mean *= (done - 1) / done
            mean += predictions[path[-1]] / done
        scores = np.zeros(len(predictions))
        for j, prediction in enumerate(predictions):
            candidate[:] = mean * (done / (done + 1)) + prediction / (done + 1)
            candidate /= candidate.sum(axis=1)[:, None]
            scores[j] = f1_score(labels, candidate.argmax(axis=1), average="macro")
        best = np.flatnonzero(np.isclose(scores, scores.max(), atol=0, rtol=1e-12)).tolist()
        path.append(next((j for j in best if j in path), best[0]))
    return path


def speed() -> dict[str, Any]:
    """Greedy at T 500 against AutoGluon's algorithm with the same picks, then at T 100 to 1,000, then its memory."""
    data = Problem(Spec(1000, ROWS, 0.85, True, 0.12, seed=1)).rows(ROWS, seed=0)
    greedy_selection(data.probabilities[:2], data.labels, 2)  # compiled, or read from the cache
    seconds = {t: min(_timed(data.probabilities[:t], data.labels) for _ in range(5)) for t in (100, 200, 500, 1000)}
    print("greedy, seconds by T:", seconds, flush=True)
    path = greedy_selection(data.probabilities[:MEMBERS], data.labels, SIZE).path
    wide = list(data.probabilities[:MEMBERS].astype(np.float64))
    start = time.perf_counter()
    theirs = autogluon_selection(wide, data.labels, STEPS)
    their_seconds = (time.perf_counter() - start) * SIZE / STEPS
    del wide
    few = data.probabilities[:20, :4900]
    ours_small = greedy_selection(few, data.labels[:4900], SIZE).path
    theirs_small = autogluon_selection(list(few.astype(np.float64)), data.labels[:4900], SIZE)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "labels.npz", labels=data.labels)
        np.save(Path(folder) / "table.npy", data.probabilities[:MEMBERS])
        del data, few
        line = subprocess.check_output([sys.executable, __file__, "--memory", folder])
    result = {
        "greedy_seconds": seconds[MEMBERS],
        "autogluon_seconds": their_seconds,
        "autogluon_measured": f"{STEPS} of {SIZE} steps timed, all {MEMBERS} candidates each, x {SIZE // STEPS}",
        "greedy_speedup_vs_autogluon": their_seconds / seconds[MEMBERS],
        "same_picks": theirs == path[:STEPS] and theirs_small[: len(ours_small)] == ours_small,
        "picks_compared": [min(STEPS, len(path)), len(ours_small)],
        "seconds_by_t": seconds,
        "growth_100_to_1000": seconds[1000] / seconds[100],
        "peak_memory_ratio": float(line.splitlines()[-1]),
    }
    print(result, flush=True)
    return result


def against_a_loop() -> dict[str, Any]:
    """Greedy against the loop that everybody writes first; of that, the calls for the picks that greedy made."""
    data = Problem(Spec(LOOP_MEMBERS, ROWS, 0.85, True, 0.12, seed=1)).rows(ROWS, seed=0)
    table, labels = data.probabilities, data.labels
    path = greedy_selection(table, labels, LOOP_PICKS).path

    def ours() -> None:
        greedy_selection(table, labels, LOOP_PICKS)

    def loop() -> None:
        total = np.zeros(table.shape[1:])
        for done in range(LOOP_PICKS):
            for member in table:
                f1_score(labels, (total + member).argmax(axis=1), average="macro")
            total += table[path[min(done, len(path) - 1)]]

    seconds = interleaved({"ours": ours, "loop": loop}, 5)
    best = {name: min(times) for name, times in seconds.items()}
    return {
        "loop_seconds": best["loop"],
        "loop_greedy_seconds": best["ours"],
        "greedy_speedup_vs_f1_score": best["loop"] / best["ours"],
        "loop_load": os.getloadavg()[0],
    }


def _timed(table: NDArray[Any], labels: NDArray[np.int64]) -> float:
    start = time.perf_counter()
    greedy_selection(table, labels, SIZE)
    return time.perf_counter() - start


def memory_ratio(folder: Path) -> float:
    """Peak of the resident memory beyond an idle process, over the input's bytes; in a process of its own."""
    with np.load(folder / "labels.npz") as file:
        labels = file["labels"]
    greedy_selection(np.full((2, 3, 2), 0.5, np.float32), np.array([0, 1, 0]), 2)
    idle = _peak_bytes()
    table = np.load(folder / "table.npy")
    greedy_selection(table, labels, SIZE)
    return (_peak_bytes() - idle) / table.nbytes


def _peak_bytes() -> int:
    """Largest resident size of this process so far; getrusage's would start at that of the process it came from."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def solve(spec: Spec) -> dict[str, Any]:
    """The nested table of one problem, and what every method scores on people that nobody has seen."""
    start = time.perf_counter()
    problem = Problem(spec)
    seen = problem.rows(spec.rows, seed=0)
    attributes = problem.sizes if len(problem.sizes) > 1 else ()
    evaluation = evaluate_methods(
        seen.probabilities, seen.labels, seen.fold, seen.groups, seed=spec.seed, attributes=attributes
    )
    del seen
    labels: list[NDArray[np.int64]] = []
    predicted: dict[str, list[NDArray[np.int64]]] = {name: [] for name in evaluation.fitted}
    for chunk in range(1, TEST_CHUNKS + 1):
        fresh = problem.rows(TEST_CHUNK, seed=chunk)
        labels.append(fresh.labels)
        for name, fitted in evaluation.fitted.items():
            predicted[name].append(fitted.apply(fresh.probabilities).argmax(axis=1))
    truth = np.concatenate(labels)
    bootstrap = Bootstrap(truth, np.arange(len(truth)) // 7, len(problem.prior), seed=0)
    used = np.ones(len(truth), bool)
    scores = {name: bootstrap.scores(np.concatenate(parts), used) for name, parts in predicted.items()}
    scores[AUTO] = scores[evaluation.chosen]
    best = scores[max(FOUR, key=lambda name: scores[name][0])]
    return {
        "spec": asdict(spec),
        "chosen": evaluation.chosen,
        "rows": [asdict(row) for row in evaluation.rows],
        "test": {name: float(score[0]) for name, score in scores.items()},
        "regret": {name: float(best[0] - score[0]) for name, score in scores.items()},
        "regret_error": float((best - scores[AUTO])[1:].std()),  # of auto's regret, on the test people
        "seconds": time.perf_counter() - start,
    }


def solve_all(count: int, seed: int, store: Path) -> list[dict[str, Any]]:
    """All problems, those in `store` not again."""
    code = hashlib.sha256()
    parts = [path for name in ("greedy", "nested", "methods") for path in (ROOT / "ensembles" / name).glob("*.py")]
    for path in sorted([*parts, ROOT / "benchmarks" / "ensemble_problems.py"]):
        code.update(path.read_bytes())
    lines = store.read_text().splitlines() if store.exists() else []
    known = {(line["code"], json.dumps(line["spec"])): line for line in map(json.loads, lines)}
    results = []
    for i, spec in enumerate(specs(count, seed)):
        key = (code.hexdigest(), json.dumps(asdict(spec)))
        if key not in known:
            known[key] = {"code": key[0], **solve(spec)}
            store.parent.mkdir(parents=True, exist_ok=True)
            with store.open("a") as file:
                file.write(json.dumps(known[key]) + "\n")
        line = known[key]
        regrets = ", ".join(f"{name} {100 * line['regret'][name]:.2f}" for name in FOUR)
        print(f"{i + 1}/{count} {spec} auto took {line['chosen']}; points of regret: {regrets}", flush=True)
        results.append(line)
    return results


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the problems. Errors are estimate minus truth; _in_se: divided by the row's own standard error."""
    names = [row["method"] for row in max(results, key=lambda line: len(line["rows"]))["rows"]]
    errors: dict[str, dict[str, list[float]]] = {name: {"nested": [], "in_sample": [], "se": []} for name in names}
    for line in results:
        for row in line["rows"]:
            truth = line["test"][row["method"]]
            errors[row["method"]]["nested"].append(row["nested"] - truth)
            errors[row["method"]]["in_sample"].append(row["in_sample"] - truth)
            errors[row["method"]]["se"].append(row["standard_error"])

    def mean(kind: str, relative: bool, absolute: bool) -> dict[str, float]:
        table = {}
        for name, error in errors.items():
            value = np.array(error[kind]) / (np.array(error["se"]) if relative else 1)
            table[name] = round(float((np.abs(value) if absolute else value).mean()), 5)
        return table

    def every(kind: str) -> NDArray[np.float64]:
        return np.concatenate([np.array(error[kind]) / np.array(error["se"]) for error in errors.values()])

    # standard errors of the difference on the 42,000 test rows; then on as many rows as the problem itself had
    behind = [line["regret"][AUTO] / line["regret_error"] for line in results if line["regret_error"] > 0]
    tested = [line for line in results if line["regret_error"] > 0]
    own_size = [np.sqrt(TEST_CHUNK * TEST_CHUNKS / line["spec"]["rows"]) for line in tested]
    return {
        "problems": len(results),
        "mean_regret": {
            name: float(np.mean([line["regret"][name] for line in results if name in line["regret"]])) for name in names
        },
        "auto_chose": {name: sum(line["chosen"] == name for line in results) for name in names if name != AUTO},
        "auto_over_2_se_behind": int(sum(z > 2 for z in behind)),
        "auto_over_2_se_behind_at_own_size": int(sum(z / f > 2 for z, f in zip(behind, own_size, strict=True))),
        "nested_error_in_se": float(np.abs(every("nested")).mean()),
        "nested_bias_in_se": float(every("nested").mean()),
        "in_sample_error_in_se": float(np.abs(every("in_sample")).mean()),
        "nested_error": mean("nested", relative=False, absolute=True),
        "in_sample_error": mean("in_sample", relative=False, absolute=True),
        "nested_error_in_se_by_method": mean("nested", relative=True, absolute=True),
        "nested_bias_in_se_by_method": mean("nested", relative=True, absolute=False),
        "in_sample_bias_in_se_by_method": mean("in_sample", relative=True, absolute=False),
    }


def metrics() -> dict[str, Any]:
    """Greedy under every metric of counts: seconds, and ratios to macro-F1."""
    seconds = seconds_by_metric()
    return {"metric_seconds": seconds, **figures(seconds), "metric_load": os.getloadavg()[0]}


def check(out: Path) -> int:
    """Exit code: 1 where the record does not follow from its cells, or times grew."""
    held = json.loads(out.read_text())
    lines = [json.loads(line) for line in out.with_suffix(".problems.jsonl").read_text().splitlines()]
    again = summary(lines[-held["problems"] :])
    wrong = [name for name, value in again.items() if _rounded(value) != _rounded(held.get(name))]
    print(f"{held['problems']} problems: {len(again)} figures from their lines, {len(wrong)} differ")
    print("speed against AutoGluon's algorithm and a loop, memory: recorded, not recomputed")
    if "metric_seconds" in held:
        wrong += differences(held, seconds_by_metric())
    else:
        print("greedy under each metric of counts: not recorded (--metrics)")
    print(f"DIFFER: {', '.join(wrong)}" if wrong else "as recorded")
    return 1 if wrong else 0


def _rounded(value: Any) -> Any:
    """Figures to nine digits: sums of floats differ in the last ones from machine to machine."""
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return float(f"{value:.9g}") if isinstance(value, float) else value


def main() -> None:
    """Runs all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=36)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--loop", action="store_true", help="the comparison with f1_score alone")
    parser.add_argument("--metrics", action="store_true", help="the time of each metric of counts alone")
    parser.add_argument("--check", action="store_true", help="compare what is recorded with its cells and a part anew")
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory:
        print(memory_ratio(args.memory))
        return
    if args.check:
        sys.exit(check(args.out))
    if args.loop or args.metrics:
        found = against_a_loop() if args.loop else metrics()
        args.out.write_text(json.dumps({**json.loads(args.out.read_text()), **found}) + "\n")
        print(json.dumps(found))
        return
    result = {"machine": f"{len(os.sched_getaffinity(0))} cores", "seed": args.seed, **speed(), **against_a_loop()}
    result.update(metrics())
    result.update(summary(solve_all(args.problems, args.seed, args.out.with_suffix(".problems.jsonl"))))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
