"""`--from RUN`: begin with what an earlier run has finished on the same data and folds.

Its complete and stopped trials enter the new ledger under the same trial_id, scores and all: the sampler learns from
them, the race counts them, a configuration suggested again is answered from them, and complete ones may be members.
They do not count as trials of the new search. Only those come that the new space can express: its `space`, called with
their parameters, must give the very same trial.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from search.ledger import Ledger, read_trials
from search.space import DataFacts
from search.space_file import SpaceFile
from search.suggested import thawed
from trainable.data.manifest import Manifest
from trainable.errors import InputError
from trainable.run import Experiment, Run, Trial

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
SHARED = (
    "metric",
    "epochs",
    "folds",
    "seed",
    "target",
    "store_size",
)  # settings without which no two trials are the same


@dataclass(frozen=True)
class FinishedTrials:
    """The trials to take over, by trial_id, with the new space's distributions.

    outside: how many finished trials the new space cannot express.
    """

    run: Run
    trials: dict[str, tuple[FrozenTrial, dict[str, BaseDistribution]]]
    outside: int

    def line(self) -> str:
        more = f"; {self.outside} lie outside this space" if self.outside else ""
        return f"from {self.run.root}: {len(self.trials)} finished trials{more}"


def find_finished(place: Path, space: SpaceFile, experiment: Experiment) -> FinishedTrials:
    """What can be taken over; InputError where it is no run, on other data or folds, or nothing fits."""
    run = open_alike(place, space, experiment.manifest)
    if run.info.folds_fingerprint != experiment.folds_fingerprint:
        raise InputError(f"--from: received {place}, a run on other data or folds; allowed: a run on the same")
    same_names = tuple(run.info.skipped_images) == tuple(experiment.skipped)  # what was skipped counts in the content
    if same_names and run.info.content != experiment.content:
        raise InputError(
            f"--from: received {place}, whose photos held something else under the same names; allowed: a run on the "
            "same photos"
        )
    data, found, outside = DataFacts.of(experiment.manifest), {}, 0
    for trial_id, frozen in read_trials(run.study).items():
        if frozen.state in ENDED:
            fits = _distributions(space, data, frozen, trial_id, experiment)
            outside += fits is None
            if fits is not None:
                found[trial_id] = (frozen, fits)
    if not found:
        raise InputError(
            f"--from: received {place}, of whose finished trials {outside} lie outside {space.path} and none inside; "
            "allowed: a run whose parameters this space can give"
        )
    return FinishedTrials(run, found, outside)


def open_alike(place: Path, space: SpaceFile, manifest: Manifest) -> Run:
    """The earlier run, told before anything is decoded; InputError where it is none, on other data or settings."""
    run, s = Run.open(place), space.search
    if run.info.data_fingerprint != manifest.fingerprint():
        raise InputError(f"--from: received {place}, a run on other data or folds; allowed: a run on the same")
    then = run.settings
    now = {name: s.settings()[name] for name in SHARED}
    now["store_size"] = list(s.store_size)
    changed = [f"{n}={then.get(n)!r} (this space: {now[n]!r})" for n in SHARED if then.get(n) != now[n]]
    if changed:
        raise InputError(f"--from: received a run with {', '.join(changed)}; allowed: one with the same")
    return run


def take_over(finished: FinishedTrials, run: Run, ledger: Ledger) -> None:
    """Copy the trials' files, then write them down; taken up again after a crash, what is there already stays."""
    for trial_id, (frozen, distributions) in finished.trials.items():
        if trial_id not in ledger.numbers:
            source = finished.run.trial(trial_id)
            _link(source, run.trial(trial_id))
            run.keep_inputs([source.config])
            ledger.take(trial_id, frozen, distributions, str(finished.run.root))


def _distributions(
    space: SpaceFile, data: DataFacts, frozen: FrozenTrial, trial_id: str, experiment: Experiment
) -> dict[str, BaseDistribution] | None:
    """Those the new space suggests the trial's parameters from; None where it would make another trial of them."""
    params = {name: thawed(value) for name, value in frozen.params.items()}
    asked = optuna.trial.FixedTrial(params)
    try:
        config = space.config(asked, data)
    except InputError:  # also of a value out of range
        return None
    same = config.trial_id(experiment.folds_fingerprint) == trial_id
    return asked.distributions if same and asked.params == params else None


def _link(source: Trial, target: Trial) -> None:
    """Hard links where the disk allows them, since weights are large; logs, to which lines are added, are copied."""

    def put(here: str, there: str) -> None:
        if not here.endswith(".jsonl"):
            try:
                os.link(here, there)
                return
            except OSError:  # another disk
                pass
        shutil.copy2(here, there)

    shutil.rmtree(target.root, ignore_errors=True)
    beside = target.root.parent.with_name(f"{target.root.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(source.root, beside, copy_function=put)
    target.root.parent.mkdir(exist_ok=True)
    beside.replace(target.root)
