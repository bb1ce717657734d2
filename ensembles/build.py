"""The command that votes.

python -m ensembles.build [RUN ...] [--name N] [--method auto] [--size S] [--data DIR]
"""

import argparse
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from rich.console import Console
from rich.table import Table

from ensembles.members import Members, load_members
from ensembles.methods import METHODS, Fitted
from ensembles.nested import AUTO, Evaluation, Row, evaluate_methods
from ensembles.submission import write_submission
from ensembles.testing import predict_test
from trainable.command import add_data, guarded, whole
from trainable.data.manifest import TestSet, read_test
from trainable.errors import InputError
from trainable.files import write_json, write_npz
from trainable.metrics import macro_f1
from trainable.store import EnsemblePaths, RunPaths, newest_run
from trainable.validate import unknown


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m ensembles.build", description="Vote the best trials and submit.")
    made.add_argument(
        "runs", nargs="*", type=Path, metavar="RUN", help="runs on the same data (default: newest in runs)"
    )
    made.add_argument("--name", help="name of the ensemble (default: its method, numbered when taken)")
    made.add_argument("--method", default=AUTO, help=f"{AUTO} or one of {', '.join(METHODS)}")
    made.add_argument("--size", type=whole, default=50, help="most picks of greedy selection")
    made.add_argument("--seed", type=int, default=0)
    add_data(made)
    return made


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    if given.method not in (AUTO, *METHODS):
        raise unknown("method", given.method, (AUTO, *METHODS))
    runs = given.runs or [_newest()]
    members = load_members(runs, score=macro_f1)
    paths = _choose_name(RunPaths(runs[0]), given.name or given.method)
    print(f"ensemble {paths.root}", flush=True)
    test = read_test(given.data or members.data, members.classes)
    paths.root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(paths.lock, timeout=0):
            return build(given, members, test, paths)
    except Timeout:
        raise InputError(f"{paths.root} is being built: received a second process; allowed: one at a time") from None


def build(given: argparse.Namespace, members: Members, test: TestSet, paths: EnsemblePaths) -> int:
    """Choose on out-of-fold predictions, predict the test images, write submission.csv and, last, ensemble.json."""
    evaluation = evaluate_methods(
        members.probabilities,
        members.labels,
        members.fold,
        members.groups,
        seed=given.seed,
        attributes=members.attributes,
    )
    chosen = evaluation.chosen if given.method == AUTO else given.method
    rows = {row.method: row for row in evaluation.rows}
    fitted = evaluation.fitted[chosen]
    best = evaluation.fitted["best_single"].weights.argmax()
    Console().print(_table(evaluation.rows, chosen))
    used = sorted({*np.flatnonzero(fitted.weights > 0).tolist(), int(best)})
    print(f"method {chosen}: {int((fitted.weights > 0).sum())} of {len(members.members)} complete trials", flush=True)
    probabilities = predict_test([members.members[t] for t in used], test, len(members.classes), paths.parts)
    scores = vote(fitted, probabilities, used)
    write_npz(
        paths.test,
        probabilities=probabilities,
        members=np.array([members.members[t].name for t in used]),
        vote=scores.astype(np.float32),
        best_single=np.array(used.index(int(best))),
        classes=np.array(members.classes),
    )
    write_submission(paths.submission, test, scores.argmax(1))
    write_json(
        paths.summary,
        summary(evaluation, chosen, fitted, rows[given.method if given.method == AUTO else chosen], members),
    )
    paths.delete_parts()
    _say(rows, given.method, chosen, paths)
    return 0


def vote(fitted: Fitted, probabilities: np.ndarray, used: list[int]) -> np.ndarray:
    """Scores float64 [M, C] of test probabilities [members, K, M, C]; fold models of a member are averaged first.

    Members without weight are never read by a method, so they are left uniform.
    """
    _, _, rows, classes = probabilities.shape
    everybody = np.full((len(fitted.weights), rows, classes), 1 / classes, np.float32)
    everybody[used] = probabilities.mean(1)
    return fitted.apply(everybody)


def summary(evaluation: Evaluation, chosen: str, fitted: Fitted, row: Row, members: Members) -> dict:
    """ensemble.json. The estimate of `auto` has the choice of method inside the nesting."""
    rows = {r.method: r for r in evaluation.rows}
    single = rows["best_single"]
    best = members.members[int(evaluation.fitted["best_single"].weights.argmax())]
    return {
        "method": chosen,
        "members": [
            {"run": str(m.run.root), "trial": m.trial.root.name, "weight": float(w), "oof_macro_f1": m.oof_macro_f1}
            for m, w in zip(members.members, fitted.weights, strict=True)
            if w > 0
        ],
        "oof_macro_f1": rows[chosen].in_sample,
        "nested_macro_f1": row.nested,
        "nested_std": row.standard_error,
        "optimism": rows[chosen].in_sample - row.nested,
        "best_single": {
            "trial": best.trial.root.name,
            "oof_macro_f1": single.in_sample,
            "nested_macro_f1": single.nested,
        },
        "candidates": [m.name for m in members.members],
        "parameters": fitted.parameters,
        "methods": [vars(r) for r in evaluation.rows],
    }


def _say(rows: dict[str, Row], asked: str, chosen: str, paths: EnsemblePaths) -> None:
    single, row = rows["best_single"], rows[asked]
    print(f"best single  in-sample {single.in_sample:.4f}  nested {single.nested:.4f}")
    print(
        f"ensemble     in-sample {rows[chosen].in_sample:.4f}  nested {row.nested:.4f} ± {row.standard_error:.4f}  "
        f"optimism {rows[chosen].in_sample - row.nested:.4f}"
    )
    print(f"next: submit {paths.submission}")


def _table(rows: list[Row], chosen: str) -> Table:
    table = Table(title="methods, by out-of-fold macro-F1", title_justify="left", box=None, header_style="bold")
    for column in ("method", "in-sample", "nested", "std. error", "optimism", "members", "seconds", ""):
        table.add_column(column, justify="left" if column in ("method", "") else "right")
    for r in rows:
        numbers = (f"{v:.4f}" for v in (r.in_sample, r.nested, r.standard_error, r.optimism))
        table.add_row(r.method, *numbers, str(r.members), f"{r.seconds:.1f}", "chosen" if r.method == chosen else "")
    return table


def _newest() -> Path:
    found = newest_run(Path("runs"))
    if found is None:
        raise InputError("no RUN: received none, and ./runs holds none; allowed: a run directory that search.run wrote")
    return found


def _choose_name(run: RunPaths, name: str) -> EnsemblePaths:
    """The first free name: `name`, `name-2`, ...; an unfinished build under it is taken up again."""
    if Path(name).name != name or name in (".", ".."):
        raise InputError(f"--name: received {name!r}; allowed: a plain folder name")
    number = 1
    while (paths := run.ensemble(name if number == 1 else f"{name}-{number}")).summary.exists():
        number += 1
    return paths


if __name__ == "__main__":
    raise SystemExit(main())
