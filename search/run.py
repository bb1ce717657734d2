"""The command that searches.

python -m search.run SPACE [--data DIR] [--out runs] [--name N] [--trials N] [--resume] [--dry-run] ...
"""

import argparse
import shlex
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from filelock import FileLock, Timeout

from search.director import Director, clear_stopped
from search.leaderboard import STATES, write_leaderboard
from search.ledger import Ledger
from search.plan import lacking, make_plan
from search.progress import Progress
from search.race import Race
from search.space import DataFacts, SpaceFile, load_space
from trainable.command import add_data, default_data, guarded, positive, whole
from trainable.data.manifest import read_manifest
from trainable.errors import InputError
from trainable.experiment import Experiment, open_experiment, prepare, read_info, save_experiment
from trainable.files import read_json, write_text
from trainable.models import missing_weights, resolve_weights
from trainable.store import RunPaths


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m search.run", description="Search a space; folds of a trial race.")
    made.add_argument("space", type=Path, help="a space file, such as spaces/full.py")
    add_data(made)
    made.add_argument("--out", type=Path, default=Path("runs"), help="folder of runs (default: runs)")
    made.add_argument("--name", help="name of the run (default: the space file's)")
    made.add_argument("--trials", type=whole, help="instead of SEARCH.trials")
    made.add_argument("--gpus-per-trial", type=positive, metavar="X", help="a fraction packs several trials on one GPU")
    made.add_argument("--cpus-per-trial", type=positive, metavar="X")
    made.add_argument("--address", help="a running Ray cluster: auto, or HOST:PORT")
    made.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors")
    made.add_argument("--skip-bad-images", action="store_true", help="train without unreadable images")
    made.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    made.add_argument("--dry-run", action="store_true", help="check everything, print the plan, start nothing")
    return made


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    space = load_space(given.space)
    if given.trials:
        space = replace(space, search=replace(space.search, trials=given.trials))
    paths = RunPaths(given.out / (given.name or given.space.stem))
    print(f"run directory {paths.root}", flush=True)
    if given.dry_run:
        return dry_run(given, space)
    if not given.resume and paths.root.exists() and any(paths.root.iterdir()):
        raise InputError(
            f"run name: received {paths.root}, which exists; allowed: another --name, or --resume to go on"
        )
    if given.resume:
        read_info(paths)
    paths.root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(paths.lock, timeout=0):
            return search(given, space, paths)
    except Timeout:
        raise InputError(
            f"{paths.root} is in use: received a second process; allowed: one that writes at a time"
        ) from None
    finally:
        if not paths.experiment.exists():  # nothing was begun: leave no empty run behind
            paths.lock.unlink(missing_ok=True)
            paths.root.rmdir()


def dry_run(given: argparse.Namespace, space: SpaceFile) -> int:
    """Print the plan; missing weights are named, not refused."""
    data = DataFacts.of(read_manifest(given.data or default_data()))
    plan = make_plan(space, data)
    for line in plan.lines(space, data):
        print(line)
    absent = lacking(plan, given.weights)
    if absent:
        print(f"warning: {missing_weights(absent)}")
    print(f"next: {_again(given, drop='--dry-run')}")
    return 0


def search(given: argparse.Namespace, space: SpaceFile, paths: RunPaths) -> int:
    """Prepare or reopen the experiment, then run it. The caller holds the run's lock."""
    if given.resume:
        experiment = _reopen(given, space, paths)
        data = DataFacts.of(experiment.manifest)
        lines = make_plan(space, data).lines(space, data)
    else:
        experiment, lines = _begin(given, space, paths)
    for line in lines:
        print(line, flush=True)
    return walk(given, space, experiment)


