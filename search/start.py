"""What the search command does: a search, its dry run, or chosen trials once more."""

import argparse
import shlex
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from search.arguments import SEEDS, run_folder, same_command
from search.begin import Options, begin, executor_of, reopen, teacher_of, with_given_folds
from search.drive import drive
from search.plan import SHOWN, brief, lacking, make_plan, training_said
from search.retrain import retrain, retrain_on_all_rows
from search.space import DataFacts
from search.space_file import SpaceFile, load_space
from search.warm_start import open_alike
from search.watch.trackers import check_installed, open_tracker
from trainable.command import check_folder, default_data, flags_of
from trainable.data.fold_warnings import fold_warnings
from trainable.data.folds import make_folds
from trainable.data.layouts import plan_lines, read_manifest
from trainable.errors import InputError
from trainable.locks import alone
from trainable.models.packaged import PACKAGES
from trainable.models.weights import find_weights, missing_weights
from trainable.run import Run
from trainable.words import few


def start(given: argparse.Namespace, words: list[str], began: float) -> int:
    """Exit code of the command; words: as they were typed, to be said again. began: when it did (monotonic)."""
    if given.retrain:
        return retrained(given, words, began)
    check_installed(given.log)
    space = load_space(given.space)
    if given.smoke:
        space = space.small()
    if given.trials:
        space = replace(space, search=replace(space.search, trials=given.trials))
    if given.no_features:
        space = replace(space, search=replace(space.search, features=False))
    run = Run(run_folder(given))
    if not (given.pseudo or given.resume):
        print(f"data folder {given.data or default_data()}", flush=True)
    options = _options(given, same_command(words, add="--resume"), began)
    if given.dry_run:
        if run.begun and not given.resume:
            print(f"warning: {run.root} exists: the search wants another --name, or --resume to go on", flush=True)
        plain = same_command(words, drop="--dry-run")
        return dry_run(options, space, lambda name: _other_space(plain, given.space, name) if name else plain)
    return locked(options, space, run, resume=given.resume, log=dict.fromkeys(given.log))


def dry_run(options: Options, space: SpaceFile, following: Callable[[str], str]) -> int:
    """Print the plan; missing weights are named, not refused.

    following: the command that searches, with another space where one is named.
    """
    teacher = teacher_of(options, space)
    manifest = teacher.experiment.manifest if teacher else read_manifest(options.data or default_data(), options.flags)
    space = with_given_folds(space, manifest)
    plan = make_plan(space, manifest)
    if options.earlier:
        open_alike(options.earlier, space, manifest)
    of_folds: list[str] = []
    if not teacher:
        made = make_folds(manifest, space.search.folds, space.search.seed, of_folds.append)
        of_folds += [*fold_warnings(manifest, made), *training_said(plan.configs, manifest, made)]
    for line in [
        *manifest.taken.lines,
        *plan_lines(manifest),
        *of_folds,
        *plan.lines(space, DataFacts.of(manifest)),
        *([teacher.sentence()] if teacher else []),
    ]:
        print(line)
    for config in plan.configs[:SHOWN]:
        print(f"sampled: {brief(config)}")
    absent = lacking(plan, options.weights)
    if absent:
        print(f"warning: {missing_weights(absent)}")
        here = [name for name in PACKAGES if find_weights(name, options.weights, download=False)]
        print(f"as it is, the search would not begin; at hand: {', '.join(here) or 'no pretrained weights'}")
        print(f"next: {following('frozen' if here else 'demo')}")
        return 1
    print(f"next: {following('')}")
    return 0


def retrained(given: argparse.Namespace, words: list[str], began: float) -> int:
    """Chosen trials of a run once more, holding its lock."""
    place, *names = given.retrain
    run = Run.open(Path(place))
    options = _options(given, same_command(words), began)
    with alone(run.lock, run.root):
        if given.all_rows:
            return retrain_on_all_rows(options, run, names)
        return retrain(options, run, names, given.seeds or SEEDS)


def locked(options: Options, space: SpaceFile, run: Run, *, resume: bool, log: Iterable[str] = ()) -> int:
    """Search while holding the run's lock; a run that could not begin leaves nothing behind."""
    if resume and not run.begun:
        raise InputError(
            f"--resume: received {run.root}, where no search has begun; allowed: the same command without --resume"
        )
    if resume:
        run = Run.open(run.root)
    elif run.begun or run.root.is_file():
        raise InputError(
            f"run name: received {run.root}, which exists{_whose(run)}; allowed: another --name, or --resume to go on "
            "with a run"
        )
    elif strangers := run.strangers():
        raise InputError(f"run name: received {run.root}, which holds {few(strangers)}; allowed: another --name")
    check_folder("--out", run.root.parent)
    made = [p for p in (run.root, *run.root.parents) if not p.exists()]
    run.root.mkdir(parents=True, exist_ok=True)
    executor = executor_of(options, space.search.hang_minutes)
    with alone(run.lock, run.root), ExitStack() as workers:
        try:
            trackers = [open_tracker(name, run) for name in log]
            tracked = [f"tracked by {tracker.where}" for tracker in trackers]

            def ready(plan: list[str]) -> None:
                for line in (*plan, *tracked):
                    print(line, flush=True)
                if options.left <= 0:
                    raise InputError(
                        f"--hours: received {options.hours:g}, which reading the photos has taken; allowed: more (they "
                        "are decoded now)"
                    )
                workers.enter_context(executor)

            if resume:
                lines, plan = reopen(options, space, run)
                ready(lines)
            else:
                plan = begin(options, space, run, ready)
        except BaseException:
            if not run.begun:
                run.forget()
                for folder in made:
                    if folder != run.root:
                        folder.rmdir()
            raise
        given_folds = with_given_folds(space, run.manifest)
        return drive(options, given_folds, run, executor, trackers, first=plan.first)


def _whose(run: Run) -> str:
    return f", a run on {run.info.data}" if run.begun else ""


def _other_space(command: str, space: Path, name: str) -> str:
    """The command with the space of that name in the place of its own."""
    words = shlex.split(command)
    place = next(i for i, word in enumerate(words) if Path(word).stem == space.stem and not word.startswith("-"))
    return shlex.join([*words[:place], name, *words[place + 1 :]])


def _options(given: argparse.Namespace, again: str, began: float) -> Options:
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
        began=began,
    )
