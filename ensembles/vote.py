"""What a build does: choose on out-of-fold predictions, predict the test photos, write the submission."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ensembles.beside_votes import facts_of_rows, facts_of_test
from ensembles.choice import Choice, choose_whole
from ensembles.drift import measure_drift
from ensembles.ensemble import run_of, summary_of
from ensembles.members import Member, Members, Outside, gather, on_all_rows
from ensembles.methods import METHODS
from ensembles.nested import AUTO
from ensembles.newest import newest_below
from ensembles.pooling import Pooling, group_numbers, pooled, pooling_gain
from ensembles.predict_members import digests_of, predict_members
from ensembles.same_person import refine_by_person
from ensembles.submission import form_for, write_probabilities, write_submission
from ensembles.submissions_table import add_submission
from ensembles.told import conclusion, reason, table_of_methods
from trainable.commands import spoken
from trainable.data.items import mean_of_items
from trainable.data.layouts import read_test
from trainable.data.layouts.equal_files import known_in_training
from trainable.data.layouts.finish import alone_said, test_groups_said
from trainable.data.manifest import TestSet
from trainable.errors import InputError, unknown
from trainable.locks import alone
from trainable.metrics import Metric
from trainable.run import EnsembleFolder, Predictions, Run
from trainable.terminal import wide_console
from trainable.words import count


def vote(given: argparse.Namespace) -> int:
    """Exit code of `ensembles.build` with these arguments; raises InputError."""
    if given.method not in (AUTO, *METHODS):
        raise unknown("method", given.method, (AUTO, *METHODS))
    runs = given.runs or [newest_below()]
    members = gather(runs, given, heads=not given.all_rows)
    folder = _free(Run(runs[0]), given.name or given.method)
    print(f"ensemble {folder.root}", flush=True)
    for line in alone_said(members.run.manifest):
        print(line, flush=True)
    test = find_test(given.data, members)
    folder.root.mkdir(parents=True, exist_ok=True)
    with alone(folder.lock, folder.root):
        try:
            build(given, members, test, folder)
        except InputError:
            folder.delete_if_empty()
            raise
    _renew_report(run_of(folder))
    for line in _higher_before(folder, members.metric):
        print(line)
    predict = spoken("predict", folder.root, "PHOTOS", "--out", "CSV")
    print(f"next: {f'submit {shlex.quote(str(folder.submission))}' if test else predict}")
    return 0


def find_test(data: Path | None, members: Members) -> TestSet | None:
    """The photos to predict, as the run read its data; None where there are none. InputError for other classes."""
    if data is not None and data.expanduser().resolve() != members.data.resolve():
        print(f"note: test photos of {data}; the run began with {members.data}", flush=True)
    test = read_test(data or members.data, members.classes, members.run.manifest.taken.flags)
    if test is None:
        print(f"no test photos below {data or members.data}: a vote without a submission", flush=True)
        return None
    if len(test.form.names) != len(members.classes):
        raise InputError(
            f"test set below {test.root}: received one of {len(test.form.names)} classes; "
            f"allowed: {len(members.classes)}, as the run has"
        )
    for member in members.members:
        if isinstance(member, Outside):
            member.on_test(test)  # refused before anything is weighed
    print(form_for(test.form, members.metric).sentence(), *test_groups_said(test), sep="\n", flush=True)
    known = known_in_training(members.run.manifest, test.root, test.images)
    also = f", {known:,} of them in training too, as equal files: those tell nothing" if known else ""
    print(f"{'warning: ' if known else ''}test: {count(len(test.images), 'photo')}{also}", flush=True)
    return test


def build(given: argparse.Namespace, members: Members, test: TestSet | None, folder: EnsembleFolder) -> None:
    """Choose on out-of-fold predictions, predict the test images, write the submission and, last, the summary."""
    facts = None
    if given.method in METHODS and METHODS[given.method].apply_knowing is not None:
        facts, lines = facts_of_rows(members, test)
        print(*lines, sep="\n", flush=True)
    choice = choose_whole(
        members,
        given.method,
        size=given.size,
        seed=given.seed,
        most=given.most,
        skip_broken=given.skip_broken_members,
        facts=facts,
    )
    members, fitted, used = choice.members, choice.fitted, choice.used
    if len(members.members) > 1:
        console = wide_console()
        console.print(table_of_methods(choice, console))
    voters = [members.members[t] for t in used]
    if given.all_rows:
        voters = on_all_rows(voters)
        print("warning: no estimate is of the networks of all rows; those below are of the fold models", flush=True)
    print(reason(choice, given.method), flush=True)
    known = fitted.apply(members.probabilities, facts)
    summary = summary_of(choice, given.method, dict(zip(used, voters, strict=True)))
    if test is not None:
        summary |= submit(given, choice, voters, known, test, folder)
    table = Predictions(members.rows, as_float32(known), members.labels, members.fold, members.classes)
    # As the file gives it: float32 rounds.
    summary["oof_score"] = members.metric.score(table.label, table.probabilities)
    folder.finish(table, summary)
    if test is not None:
        numbers = (summary[name] for name in ("oof_score", "nested_score", "nested_std"))
        add_submission(folder, choice.method, members.metric.name, *numbers)
    for line in conclusion(choice, given.method):
        print(line)
    if (joined := summary.get("same_person")) and joined["kept"]:
        print(f"deciding the photos of one person together comes to that: {joined['gain']:+.4f} ± "
              f"{joined['gain_error']:.4f}, nested")  # fmt: skip


def submit(
    given: argparse.Namespace,
    choice: Choice,
    voters: Sequence[Member | Outside],
    known: np.ndarray,
    test: TestSet,
    folder: EnsembleFolder,
) -> dict[str, Any]:
    """Predict the test images and write what is submitted; what the summary says of it.

    known: the vote [N, C] out of fold.
    """
    members, fitted, used = choice.members, choice.fitted, choice.used
    probabilities = predict_members(voters, test, folder.parts)
    first = np.arange(len(test.images))
    if test.items is not None:
        owner = np.array(test.items)
        probabilities, first = mean_of_items(probabilities, owner), np.searchsorted(owner, np.arange(len(test.table)))
    facts = None if fitted.method.apply_knowing is None else facts_of_test(members.run.manifest, test)
    scores = fitted.apply_to_used(probabilities.mean(1), used, facts)
    by_fold = np.stack([fitted.apply_to_used(p, used, facts) for p in probabilities.swapaxes(0, 1)])
    drift = measure_drift(known, members.groups, by_fold)
    for sentence in drift.sentences(members.classes):
        print(f"warning: {sentence}", flush=True)
    scores, pooling = pool_groups(scores, known, members, test, given.seed)
    together = None
    apart = test.groups is None and test.items is None  # no photos that are known to belong together
    if apart and members.attributes and np.ptp(members.fold) and not given.no_persons:
        scores, together = refine_by_person(scores, known, members, test, given.seed)
    scores = as_float32(scores)  # what is submitted is what is kept, to the last digit
    folder.write_test(
        probabilities=probabilities,
        members=np.array([m.name for m in voters]),
        images=np.array(test.images)[first],
        digests=digests_of(voters, test)[first],
        vote=scores,
        best_single=np.array(used.index(choice.best_single)),
        classes=np.array(members.classes),
        **({} if test.groups is None else {"groups": np.array(test.groups)}),
    )
    write_submission(folder.submission, test, scores, members.metric)
    write_probabilities(folder.probabilities, test, scores, members.classes)
    return {
        "form": form_for(test.form, members.metric).to_dict(),
        "drift": {name: value for name, value in asdict(drift).items() if name != "changes"},
        "pooling": None if pooling is None else {**vars(pooling), "kept": pooling.pays},
        "same_person": None if together is None else {**vars(together), "kept": together.pays},
    }


def pool_groups(
    scores: np.ndarray, known: np.ndarray, members: Members, test: TestSet, seed: int
) -> tuple[np.ndarray, Pooling | None]:
    """Votes [M, C] on test photos, pooled where their groups are known and it pays out of fold; what it gave there."""
    if test.groups is None or not np.ptp(members.fold):  # of one fold alone nothing can be judged on others
        return scores, None
    found = pooling_gain(known, members.labels, members.fold, members.groups, members.metric, seed)
    if found is None:
        return scores, None
    before, after = members.metric.text(found.before), members.metric.text(found.after)
    what = (
        f"one answer for all photos of a group, by {found.how}"
        if found.pays
        else "each photo is answered alone: one answer for all photos of a group does not pay"
    )
    print(
        f"{what}, the way chosen on other folds: {before} -> {after}, gain {found.gain:+.4f} ± {found.gain_error:.4f}",
        flush=True,
    )
    return (pooled(scores, group_numbers(test.groups), found.how) if found.pays else scores), found


def as_float32(scores: np.ndarray) -> np.ndarray:
    """Scores [M, C] as float32, each row with the same largest class: rounding may make two classes equal."""
    rounded, first = scores.astype(np.float32), scores.argmax(1)
    rows = np.flatnonzero(rounded.argmax(1) != first)
    rounded[rows, first[rows]] = np.nextafter(rounded[rows].max(1), np.float32(2))
    return rounded


def _free(run: Run, name: str) -> EnsembleFolder:
    """The folder of the first free name: `name`, `name-2`, ...; an unfinished build under it is taken up again."""
    number = 1
    while (folder := run.ensemble(name if number == 1 else f"{name}-{number}")).built:
        number += 1
    return folder


def _higher_before(folder: EnsembleFolder, metric: Metric) -> list[str]:
    """A line where another vote of the run promises more: commands that are given the run alone take the latest."""
    own, run = folder.summary(), run_of(folder)
    others = [(each, each.summary()) for each in run.ensembles() if each.root != folder.root]
    higher = [
        (summary["nested_score"], each)
        for each, summary in others
        if summary["metric"] == own["metric"] and summary["nested_score"] > own["nested_score"]
    ]
    if not higher:
        return []
    score, best = max(higher, key=lambda pair: pair[0])
    return [
        f"note: an earlier vote, {best.root.name}, has a higher nested score, {metric.text(score)}; commands that are "
        f"given the run alone take the latest, so name it where it is meant: {best.root}"
    ]


def _renew_report(run: Run) -> None:
    """Write the run's report anew where it has one or a search that one can be drawn of."""
    if run.report.is_file() or run.search_record.is_file():
        from ensembles.report.write import try_report  # matplotlib takes a second to import

        if written := try_report(run.root):
            print(f"report {written}")
