"""The command that searches.

python -m search.run SPACE [--data DIR] [--out runs] [--name N] [--trials N] [--resume] [--dry-run] ...
python -m search.run SPACE --pseudo RUN/ensembles/NAME [--threshold 0.9] ...      a second round
python -m search.run --retrain RUN TRIAL... [--seeds 3 | --all-rows] ...          chosen trials once more
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from search.begin import Options, begin, reopen, teacher_of, with_given_folds
from search.drive import drive
from search.executors import NAMES as EXECUTORS
from search.plan import SHOWN, brief, lacking, make_plan
from search.pseudo_labels import THRESHOLD, thresholds
from search.retrain import SEEDS, retrain, retrain_on_all_rows
from search.space import DataFacts
from search.space_file import SpaceFile, load_space
from search.watch.trackers import TRACKERS, check_installed, open_tracker
from trainable.command import (
    Parser,
    add_columns,
    add_data,
    default_data,
    flags_of,
    guarded,
    plain_name,
    positive,
    whole,
)
from trainable.data.layouts import read_manifest
from trainable.data.manifest import few
from trainable.errors import InputError
from trainable.locks import alone
from trainable.models.weights import missing_weights
from trainable.run import Run

BESIDE_RETRAIN = ("retrain", "seeds", "all_rows", "executor", "cpus_per_trial", "gpus_per_trial", "address")
NEEDS = {"seeds": "retrain", "all_rows": "retrain", "threshold": "pseudo"}


def parser() -> argparse.ArgumentParser:
    made = Parser(prog="python -m search.run", description="Search a space; folds of a trial race.")
    made.add_argument("space", type=Path, nargs="?", help="a space file, such as spaces/full.py")
    add_data(made)
    add_columns(made)
    made.add_argument("--out", type=Path, help="folder of runs (default: runs)")
    made.add_argument("--name", type=plain_name, help="name of the run (default: the space file's)")
    made.add_argument("--trials", type=whole, help="instead of SEARCH.trials")
    made.add_argument("--gpus-per-trial", type=positive, metavar="X", help="a fraction packs several trials on one GPU")
    made.add_argument("--cpus-per-trial", type=positive, metavar="X")
    made.add_argument("--hours", type=positive, metavar="H", help="begin no trial that could not be complete by then")
    made.add_argument(
        "--executor", choices=EXECUTORS, default="ray", help="inline: in this process, one trial at a time, without Ray"
    )
    made.add_argument("--address", help="a running Ray cluster: auto, or HOST:PORT")
    made.add_argument("--log", choices=[*TRACKERS], action="append", default=[], help="track trials there as well")
    made.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors")
    made.add_argument("--skip-bad-images", action="store_true", help="train without unreadable images")
    made.add_argument(
        "--from", dest="earlier", type=Path, metavar="RUN", help="begin with an earlier run's finished trials"
    )
    made.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    made.add_argument("--smoke", action="store_true", help="the same structure with tiny networks, photos and epochs")
    made.add_argument("--dry-run", action="store_true", help="check everything, print the plan, start nothing")
    after = made.add_argument_group("after a search")
    after.add_argument("--pseudo", type=Path, metavar="RUN/ensembles/NAME", help="a new run that also learns from it")
    after.add_argument(
        "--threshold", type=thresholds, help=f"pseudo labels from this probability on (default: {THRESHOLD}), or "
        "by attribute, such as mask=.98,age=.6",
    )  # fmt: skip
    after.add_argument("--retrain", nargs="+", metavar=("RUN", "TRIAL"), help="train chosen trials once more")
    after.add_argument("--seeds", type=whole, help=f"seeds beside the trial's own (default: {SEEDS})")
    after.add_argument("--all-rows", action="store_true", help="once on all rows, for the submission; no score")
    return made


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    given = parser().parse_args(words)
    return guarded(lambda: command(given, words))


def command(given: argparse.Namespace, words: list[str]) -> int:
    _refuse_strange(given)
    if given.retrain:
        return retrained(given, words)
    check_installed(given.log)
    space = load_space(given.space)
    if given.smoke:
        space = space.small()
    if given.trials:
        space = replace(space, search=replace(space.search, trials=given.trials))
    default = f"{given.space.stem}_round2" if given.pseudo else given.space.stem
    run = Run((given.out or Path("runs")) / (given.name or default))
    print(f"run directory {run.root}", flush=True)
    options = _options(given, _again(words, add="--resume"))
    if given.dry_run:
        return dry_run(options, space, _again(words, drop="--dry-run"))
    return locked(options, space, run, resume=given.resume, log=dict.fromkeys(given.log))


def dry_run(options: Options, space: SpaceFile, following: str) -> int:
    """Print the plan; missing weights are named, not refused."""
    teacher = teacher_of(options, space)
    manifest = teacher.experiment.manifest if teacher else read_manifest(options.data or default_data(), options.flags)
    space = with_given_folds(space, manifest)
    plan = make_plan(space, manifest)
    for line in [
        *manifest.taken.lines,
        *plan.lines(space, DataFacts.of(manifest)),
        *([teacher.sentence()] if teacher else []),
    ]:
        print(line)
    for config in plan.configs[:SHOWN]:
        print(f"sampled: {brief(config)}")
    absent = lacking(plan, options.weights)
    if absent:
        print(f"warning: {missing_weights(absent)}")
    print(f"next: {following}")
    return 0


def retrained(given: argparse.Namespace, words: list[str]) -> int:
    """Chosen trials of a run once more, holding its lock."""
    place, *names = given.retrain
    run = Run.open(Path(place))
    print(f"run directory {run.root}", flush=True)
    options = _options(given, _again(words))
    with alone(run.lock, run.root):
        if given.all_rows:
            return retrain_on_all_rows(options, run, names)
        return retrain(options, run, names, given.seeds or SEEDS)


def locked(options: Options, space: SpaceFile, run: Run, *, resume: bool, log: Iterable[str] = ()) -> int:
    """Search while holding the run's lock; a run that could not begin leaves nothing behind."""
    if resume:
        run = Run.open(run.root)
    elif run.begun or run.root.is_file():
        raise InputError(
            f"run name: received {run.root}, which exists; allowed: another --name, or --resume to go on with a run"
        )
    elif strangers := run.strangers():
        raise InputError(f"run name: received {run.root}, which holds {few(strangers)}; allowed: another --name")
    made = [p for p in (run.root, *run.root.parents) if not p.exists()]
    try:
        run.root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"--out: received {run.root.parent}, which is a file; allowed: a folder") from None
    with alone(run.lock, run.root):
        try:
            trackers = [open_tracker(name, run) for name in log]
            lines = reopen(options, space, run) if resume else begin(options, space, run)
        except BaseException:
            if not run.begun:
                run.forget()
                for folder in made:
                    if folder != run.root:
                        folder.rmdir()
            raise
        for line in (*lines, *(f"tracked by {tracker.where}" for tracker in trackers)):
            print(line, flush=True)
        return drive(options, with_given_folds(space, run.manifest), run, trackers)


