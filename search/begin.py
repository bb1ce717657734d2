"""One sitting of a search: begin or reopen the experiment, walk it, say how it ended."""

import difflib
import errno
import json
import math
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from search.deadline import Deadline
from search.director import Director, clear_stopped
from search.ledger import Ledger, parameters
from search.plan import make_plan
from search.proposals import Proposals
from search.pseudo_labels import Teacher, Thresholds, first_round, refuse_another
from search.sampler.suggest import Suggester
from search.space import DataFacts, SpaceFile
from search.warm_start import find_earlier, take_over
from search.watch.leaderboard import Scribe, write_leaderboard
from search.watch.overhead import Overhead
from search.watch.table import Progress
from search.watch.trackers import Tracker, Tracking
from search.watch.vote import Votes
from trainable.command import default_data
from trainable.data.layouts import read_manifest
from trainable.data.manifest import few
from trainable.data.pseudo_labels import without_pseudo
from trainable.errors import InputError
from trainable.files import read_json, write_text
from trainable.images.faces import look
from trainable.models.weights import resolve_weights
from trainable.run.experiment import Experiment, open_experiment, prepare, read_info, save_experiment
from trainable.run.paths import RunPaths


@dataclass(frozen=True)
class Given:
    """What the command line said of where and how much; `again` is the command that goes on with the run."""

    data: Path | None
    weights: Path | None
    skip_bad_images: bool
    cpus: float | None
    gpus: float | None
    hours: float | None
    address: str | None
    earlier: Path | None
    again: str
    pseudo: Path | None = None
    threshold: Thresholds | None = None


def teacher_of(given: Given, space: SpaceFile) -> Teacher | None:
    """The ensemble whose pseudo labels the run is to learn from, if it is a second round."""
    if given.pseudo is None:
        return None
    return first_round(given.pseudo, given.threshold, space.search.folds, given.data)


def begin(given: Given, space: SpaceFile, paths: RunPaths) -> tuple[Experiment, list[str]]:
    """Check the space against the data first, since that is quick; then decode, then write the run's files."""
    s, teacher = space.search, teacher_of(given, space)
    folder = teacher.experiment.manifest.root if teacher else given.data or default_data()
    plan = make_plan(space, read_manifest(folder))
    weights = resolve_weights(plan.pretrained, given.weights)
    if teacher:
        experiment = teacher.teach(paths, s, weights)
    else:
        experiment = prepare(
            folder,
            paths,
            folds=s.folds,
            seed=s.seed,
            store_size=s.store_size,
            skip_bad_images=given.skip_bad_images,
            weights=weights,
        )
    lines = plan.lines(space, DataFacts.of(experiment.manifest))
    if teacher:
        lines.append(teacher.sentence())
    if given.earlier:
        lines.append(find_earlier(given.earlier, space, experiment).line())
    look(plan.configs, experiment.store)
    write_text(paths.space, space.text)
    save_experiment(experiment, sys.argv, asdict(s))
    return experiment, lines


def reopen(given: Given, space: SpaceFile, paths: RunPaths) -> tuple[Experiment, list[str]]:
    """The experiment as it was; a changed space file or data folder is refused with the difference."""
    old = paths.space.read_text(encoding="utf-8")
    if old != space.text:
        lines = difflib.unified_diff(old.splitlines(), space.text.splitlines(), n=0, lineterm="")
        changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        raise InputError(
            f"--resume: {space.path} has changed: received {'; '.join(changed)}; allowed: the file in {paths.space}"
        )
    _refuse_changed_settings(space, read_info(paths)["settings"])
    refuse_another(given.pseudo, given.threshold, read_info(paths).get("pseudo"))
    experiment = open_experiment(paths.root)
    root = experiment.manifest.root
    if given.data and given.data.absolute() != root:
        raise InputError(f"--resume: received --data {given.data}; allowed: {root}, as the run began")
    refuse_changed_data(experiment)
    plan = make_plan(space, experiment.manifest)
    look(plan.configs, experiment.store)
    return experiment, plan.lines(space, DataFacts.of(experiment.manifest))


