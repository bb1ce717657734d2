"""The command that searches.

python -m search.run SPACE [--data DIR] [--out runs] [--name N] [--trials N] [--resume] [--dry-run] ...
"""

import argparse
import shlex
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from search.plan import lacking, make_plan
from search.session import Given, begin, reopen, walk
from search.space import DataFacts, SpaceFile, load_space
from search.tracking import TRACKERS, check_installed, open_tracker
from trainable.command import Parser, add_data, default_data, guarded, plain_name, positive, whole
from trainable.data.layouts import read_manifest
from trainable.errors import InputError
from trainable.experiment import read_info
from trainable.models import missing_weights
from trainable.store import RunPaths


def parser() -> argparse.ArgumentParser:
    made = Parser(prog="python -m search.run", description="Search a space; folds of a trial race.")
    made.add_argument("space", type=Path, help="a space file, such as spaces/full.py")
    add_data(made)
    made.add_argument("--out", type=Path, default=Path("runs"), help="folder of runs (default: runs)")
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
    return made


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    given = parser().parse_args(words)
    return guarded(lambda: command(given, words))


def command(given: argparse.Namespace, words: list[str]) -> int:
    check_installed(given.log)
    space = load_space(given.space)
    if given.smoke:
        space = space.small()
    if given.trials:
        space = replace(space, search=replace(space.search, trials=given.trials))
    paths = RunPaths(given.out / (given.name or given.space.stem))
    print(f"run directory {paths.root}", flush=True)
    options = Given(
        data=given.data,
        weights=given.weights,
        skip_bad_images=given.skip_bad_images,
        cpus=given.cpus_per_trial,
        gpus=given.gpus_per_trial,
        hours=given.hours,
        address=given.address,
        earlier=given.earlier,
        again=_again(words, add="--resume"),
    )
    if given.dry_run:
        return dry_run(options, space, _again(words, drop="--dry-run"))
    return locked(options, space, paths, resume=given.resume, log=dict.fromkeys(given.log))


def dry_run(given: Given, space: SpaceFile, following: str) -> int:
    """Print the plan; missing weights are named, not refused."""
    manifest = read_manifest(given.data or default_data())
    plan = make_plan(space, manifest)
    for line in plan.lines(space, DataFacts.of(manifest)):
        print(line)
    absent = lacking(plan, given.weights)
    if absent:
        print(f"warning: {missing_weights(absent)}")
    print(f"next: {following}")
    return 0


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
    try:
        with FileLock(paths.lock, timeout=0):
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
    except Timeout:
        raise InputError(
            f"{paths.root} is in use: received a second process; allowed: one that writes at a time"
        ) from None


def _again(words: list[str], *, add: str = "", drop: str = "") -> str:
    """The same command once more, ready to paste."""
    kept = [w for w in words if w != drop]
    return shlex.join(["python", "-m", "search.run", *kept, *([add] if add and add not in kept else [])])


if __name__ == "__main__":
    raise SystemExit(main())
