"""Complete trials of one or several runs as one array of out-of-fold predictions."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from ensembles.members.member import JOINT, Member
from ensembles.members.outside import Outside, find_outside, read_outside, same_parts
from ensembles.members.partial import partial_member, predictions_of, sentence
from ensembles.members.products import products
from ensembles.members.whole import SKIP
from trainable.commands import spoken
from trainable.data.attributes import Attributes
from trainable.data.grid import Grid
from trainable.data.rows import target_labels
from trainable.errors import InputError
from trainable.metrics import MACRO_F1, Asked, Metric, get
from trainable.run import Predictions, Run
from trainable.run.folder import RunFolder
from trainable.words import few


@dataclass(frozen=True)
class Members:
    """T members and what they predicted, out of fold, for N rows and C classes.

    probabilities: float32 [T, N, C]. labels: int64[N], the original ones. fold: int8[N]. groups: str[N]. rows:
    int64[N], of the manifest. made_of: the attributes that a class is made of. data: the data folder. metric: what
    members are chosen by and scored with. run: the first of the runs, which is there where only tables of others vote.
    """

    members: list[Member | Outside]
    probabilities: np.ndarray
    labels: np.ndarray
    fold: np.ndarray
    groups: np.ndarray
    rows: np.ndarray
    classes: tuple[str, ...]
    made_of: Attributes
    data: Path
    metric: Metric
    run: RunFolder

    @property
    def attributes(self) -> Grid:
        """How many values each attribute has that a class is made of, empty where labels are plain."""
        return self.made_of.grid

    def only(self, kept: ArrayLike) -> Self:
        """The members of these numbers."""
        numbers = np.asarray(kept, int)
        return replace(self, members=[self.members[t] for t in numbers], probabilities=self.probabilities[numbers])

    def without(self, names: set[str]) -> Self:
        """The members whose name is not in `names`; raises InputError when none is left."""
        kept = [t for t, m in enumerate(self.members) if m.name not in names]
        if not kept:
            raise InputError(f"no whole member: received only broken ones: {few(sorted(names))}; allowed: at least one")
        return self.only(kept)


def load_members(
    runs: Sequence[Path],
    *,
    skip_broken: bool = False,
    metric: str | None = None,
    say: Callable[[str], None] = print,
) -> Members:
    """All complete trials of run directories that share their data, folds, classes and metric.

    Trials that each predict one attribute are multiplied: the best of each, the second best of each, and so on.
    skip_broken: whether trials whose files cannot be read are left out. metric: the name of the one they are scored in,
    instead of that of their runs, which then may have several. say: is told of trials that are left out.
    Where no trial is complete, one of the folds that are done is the only member. Raises InputError for a folder that
    is no run, for runs that do not fit together, for a run without complete trials, for a metric that these classes
    cannot have, and for trials that cannot be read unless they are skipped.
    """
    opened = [Run.open(r) for r in runs]
    _check_alike(opened)
    asked = _metric(opened, metric)
    complete = _complete(opened, say)
    failed = [trial.id for run in opened for trial in run.trials() if trial.state == "failed"]
    if failed:
        say(f"left out: {len(failed)} failed trials: {few(failed)}")
    tables = _read(complete, skip_broken, say)
    manifest = opened[0].manifest
    measure = get(asked, manifest.classes)
    first = next(iter(tables.values()))
    for member, table in tables.items():
        label = target_labels(manifest, member.target)[first.index]
        if not np.array_equal(table.index, first.index) or not np.array_equal(table.label, label):
            raise InputError(
                f"{member.trial.oof_file}: its rows or labels differ from those of the other members; allowed: the same"
            )
    scored = {
        replace(m, oof_score=_measure(m, t, measure).score(t.label, t.probabilities)): t.probabilities
        for m, t in tables.items()
    }
    labels = manifest.labels[first.index]
    joint = {m: probabilities for m, probabilities in scored.items() if m.target == JOINT}
    everybody = {**joint, **products(scored, labels, measure, manifest.made_of)}
    return Members(
        list(everybody),
        np.stack(list(everybody.values())),
        labels,
        first.fold,
        manifest.frame["group"].to_numpy(str)[first.index],
        first.index,
        manifest.classes,
        manifest.made_of,
        manifest.root,
        measure,
        opened[0],
    )


def with_outside(members: Members, folders: Sequence[Path], say: Callable[[str], None] = print) -> Members:
    """With the members that lie in folders of tables; raises InputError for tables that do not fit.

    say: is told of each, and of those whose folds are not the run's: the nested estimate does not vouch for them.
    """
    images = members.run.manifest.frame["image"].to_numpy(str)[members.rows].tolist()
    added, tables = [], []
    for found in (outside for folder in folders for outside in find_outside(folder, say)):
        table, told = read_outside(found.oof, images, members.classes)
        score = members.metric.score(members.labels, table)
        same = same_parts(told, members.fold)
        added.append(replace(found, oof_score=score, same_folds=same, classes=tuple(members.classes)))
        tables.append(table)
        say(f"also {found.name}: {members.metric.shown} {members.metric.text(score)}")
        if not added[-1].same_folds:
            why = "other folds than the run's" if told is not None else "no column fold"
            say(f"warning: {found.name} has {why}: it may vote, but the nested estimate does not vouch for it")
    everybody = np.concatenate([members.probabilities, np.stack(tables)])
    return replace(members, members=[*members.members, *added], probabilities=everybody)


def _check_alike(runs: Sequence[Run]) -> None:
    for key in ("data_fingerprint", "folds_fingerprint", "classes"):
        for run in runs:
            if getattr(run.info, key) != getattr(runs[0].info, key):
                raise InputError(
                    f"runs differ in {key}: received {runs[0].root} and {run.root}; "
                    "allowed: runs on the same data and folds"
                )
    known: dict[tuple[object, ...], Run] = {}
    for run in runs:  # what was skipped, and photos with pseudo labels, count in the content
        seen = known.setdefault((tuple(run.info.skipped_images), str(run.info.pseudo)), run)
        if seen.info.content != run.info.content:
            raise InputError(
                f"runs differ in what their photos hold: received {seen.root} and {run.root}; allowed: runs on the "
                "same photos"
            )


def _metric(runs: Sequence[Run], named: str | None) -> Asked:
    """The metric called `named`, which may be a function's of one of the runs; without it, the one they all have."""
    recorded = {run.info.metric: run for run in reversed(runs)}
    if named is not None:
        return recorded[named].metric if named in recorded else named
    if len(recorded) > 1:
        each = "; ".join(f"{run.root} {run.info.metric}" for run in runs)
        raise InputError(f"runs differ in metric: received {each}; allowed: --metric NAME, which all are voted under")
    return runs[0].metric


