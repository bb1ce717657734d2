"""What each technique gives alone: the centre of spaces/ablation.py, and in turn the centre with one thing changed.

Run:     python -m benchmarks.ablation --work DIR
Cost:    about 20 CPU seconds a technique and seed, 40 CPU minutes in all, on one thread and without Ray. Finished
         trials are kept in the result file, so an interrupted run goes on when the command is given again
Writes:  benchmarks/results/ablation.json (a row a technique and seed) and docs/ablation.md (the table)

Techniques and centre share the generated data, the folds and the seeds, so they are compared fold by fold: `difference`
is the mean over seeds and folds of what the technique's macro-F1 of a fold is above the centre's, its standard error
that of this mean. A seed has its own folds and first weights.
"""

import argparse
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from scipy.stats import t

from search.space import DataFacts
from search.space_file import SpaceFile, load_space
from spaces import ablation
from trainable.files import read_json, write_json, write_text
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.trial import train

ROOT = Path(__file__).parents[1]
RESULT, TABLE = ROOT / "benchmarks" / "results" / "ablation.json", ROOT / "docs" / "ablation.md"
SPACE = ROOT / "spaces" / "ablation.py"
NAMES = [*ablation.TECHNIQUES, *ablation.PEOPLE]
PEOPLE, PHOTOS, SEEDS, LEVEL = 100, 7, 2, 0.95
HEAD = """# What each technique gives alone

`python -m benchmarks.ablation --work DIR`: the centre of `spaces/ablation.py` and, in turn, the centre with one thing
changed; {people} generated people ({photos} photos), {folds} folds of {epochs} epochs, {seeds} seeds, networks of .4
million weights that start at random, 64x48 pixels, one CPU. A difference is the mean over seeds and folds of what the
technique's macro-F1 of a fold is above the centre's, with the standard error of that mean. "Within noise" is a
difference inside its 95 % interval (Student's t); of {count} true zeros {wrong:.0f} would be called clear by chance, so
a single small "better" or "worse" is no news. What wins with these networks may not with pretrained ones at full size:
colour, blur and strong augmentation cost a network this small more than they would a large one.

"""


def one_trial(name: str, run: Run, space: SpaceFile) -> dict[str, Any]:
    """Train one technique on all folds; only its scores are kept."""
    config = space.config(optuna.trial.FixedTrial({"technique": name}), DataFacts.of(run.manifest))
    trial = run.trial(run.identify(config))
    trial.begin(config)
    started = time.process_time()
    result = train(trial, lambda report: True, device=torch.device("cpu"))
    assert result is not None
    trial.delete_leftovers()
    return {
        "technique": name,
        "seed": config.seed,
        "trial": trial.id,
        "oof_score": result.oof_score,
        "fold_scores": result.fold_scores,
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def conclude(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line a technique: its mean OOF macro-F1 over the seeds, and its difference to the centre."""
    folds = {(r["technique"], r["seed"]): np.array(r["fold_scores"]) for r in rows}
    found = []
    for name in dict.fromkeys(r["technique"] for r in rows):
        seeds = [s for n, s in folds if n == name and ("centre", s) in folds]
        if not seeds:
            continue
        above = np.concatenate([folds[name, s] - folds["centre", s] for s in seeds])
        error = float(above.std(ddof=1) / np.sqrt(len(above)))
        found.append(
            {
                "technique": name,
                "seeds": len(seeds),
                "oof_score": float(np.mean([r["oof_score"] for r in rows if r["technique"] == name])),
                "difference": float(above.mean()),
                "standard_error": error,
                "noise": error * float(t.ppf((1 + LEVEL) / 2, len(above) - 1)),
            }
        )
    return found


def verdict(line: dict[str, Any]) -> str:
    if line["technique"] == "centre":
        return ""
    if line["difference"] == line["standard_error"] == 0:
        return "changes nothing here"
    if abs(line["difference"]) <= line["noise"]:
        return "within noise"
    return "better" if line["difference"] > 0 else "worse"


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown, the best first, the centre on top."""
    ranked = sorted(lines, key=lambda r: (r["technique"] != "centre", -r["difference"]))
    rows = []
    for r in ranked:
        above = f"{r['difference']:+.3f} ± {r['standard_error']:.3f}" if r["technique"] != "centre" else ""
        rows.append(f"| {r['technique']} | {r['oof_score']:.3f} | {above} | {verdict(r)} |")
    head = ["| technique | OOF macro-F1 | difference to the centre ± standard error | |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for data and trials")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="TECHNIQUE")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--table", type=Path, default=TABLE)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = given.work / f"data_{given.people}"
    if not (data / "train" / "train.csv").exists():
        generate(data, given.people, 6, 0, 1)
    rows = read_json(given.out)["rows"] if given.out.exists() else []
    done = {(r["technique"], r["seed"]) for r in rows}
    shipped = load_space(SPACE)
    for seed in range(SEEDS):
        space = replace(shipped, search=replace(shipped.search, seed=seed))
        s, run = space.search, Run(given.work / f"run_{seed}")
        if not run.begun:
            experiment = prepare(data, folds=s.folds, seed=seed, store_size=s.store_size)
            run.begin(experiment, command=["benchmarks.ablation"], settings=asdict(s), space=space.text)
        for name in given.only:
            if (name, seed) in done:
                continue
            rows.append(one_trial(name, run, space))
            write_json(given.out, {"people": given.people, "rows": rows})
            print(rows[-1], flush=True)
    lines = conclude(rows)
    write_json(given.out, {"people": given.people, "lines": lines, "rows": rows})
    s, count = shipped.search, len(lines) - 1
    head = HEAD.format(
        people=given.people, photos=PHOTOS * given.people, folds=s.folds, epochs=s.epochs, seeds=SEEDS, count=count,
        wrong=count * (1 - LEVEL),
    )  # fmt: skip
    write_text(given.table, head + table(lines))
    print(f"next: read {given.table}")


if __name__ == "__main__":
    main()
