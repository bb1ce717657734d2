"""How a search ends, with `--hours` with a vote and a submission, of what there is and within what time is left.

What the vote takes is known from what it is made of: each member's networks see every test photo once, and a photo that
is only predicted costs a third of one that is trained on (a forward pass of forward, backward and update).
"""

import math
import shlex
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from ensembles.build import command, parser
from ensembles.kinds import HEADS
from ensembles.members import partial_member
from trainable.commands import spoken
from trainable.config import JOINT
from trainable.data.layouts import read_test
from trainable.device import this_device
from trainable.errors import InputError
from trainable.run import Run, Trial
from trainable.training.cut import cut_short
from trainable.words import count, duration

FORWARD = 1 / 3  # of what training on a photo takes
LATE = 10.0  # seconds that are worth a word
PASS = 1.5  # of the photos' share: one process reads networks and photos anew


def epochs_of_vote(run: Run) -> float:
    """How many epochs of a fold it takes to predict the test photos with one trial's networks."""
    return _epochs(run, run.info.folds * _test_photos(run))


def epochs_of_table(run: Run) -> float:
    """How many epochs of a fold a pass over all photos takes, as a table of features needs it."""
    return _epochs(run, len(run.manifest.frame) + _test_photos(run))


def per_table(run: Run) -> float:
    """Seconds that the vote's pass over the test photos takes for each second that a table of features took."""
    return PASS * _test_photos(run) / max(1, len(run.manifest.frame))


def _epochs(run: Run, photos: int) -> float:
    folds = run.info.folds
    return FORWARD * photos / max(1.0, len(run.manifest.frame) * (folds - 1) / folds)


@lru_cache(maxsize=1)
def _test_photos(run: Run) -> int:
    """How many there are; read once, since the tables of a large test set take seconds."""
    manifest = run.manifest
    test = read_test(manifest.root, manifest.classes, manifest.taken.flags)
    return 0 if test is None else len(test.images)


def rescue(run: Run) -> Trial | None:
    """The trial that is to vote where none is complete; without a finished fold, of the one that had come furthest.

    None where not even one epoch has ended, or there is no need.
    """
    if any(trial.finished for trial in run.trials()):
        return None
    if not any(trial.networks() for trial in run.trials()):
        begun = [(len(fold.epochs()), trial, fold) for trial in run.trials() for fold in trial.folds()]
        able = [each for each in begun if each[2].resume.is_file()]
        if able:
            _, trial, fold = max(able, key=lambda each: each[0])
            cut_short(trial, int(fold.root.name.removeprefix("fold_")), this_device())
    member = partial_member([run])
    return None if member is None else member.trial


def vote_in_time(
    run: Run, data: Path | None, most: int, *, heads: bool, left: Callable[[], float] = lambda: math.inf
) -> bool:
    """Build the vote of as many of the best trials as can predict in the time left; False where it could not be built.

    heads: whether further ones are fitted first. Else they are left to whoever builds again. left: seconds of the time
    that was given.
    """
    words = [str(run.root), *(["--data", str(data)] if data else [])]
    words += [] if heads else ["--without", HEADS, "--most", str(most)]  # with time for heads there is time for all
    complete = [trial for trial in run.trials() if trial.finished]
    without = [f"{len(complete) - most} of {count(len(complete), 'complete trial')}"] * (most < len(complete))
    without += ["further heads on the same features"] * (not heads and any(t.config.fitted for t in complete))
    if without:
        print(f"left out of this vote for want of time: {' and '.join(without)} (afterwards "
              f"{spoken('build', run.root)} takes them)", flush=True)  # fmt: skip
    try:
        built = command(parser().parse_args(words)) == 0
        if built and (late := -left()) > LATE:
            print(f"that is {duration(late)} late: the vote took longer than the pace of the search had told")
            print(f"next: submit {shlex.quote(str(run.ensembles()[-1].submission))}", flush=True)
        return built
    except InputError as error:
        print(f"warning: the vote was not built: {error}", flush=True)
        return False


def after_search(run: Run, target: str) -> str:
    """The next command, and why where it is no build: of one attribute alone nothing can be submitted."""
    if others := [part.name for part in run.made_of if part.name != target and target != JOINT]:
        why = f"it tells {target} alone: a build takes runs of {', '.join(others)} beside this one"
        return f"{why}\nnext: {spoken('report', run.root)}"
    return f"next: {spoken('build', run.root)}"