def _measure(member: Member, table: Predictions, metric: Metric) -> Metric:
    """What trials are ranked by: the metric; macro-F1 of a single attribute, of which the metric says nothing."""
    if member.target == JOINT:
        return metric
    return get(metric.name if metric.divisible else MACRO_F1, table.classes)


def _complete(runs: Sequence[Run], say: Callable[[str], None]) -> list[Member]:
    """Those of all complete trials; where there is none, one of the folds that are done."""
    found = [Member(trial, float("nan")) for run in runs for trial in run.trials() if trial.finished]
    if not found and (partial := partial_member(runs)):
        say(sentence(partial))
        found = [partial]
    if not found:
        raise InputError(
            f"no complete trials: received {', '.join(str(run.root) for run in runs)}; allowed: a run with at least "
            f"one trial that finished all folds ({spoken('search', 'SPACE', '--resume')}, or more --trials)"
        )
    return list(dict.fromkeys(found))  # a run given twice votes once


def _read(complete: Sequence[Member], skip_broken: bool, say: Callable[[str], None]) -> dict[Member, Predictions]:
    """Out-of-fold predictions of each member that is whole; a trial that diverged is left out and named."""
    tables = {}
    for member in complete:
        try:
            _ = member.target
            # `trial.oof` would keep it beside the array made of it
            table = predictions_of(member) if member.parts else Predictions.read(member.trial.oof_file)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            if not skip_broken:
                raise InputError(
                    f"member {member.name}: {member.trial.root} cannot be read: {error}; allowed: its files as "
                    f"written, {SKIP}"
                ) from None
            say(f"left out: {member.name}, its files cannot be read")
            continue
        if np.isfinite(table.probabilities).all():
            tables[member] = table
        else:
            say(f"left out: {member.name}, its probabilities are not numbers")
    if not tables:
        raise InputError(f"no whole member: received {few([m.name for m in complete])}; allowed: at least one")
    return tables