def _options(given: argparse.Namespace, again: str) -> Options:
    return Options(
        data=given.data,
        weights=given.weights,
        skip_bad_images=given.skip_bad_images,
        executor=given.executor,
        cpus=given.cpus_per_trial,
        gpus=given.gpus_per_trial,
        hours=given.hours,
        address=given.address,
        earlier=given.earlier,
        again=again,
        pseudo=given.pseudo,
        threshold=given.threshold,
        flags=flags_of(given),
    )


def _refuse_strange(given: argparse.Namespace) -> None:
    """InputError about options that do not go together, rather than passing one over."""
    here = [name for name, value in vars(given).items() if value not in (None, False, []) and name != "executor"]
    strange = [name for name in here if name not in BESIDE_RETRAIN]
    if "retrain" in here and strange:
        raise InputError(f"--retrain: received also {_flags(strange)}; allowed beside it: {_flags(BESIDE_RETRAIN[1:])}")
    if "retrain" not in here and "space" not in here:
        raise InputError("received no SPACE; allowed: a space file, such as spaces/full.py, or --retrain RUN TRIAL...")
    for name, other in NEEDS.items():
        if name in here and other not in here:
            raise InputError(f"{_flags([name])}: received without {_flags([other])}; allowed: together")
    if {"seeds", "all_rows"} <= set(here):
        raise InputError("--seeds: received with --all-rows; allowed: one of them, since all rows are trained on once")


def _flags(names: Sequence[str]) -> str:
    others = {"space": "SPACE", "earlier": "--from"}
    return ", ".join(others.get(name, f"--{name.replace('_', '-')}") for name in names)


def _again(words: list[str], *, add: str = "", drop: str = "") -> str:
    """The same command once more, ready to paste."""
    kept = [w for w in words if w != drop]
    return shlex.join(["python", "-m", "search.run", *kept, *([add] if add and add not in kept else [])])


if __name__ == "__main__":
    raise SystemExit(main())