def walk(given: argparse.Namespace, space: SpaceFile, experiment: Experiment) -> int:
    from search import tuner
    from search.tensorboard import TensorBoard

    paths, s = experiment.paths, space.search
    ledger = Ledger.open(paths.study, seed=s.seed, sampler=s.sampler, startup=s.startup, first=s.first)
    clear_stopped(paths, ledger)
    tuner.connect(given.address)
    share = tuner.share(given.cpus_per_trial, given.gpus_per_trial)

    def score_of(trial_id: str) -> float:
        return read_json(paths.trial(trial_id).result)["oof_macro_f1"]

    progress = Progress(s, share.slots(), score_of)
    director = Director(
        paths=paths,
        space=space,
        search=s,
        data=DataFacts.of(experiment.manifest),
        folds_fingerprint=experiment.folds.fingerprint(),
        ledger=ledger,
        race=Race(s.epochs, s.folds, s.grace, s.eta, s.members, s.rule, s.margin),
        watchers=[progress, TensorBoard(paths, score_of), Scribe(paths, ledger)],
    )
    director.resume()
    progress.earlier = Counter(STATES[t.state] for t in ledger.named().values() if STATES[t.state] != "running")
    try:
        with progress:
            tuner.execute(director, share)
    except KeyboardInterrupt:
        print(f"\ninterrupted; finished folds are kept\nnext: {_again(given, add='--resume')}")
        return 130
    finally:
        write_leaderboard(paths, ledger)
        tuner.disconnect()
    print(progress.summary())
    return conclude(given, director, progress)


def conclude(given: argparse.Namespace, director: Director, progress: Progress) -> int:
    paths = director.paths
    if director.note:
        print(f"warning: {director.note}")
    if director.aborted:
        print(f"error: {director.aborted}; tracebacks lie in {paths.root}/trials/*/error.txt", file=sys.stderr)
        return 1
    complete = progress.counts()["complete"]
    print(f"leaderboard {paths.leaderboard}; {complete} complete trials can be members")
    if not complete:
        print(f"next: {_again(given, add='--resume')} with more --trials: none is complete")
        return 1
    data = f" --data {given.data}" if given.data else ""
    print(f"next: python -m ensembles.build {paths.root}{data}")
    return 0


class Scribe:
    """The watcher that keeps leaderboard.csv up to date."""

    def __init__(self, paths: RunPaths, ledger: Ledger) -> None:
        self.paths, self.ledger = paths, ledger

    def began(self, trial_id: str) -> None: ...

    def reported(self, trial_id: str, report: dict) -> None: ...

    def ended(self, trial_id: str, state: str, reason: str) -> None:
        write_leaderboard(self.paths, self.ledger)


def _begin(given: argparse.Namespace, space: SpaceFile, paths: RunPaths) -> tuple[Experiment, list[str]]:
    """Check the space against the data first, since that is quick; then decode, then write the run's files."""
    data_folder = given.data or default_data()
    facts = DataFacts.of(read_manifest(data_folder))
    plan = make_plan(space, facts)
    weights = resolve_weights(plan.pretrained, given.weights)
    s = space.search
    experiment = prepare(
        data_folder,
        paths,
        folds=s.folds,
        seed=s.seed,
        store_size=s.store_size,
        skip_bad_images=given.skip_bad_images,
        weights=weights,
    )
    write_text(paths.space, space.text)
    save_experiment(experiment, sys.argv, asdict(s))
    return experiment, plan.lines(space, DataFacts.of(experiment.manifest))


def _reopen(given: argparse.Namespace, space: SpaceFile, paths: RunPaths) -> Experiment:
    """The experiment as it was; a changed space file is refused with the difference."""
    import difflib

    old = paths.space.read_text(encoding="utf-8")
    if old != space.text:
        difference = "\n".join(
            difflib.unified_diff(old.splitlines(), space.text.splitlines(), "run", "now", lineterm="")
        )
        raise InputError(f"--resume: received a changed space file; allowed: the one in {paths.space}\n{difference}")
    experiment = open_experiment(paths.root)
    if given.data and given.data.absolute() != experiment.manifest.root:
        raise InputError(
            f"--resume: received --data {given.data}; allowed: {experiment.manifest.root}, as the run began"
        )
    if len(experiment.store.bad) and set(experiment.store.bad) & set(experiment.manifest.frame["image"]):
        raise InputError(f"--resume: received unreadable images: {', '.join(experiment.store.bad)}")
    return experiment


def _again(given: argparse.Namespace, *, add: str = "", drop: str = "") -> str:
    words = [w for w in sys.argv[1:] if w != drop]
    if add and add not in words:
        words.append(add)
    return shlex.join(["python", "-m", "search.run", *words])


if __name__ == "__main__":
    raise SystemExit(main())