def walk(
    given: Given,
    space: SpaceFile,
    experiment: Experiment,
    trackers: Sequence[Tracker] = (),
    *,
    promoted: bool = False,
) -> int:
    """Run the search (or the trials promoted after it) to its end, or to an interruption that it survives."""
    from ensembles.report import try_report
    from search.executors import (
        ray_tune as tuner,  # Ray and matplotlib take seconds to import: wrong input is answered before
    )
    from search.watch.tensorboard import TensorBoard, known_parameters

    paths = experiment.paths
    ledger = Ledger.open(paths.study, first=space.search.first, promoted=promoted)
    if given.earlier:
        take_over(find_earlier(given.earlier, space, experiment), paths, ledger)
    space = replace(space, search=replace(space.search, trials=space.search.trials + ledger.taken))
    s, race = space.search, space.race()
    clear_stopped(paths, ledger)
    tuner.connect(given.address)
    share = tuner.share(given.cpus, given.gpus)

    def score_of(trial_id: str) -> float:
        return read_json(paths.trial(trial_id).result)["oof_macro_f1"]

    def values_of(trial_id: str) -> dict[str, Any]:
        return parameters(ledger.find(trial_id))

    data = DataFacts.of(experiment.manifest)
    board = TensorBoard(paths, score_of, values_of, known_parameters(space, data))
    tracking = [Tracking(tracker, score_of, values_of) for tracker in trackers]
    progress = Progress(s, race.expected_epochs(), score_of, race=race, votes=Votes(paths))
    progress.remember(ledger.named())
    overhead = Overhead(share.slots())
    director = Director(
        paths=paths,
        search=s,
        ledger=ledger,
        race=race,
        proposals=Proposals(
            paths, space, data, experiment.folds.fingerprint(), ledger, Suggester(s.sampler, s.seed, s.startup)
        ),
        votes=Votes(paths) if s.objective == "ensemble" else None,
        deadline=Deadline(
            seconds=given.hours * 3600 if given.hours else math.inf,
            finish_epochs=s.members * s.folds * s.epochs,
            trial_epochs=s.folds * s.epochs,
            slots=share.slots(),
        ),
        watchers=[progress, board, Scribe(paths, ledger), overhead, *tracking],
    )
    progress.waiting = director.waiting
    director.interrupt.heed()
    try:
        director.resume()
        with ExitStack() as watching:
            watching.enter_context(progress)
            watching.enter_context(board)
            for tracker in tracking:
                watching.enter_context(tracker)
            tuner.execute(director, share)
            director.conclude()
    except KeyboardInterrupt:
        print(f"\ninterrupted; finished folds are kept\nnext: {given.again}")
        return 130
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        director.aborted = f"the disk of {paths.root} is full"
    finally:
        tuner.disconnect()
    if not director.aborted:
        write_leaderboard(paths, ledger)
    print(progress.summary())
    print(overhead.line())
    report = try_report(paths.root)
    if report is not None:
        print(f"report {report}")
    return conclude(given, director, progress.counts()["complete"])


def conclude(given: Given, director: Director, complete: int) -> int:
    """The last lines: what there is, and the next command."""
    paths = director.paths
    if director.proposals.note:
        print(f"warning: {director.proposals.note}")
    if director.aborted and not director.deadline.passed:
        print(f"error: {director.aborted}", file=sys.stderr)
        print(f"tracebacks, if trials raised: {paths.root}/trials/*/error.txt")
        print(f"next: once that is mended, {given.again}")
        return 1
    print(f"leaderboard {paths.leaderboard}; {complete} complete trials can be members")
    if not complete:
        had = director.search.trials - director.ledger.taken
        more = "" if director.ledger.promoted else f" --trials N, with N above {had}"
        print(f"next: {given.again}{more}: no trial is complete")
        return 1
    print(f"next: python -m ensembles.build {paths.root}")
    return 0


def _refuse_changed_settings(space: SpaceFile, then: dict[str, Any]) -> None:
    """Only the number of trials may change; --smoke, for one, changes more."""
    now = json.loads(json.dumps(asdict(space.search)))
    changed = [f"{k}={now[k]!r} (was {then[k]!r})" for k in now if k != "trials" and now[k] != then.get(k, now[k])]
    if changed:
        raise InputError(f"--resume: received {', '.join(changed)}; allowed: the settings the run began with")


def refuse_changed_data(experiment: Experiment) -> None:
    """InputError when the data folder is no longer what the run began with."""
    then, _ = without_pseudo(experiment.manifest, experiment.folds)
    now = read_manifest(then.root).drop(list(experiment.skipped))
    if now.fingerprint() == read_info(experiment.paths)["data_fingerprint"]:
        return
    old, new = set(then.frame["image"]), set(now.frame["image"])
    parts = [f"{len(new - old)} new ({few(sorted(new - old), 3)})"] if new - old else []
    parts += [f"{len(old - new)} gone ({few(sorted(old - new), 3)})"] if old - new else []
    parts += [] if parts else ["images with other labels, groups or sizes"]
    raise InputError(f"--resume: {then.root} has changed: received {', '.join(parts)}; allowed: the data as it was")
