"""Figures of the ensemble: speed, growth and memory of greedy selection; honesty and regret of `auto`.

    python -m benchmarks.ensemble [--problems 36] [--out FILE] [--loop | --metrics | --check]

Prints what it measures as it goes, last one JSON line, which it also writes to --out. Finished problems are
kept beside it (`*.problems.jsonl`) and not run again as long as the code of selection,
methods, nesting and problems is the same.

--loop measures one part alone (a minute or two) and writes it into the file that is there: greedy against a loop that
asks scikit-learn's f1_score about every candidate of every pick, at T 60, 30 picks, both in turn, best of five.

--metrics the same way: greedy under every metric of counts beside macro-F1, see benchmarks/ensemble_metrics.py.

--check: the figures of the problems from the lines kept beside the file, those of the metrics from their seconds and
measured anew; exit 1 where they differ, of ratios where they are 1.5 times what was recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.ensemble_honesty import solve_all, summary
from benchmarks.ensemble_metrics import differences, figures, seconds_by_metric
from benchmarks.ensemble_speed import against_a_loop, memory_ratio, speed

OUT = Path(__file__).resolve().parent / "results" / "ensemble.json"


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
