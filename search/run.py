"""The command that searches.

python -m search.run SPACE [--data DIR] [--out runs] [--name N] [--trials N] [--resume] [--dry-run] ...
python -m search.run SPACE --pseudo RUN/ensembles/NAME [--threshold 0.9] ...      a second round
python -m search.run --promote RUN TRIAL... [--seeds 3 | --all-rows] ...          chosen trials once more
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from search.begin import Given, begin, reopen, teacher_of, walk
from search.plan import SHOWN, brief, lacking, make_plan
from search.pseudo_labels import THRESHOLD, thresholds
from search.retrain import SEEDS, promote, promote_on_all_rows
from search.space import DataFacts, SpaceFile, load_space
from search.watch.trackers import TRACKERS, check_installed, open_tracker
from trainable.command import Parser, add_data, default_data, guarded, plain_name, positive, whole
from trainable.data.layouts import read_manifest
from trainable.errors import InputError
from trainable.models.weights import missing_weights
from trainable.run.experiment import read_info
from trainable.run.paths import RunPaths

BESIDE_PROMOTE = ("promote", "seeds", "all_rows", "cpus_per_trial", "gpus_per_trial", "address")
NEEDS = {"seeds": "promote", "all_rows": "promote", "threshold": "pseudo"}


def parser() -> argparse.ArgumentParser:
    made = Parser(prog="python -m search.run", description="Search a space; folds of a trial race.")
    made.add_argument("space", type=Path, nargs="?", help="a space file, such as spaces/full.py")
    add_data(made)
    made.add_argument("--out", type=Path, help="folder of runs (default: runs)")
    made.add_argument("--name", type=plain_name, help="name of the run (default: the space file's)")
    made.add_argument("--trials", type=whole, help="instead of SEARCH.trials")
    made.add_argument("--gpus-per-trial", type=positive, metavar="X", help="a fraction packs several trials on one GPU")
    made.add_argument("--cpus-per-trial", type=positive, metavar="X")
    made.add_argument("--hours", type=positive, metavar="H", help="begin no trial that could not be complete by then")
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
    after.add_argument("--promote", nargs="+", metavar=("RUN", "TRIAL"), help="train chosen trials once more")
    after.add_argument("--seeds", type=whole, help=f"seeds beside the trial's own (default: {SEEDS})")
    after.add_argument("--all-rows", action="store_true", help="once on all rows, for the submission; no score")
    return made


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    given = parser().parse_args(words)
    return guarded(lambda: command(given, words))


def command(given: argparse.Namespace, words: list[str]) -> int:
    _refuse_strange(given)
    if given.promote:
        return promoted(given, words)
    check_installed(given.log)
    space = load_space(given.space)
    if given.smoke:
        space = space.small()
    if given.trials:
        space = replace(space, search=replace(space.search, trials=given.trials))
    default = f"{given.space.stem}_round2" if given.pseudo else given.space.stem
    paths = RunPaths((given.out or Path("runs")) / (given.name or default))
    print(f"run directory {paths.root}", flush=True)
    options = _options(given, _again(words, add="--resume"))
    if given.dry_run:
        return dry_run(options, space, _again(words, drop="--dry-run"))
    return locked(options, space, paths, resume=given.resume, log=dict.fromkeys(given.log))


def dry_run(given: Given, space: SpaceFile, following: str) -> int:
    """Print the plan; missing weights are named, not refused."""
    teacher = teacher_of(given, space)
    manifest = teacher.experiment.manifest if teacher else read_manifest(given.data or default_data())
    plan = make_plan(space, manifest)
    for line in [*plan.lines(space, DataFacts.of(manifest)), *([teacher.sentence()] if teacher else [])]:
        print(line)
    for config in plan.configs[:SHOWN]:
        print(f"sampled: {brief(config)}")
    absent = lacking(plan, given.weights)
    if absent:
        print(f"warning: {missing_weights(absent)}")
    print(f"next: {following}")
    return 0


def promoted(given: argparse.Namespace, words: list[str]) -> int:
    """Chosen trials of a run once more, holding its lock."""
    run, *names = given.promote
    paths = RunPaths(Path(run))
    read_info(paths)
    print(f"run directory {paths.root}", flush=True)
    options = _options(given, _again(words))
    with held(paths):
        if given.all_rows:
            return promote_on_all_rows(options, paths, names)
        return promote(options, paths, names, given.seeds or SEEDS)


@contextmanager
def held(paths: RunPaths) -> Iterator[None]:
    """The run's lock: one process writes at a time."""
    try:
        with FileLock(paths.lock, timeout=0):
            yield
    except Timeout:
        raise InputError(
            f"{paths.root} is in use: received a second process; allowed: one that writes at a time"
        ) from None


def locked(given: Given, space: SpaceFile, paths: RunPaths, *, resume: bool, log: Iterable[str] = ()) -> int:
    """Search while holding the run's lock; a run that could not begin leaves nothing behind."""
    if resume:
        read_info(paths)
    elif paths.root.exists() and (not paths.root.is_dir() or any(paths.root.iterdir())):
        raise InputError(
            f"run name: received {paths.root}, which exists; allowed: another --name, or --resume to go on"
        )
    made = [p for p in (paths.root, *paths.root.parents) if not p.exists()]
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"--out: received {paths.root.parent}, which is a file; allowed: a folder") from None
    with held(paths):
        try:
            trackers = [open_tracker(name, paths) for name in log]
            experiment, lines = reopen(given, space, paths) if resume else begin(given, space, paths)
        except BaseException:
            if not paths.experiment.exists():
                paths.forget()
                for folder in made:
                    if folder != paths.root:
                        folder.rmdir()
            raise
        for line in (*lines, *(f"tracked by {tracker.where}" for tracker in trackers)):
            print(line, flush=True)
        return walk(given, space, experiment, trackers)


def _options(given: argparse.Namespace, again: str) -> Given:
    return Given(
        data=given.data,
        weights=given.weights,
        skip_bad_images=given.skip_bad_images,
        cpus=given.cpus_per_trial,
        gpus=given.gpus_per_trial,
        hours=given.hours,
        address=given.address,
        earlier=given.earlier,
        again=again,
        pseudo=given.pseudo,
        threshold=given.threshold,
    )


def _refuse_strange(given: argparse.Namespace) -> None:
    """InputError about options that do not go together, rather than passing one over."""
    here = [name for name, value in vars(given).items() if value not in (None, False, [])]
    strange = [name for name in here if name not in BESIDE_PROMOTE]
    if "promote" in here and strange:
        raise InputError(f"--promote: received also {_flags(strange)}; allowed beside it: {_flags(BESIDE_PROMOTE[1:])}")
    if "promote" not in here and "space" not in here:
        raise InputError("received no SPACE; allowed: a space file, such as spaces/full.py, or --promote RUN TRIAL...")
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
