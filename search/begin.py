"""Begin a run, or go on with one: everything is checked before a worker starts."""

import difflib
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from search.arguments import Thresholds
from search.executors import Executor, open_executor
from search.plan import Plan, make_plan, training_said
from search.pseudo_labels import Teacher, first_round, refuse_another
from search.space import DataFacts
from search.space_file import SpaceFile
from search.warm_start import find_finished
from trainable.command import default_data
from trainable.data.flags import Flags
from trainable.data.folds import given_count
from trainable.data.layouts import NO_FLAGS, read_manifest
from trainable.data.manifest import Manifest
from trainable.data.pseudo_labels import without_pseudo
from trainable.errors import InputError
from trainable.images.faces import look
from trainable.images.store import ImageStore, open_store
from trainable.metrics import name_of
from trainable.models.weights import resolve_weights
from trainable.run import Experiment, Run, prepare
from trainable.run.experiment import stored_names
from trainable.run.inputs import beside_space, keep_beside, kept_beside
from trainable.words import few

FREE = ("trials", "features")  # settings that another sitting may have otherwise


@dataclass(frozen=True)
class Options:
    """What the command line says of where and how much. again: the command that goes on with the run.

    earlier: a run whose finished trials are taken over. pseudo, threshold: the ensemble that gives pseudo labels, and
    from which probability on. flags: what is said of the data's columns. began: when the command did (monotonic).
    """

    data: Path | None
    weights: Path | None
    skip_bad_images: bool
    executor: str
    cpus: float | None
    gpus: float | str | None
    hours: float | None
    address: str | None
    earlier: Path | None
    again: str
    pseudo: Path | None = None
    threshold: Thresholds | None = None
    flags: Flags = NO_FLAGS
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds of `--hours` that are left; infinite without."""
        return math.inf if self.hours is None else self.hours * 3600 - (time.monotonic() - self.began)


def executor_of(options: Options, hang_minutes: float) -> Executor:
    """The executor that the command line asks for, not yet entered."""
    return open_executor(
        options.executor,
        address=options.address,
        cpus=options.cpus,
        gpus=options.gpus,
        hang_minutes=hang_minutes,
    )


def teacher_of(options: Options, space: SpaceFile) -> Teacher | None:
    """The ensemble whose pseudo labels the run is to learn from, if it is a second round."""
    if options.pseudo is None:
        return None
    return first_round(options.pseudo, options.threshold, space.search.folds, options.data)


def with_given_folds(space: SpaceFile, manifest: Manifest) -> SpaceFile:
    """The space with as many folds as the data give, where they do."""
    count = given_count(manifest)
    return space if count is None else replace(space, search=replace(space.search, folds=count))


def begin(options: Options, space: SpaceFile, run: Run, ready: Callable[[list[str]], object]) -> Plan:
    """Check the space against the data first, since that is quick; then decode, then write the run's files.

    ready: told the plan in lines, it finds the workers; the last that may refuse. Raises InputError when anything does
    not fit, and has then written nothing.
    """
    teacher = teacher_of(options, space)
    folder = teacher.experiment.manifest.root if teacher else options.data or default_data()
    manifest = teacher.experiment.manifest if teacher else read_manifest(folder, options.flags)
    space = with_given_folds(space, manifest)
    s, plan = space.search, make_plan(space, manifest)
    weights = resolve_weights(plan.pretrained, options.weights)
    if teacher:
        experiment = teacher.teach(s, weights)
    else:
        experiment = prepare(
            folder,
            folds=s.folds,
            seed=s.seed,
            store_size=s.store_size,
            skip_bad_images=options.skip_bad_images,
            weights=weights,
            flags=options.flags,
        )
    lines = [
        *experiment.manifest.taken.lines,
        *plan.lines(space, DataFacts.of(experiment.manifest)),
        *plan.too_large(s, run.root),
        *training_said(plan.configs, experiment.manifest, experiment.folds),
    ]
    if teacher:
        lines.append(teacher.sentence())
    if options.earlier:
        lines.append(find_finished(options.earlier, space, experiment).line())
    look(plan.configs, experiment.store)
    ready(lines)
    run.begin(experiment, command=sys.argv, settings=s.settings(), space=space.text, metric=name_of(s.metric))
    keep_beside(space.beside, run.root)
    run.keep_inputs(plan.configs)
    return plan


def reopen(options: Options, space: SpaceFile, run: Run) -> tuple[list[str], Plan]:
    """The plan of a run as it was begun; a changed space file or data folder is refused with the difference."""
    old = run.space.read_text(encoding="utf-8")
    if old != space.text:
        lines = difflib.unified_diff(old.splitlines(), space.text.splitlines(), n=0, lineterm="")
        changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        raise InputError(
            f"--resume: {space.path} has changed: received {'; '.join(changed)}; allowed: the file in {run.space}"
        )
    then = kept_beside(run.root)
    if changed := sorted(name for name in {*then, *space.beside} if then.get(name) != space.beside.get(name)):
        raise InputError(
            f"--resume: modules beside {space.path} have changed: received {few(changed)}; allowed: as in "
            f"{beside_space(run.root)}"
        )
    space = with_given_folds(space, run.manifest)
    _refuse_changed_settings(space, run.settings)
    _refuse_other_flags(options.flags, run.manifest.taken.flags)
    refuse_another(options.pseudo, options.threshold, run.info.pseudo)
    root = options.data.expanduser().absolute() if options.data else run.manifest.root
    refuse_changed_data(run, root)
    run.move_data(root)
    plan = make_plan(replace(space, kept=run.kept_input), run.manifest)
    run.keep_inputs(plan.configs)
    look(plan.configs, run.store)
    return plan.lines(space, DataFacts.of(run.manifest)), plan


def refuse_changed_data(run: Run, root: Path) -> None:
    """InputError when the data folder at `root` does not hold what the run began with."""
    experiment: Experiment = run.experiment
    then, _ = without_pseudo(experiment.manifest, experiment.folds)
    now = read_manifest(root, then.taken.flags).drop(list(experiment.skipped))
    if lost := [name for name in experiment.skipped if not (root / name).is_file()]:
        raise InputError(
            f"--resume: {root} has changed: received {len(lost)} gone ({few(lost)}), which was left out as unreadable; "
            "allowed: the data as it was, the damaged file put back"
        )
    if now.fingerprint() == run.info.data_fingerprint:
        names = stored_names(experiment.manifest, experiment.skipped)
        store = open_store(root, names, experiment.store_size)
        if not experiment.content or store.content == experiment.content:
            return
        raise InputError(f"--resume: {root} has changed: received {_changed(run, store)}; allowed: the data as it was")
    old, new = set(then.frame["image"]), set(now.frame["image"])
    parts = [f"{len(new - old)} new ({few(sorted(new - old), 3)})"] if new - old else []
    parts += [f"{len(old - new)} gone ({few(sorted(old - new), 3)})"] if old - new else []
    parts += [] if parts else ["images with other labels, groups or sizes"]
    raise InputError(f"--resume: {root} has changed: received {', '.join(parts)}; allowed: the data as it was")


def _changed(run: Run, now: ImageStore) -> str:
    """Which photos hold something else than when the run began."""
    try:
        then = run.store.digests()
    except InputError:  # this node never had them
        return "photos of other content"
    changed = [name for name, digest in now.digests().items() if then.get(name) != digest]
    return f"{len(changed)} photos of other content ({few(changed, 3)})"


def _refuse_other_flags(now: Flags, then: Flags) -> None:
    """Flags left out stand for those that the run began with."""
    if now.given and replace(now, skip_missing=then.skip_missing) != then:
        raise InputError(f"--resume: received {now.words()}; allowed: {then.words() or 'none'}, as the run began")


def _refuse_changed_settings(space: SpaceFile, then: dict[str, Any]) -> None:
    """Only the number of trials may change, and whether features come first; --smoke, for one, changes more."""
    now = json.loads(json.dumps(space.search.settings()))
    changed = [f"{k}={now[k]!r} (was {then[k]!r})" for k in now if k not in FREE and now[k] != then.get(k, now[k])]
    if changed:
        raise InputError(f"--resume: received {', '.join(changed)}; allowed: the settings the run began with")
