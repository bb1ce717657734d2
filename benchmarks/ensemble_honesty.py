"""Whether the nested estimate is honest, and what `auto` loses, on problems whose truth is known; a part of
benchmarks.ensemble.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ensemble_problems import Problem, Spec, specs
from ensembles.nested import AUTO, Bootstrap, evaluate_methods

ROOT = Path(__file__).resolve().parent.parent
FOUR = ("best_single", "mean_top5", "greedy", AUTO)
TEST_CHUNK, TEST_CHUNKS = 7_000, 6  # rows of fresh people that give the truth


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
