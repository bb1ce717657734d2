"""The command that votes.

python -m ensembles.build [RUN ...] [--name N] [--method auto] [--size S] [--data DIR] [--skip-broken-members]
"""

import argparse
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from rich.console import Console
from rich.table import Table

from ensembles.all_rows import on_all_rows
from ensembles.choice import Choice, choose_whole
from ensembles.drift import measure_drift
from ensembles.factors import predict_members
from ensembles.members import Member, Members, load_members
from ensembles.methods import METHODS, Fitted
from ensembles.nested import AUTO, Row
from ensembles.refine import refine_by_person
from ensembles.submission import write_submission
from ensembles.submissions import add_submission
from trainable.command import Parser, add_data, guarded, plain_name, whole
from trainable.errors import unknown
from trainable.data.labels import ATTRIBUTES
from trainable.data.layouts import read_test
from trainable.data.manifest import TestSet
from trainable.errors import InputError
from trainable.files import write_json, write_npz
from trainable.metrics import macro_f1
from trainable.run.paths import EnsemblePaths, RunPaths, newest_run


def parser() -> argparse.ArgumentParser:
    made = Parser(prog="python -m ensembles.build", description="Vote the best trials and submit.")
    made.add_argument(
        "runs", nargs="*", type=Path, metavar="RUN", help="runs on the same data (default: newest in runs)"
    )
    made.add_argument("--name", type=plain_name, help="name of the ensemble (default: its method, numbered when taken)")
    made.add_argument("--method", default=AUTO, help=f"{AUTO} or one of {', '.join(METHODS)}")
    made.add_argument("--size", type=whole, default=50, help="most picks of greedy selection")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument(
        "--skip-broken-members", action="store_true", help="choose without members whose files are broken"
    )
    made.add_argument(
        "--all-rows",
        action="store_true",
        help="predict with the members' networks of all rows, see search.run --promote",
    )
    made.add_argument("--no-persons", action="store_true", help="leave out the test whether grouping photos pays")
    add_data(made)
    return made


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    if given.method not in (AUTO, *METHODS):
        raise unknown("method", given.method, (AUTO, *METHODS))
    runs = given.runs or [_newest()]
    members = load_members(runs, score=macro_f1, skip_broken=given.skip_broken_members)
    paths = _choose_name(RunPaths(runs[0]), given.name or given.method)
    print(f"ensemble {paths.root}", flush=True)
    test = read_test(given.data or members.data, members.classes)
    if len(test.names) != len(members.classes):
        raise InputError(
            f"test set below {test.root}: received one of {len(test.names)} classes; "
            f"allowed: {len(members.classes)}, as the run has"
        )
    paths.root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(paths.lock, timeout=0):
            try:
                return build(given, members, test, paths)
            except InputError:
                paths.delete_if_empty()
                raise
    except Timeout:
        raise InputError(f"{paths.root} is being built: received a second process; allowed: one at a time") from None


def build(given: argparse.Namespace, members: Members, test: TestSet, paths: EnsemblePaths) -> int:
    """Choose on out-of-fold predictions, predict the test images, write submission.csv and, last, ensemble.json."""
    choice = choose_whole(
        members, given.method, size=given.size, seed=given.seed, skip_broken=given.skip_broken_members
    )
    members, fitted, used = choice.members, choice.fitted, choice.used
    Console().print(_table(choice.evaluation.rows, choice.method))
    voters = [members.members[t] for t in used]
    if given.all_rows:
        voters = on_all_rows(voters)
        print("warning: no estimate is of the networks of all rows; those below are of the fold models", flush=True)
    print(
        f"method {choice.method}: {int((fitted.weights > 0).sum())} of {len(members.members)} complete trials",
        flush=True,
    )
    probabilities = predict_members(voters, test, len(members.classes), paths.parts)
    scores = vote(fitted, probabilities.mean(1), used)
    known = fitted.apply(members.probabilities)
    drift = measure_drift(
        known, members.groups, np.stack([vote(fitted, p, used) for p in probabilities.swapaxes(0, 1)])
    )
    for sentence in drift.sentences(members.classes):
        print(f"warning: {sentence}", flush=True)
    together = None
    if members.attributes and not given.no_persons:
        scores, together = refine_by_person(scores, known, members, test, given.seed)
    write_npz(
        paths.test,
        probabilities=probabilities,
        members=np.array([m.name for m in voters]),
        images=np.array(test.images),
        vote=scores.astype(np.float32),
        best_single=np.array(used.index(choice.best_single)),
        classes=np.array(members.classes),
    )
    write_submission(paths.submission, test, scores.argmax(1))
    row = choice.rows[given.method if given.method == AUTO else choice.method]
    write_json(
        paths.summary,
        {
            **summary(choice, row, dict(zip(used, voters, strict=True))),
            "drift": {name: getattr(drift, name) for name in ("distance", "distance_limit", "drop", "drop_limit")},
            "same_person": None if together is None else {**vars(together), "kept": together.pays},
        },
    )
    paths.delete_parts()
    add_submission(paths, choice.method, choice.rows[choice.method].in_sample, row.nested, row.standard_error)
    _say(choice.rows, given.method, choice.method, paths)
    return 0


def vote(fitted: Fitted, probabilities: np.ndarray, used: list[int]) -> np.ndarray:
    """Scores float64 [M, C] of the used members' probabilities [members, M, C].

    Members without weight are never read by a method, so they are left uniform.
    """
    _, rows, classes = probabilities.shape
    everybody = np.full((len(fitted.weights), rows, classes), 1 / classes, np.float32)
    everybody[used] = probabilities
    return fitted.apply(everybody)


def summary(choice: Choice, row: Row, voters: dict[int, Member]) -> dict:
    """ensemble.json. The estimate of `auto` has the choice of method inside the nesting."""
    members, fitted = choice.members, choice.fitted
    single = choice.rows["best_single"]
    return {
        "method": choice.method,
        "members": [
            {**_named(voters[t]), "weight": float(w), "oof_macro_f1": voters[t].oof_macro_f1}
            for t, w in enumerate(fitted.weights)
            if w > 0
        ],
        "oof_macro_f1": choice.rows[choice.method].in_sample,
        "nested_macro_f1": row.nested,
        "nested_std": row.standard_error,
        "optimism": choice.rows[choice.method].in_sample - row.nested,
        "best_single": {
            **_named(voters[choice.best_single]),
            "oof_macro_f1": single.in_sample,
            "nested_macro_f1": single.nested,
        },
        "classes": members.classes,
        "attributes": ATTRIBUTES if members.attributes else {},
        "candidates": [m.name for m in members.members],
        "parameters": fitted.parameters,
        "methods": [vars(r) for r in choice.evaluation.rows],
    }


def _named(member: Member) -> dict:
    """Where a member lies; `target` and `times` only where single attributes are multiplied, `all_rows` if it is so."""
    place: dict = {"run": str(member.run.root), "trial": member.trial.root.name}
    if member.all_rows:
        place["all_rows"] = True
    if member.times:
        place |= {"target": member.target, "times": [_named(m) | {"target": m.target} for m in member.times]}
    return place


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
        table.add_column(
            column,
            justify="left" if column in ("method", "") else "right",
            min_width=max(map(len, METHODS)) if column == "method" else None,
        )
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
    number = 1
    while (paths := run.ensemble(name if number == 1 else f"{name}-{number}")).summary.exists():
        number += 1
    return paths


if __name__ == "__main__":
    raise SystemExit(main())
