"""A second round: a new run whose folds also learn from what the first round said of the test photos.

    python -m search.run SPACE --pseudo RUN/ensembles/NAME --threshold 0.9

Fold k of the new run trains on answers of the first ensemble's fold-k models alone, with the first run's very folds:
no other model has kept off the labels that fold k is scored on (trainable/data/pseudo_labels.py). An answer is what the
ensemble's own method makes of them, as probabilities of all classes. What all folds share are the members and the
method as it was fitted, as they share the choice of configurations.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ensembles.beside_votes import facts_of_test
from ensembles.ensemble import Ensemble, read_ensemble, trained
from search.arguments import THRESHOLD, Thresholds
from search.space import Search
from trainable.data.layouts import read_manifest, read_test
from trainable.data.manifest import TestSet
from trainable.data.pseudo_labels import answers, with_pseudo, without_pseudo
from trainable.errors import InputError
from trainable.images.store import ImageStore, open_store
from trainable.run import Experiment
from trainable.run.experiment import stored_names
from trainable.words import few


@dataclass(frozen=True)
class Teacher:
    """What the first round knows.

    experiment: its own, without pseudo labels. told: float32 [M, K, C] of the photos of `test`, what the method
    makes of a fold's models; zeros where it is not sure. digests: {photo of `test`: SHA-256 of its file then}.
    """

    ensemble: Path
    threshold: Thresholds
    experiment: Experiment
    test: TestSet
    told: np.ndarray
    digests: dict[str, bytes]

    def teach(self, search: Search, weights: dict[str, str]) -> Experiment:
        """The second round's experiment, photos decoded; nothing is written to its run directory yet."""
        first, root = self.experiment, self.experiment.manifest.root
        asked = open_store(root, self.test.images, search.store_size)
        self._refuse_changed_test(asked)
        told = self.told * ~np.isin(self.test.images, asked.bad)[:, None, None]  # no photo, no label
        manifest, folds = with_pseudo(first.manifest, first.folds, self.test, told)
        names = stored_names(manifest, first.skipped)
        decoded = [first.store, asked] if search.store_size == first.store_size else [asked]
        store = open_store(root, names, search.store_size, decoded=decoded)
        if store.content_of(stored_names(first.manifest, first.skipped)) != first.content:
            raise InputError(f"--pseudo: photos below {root} have changed since the first round; allowed: as they were")
        pseudo = replace(self, told=told).record()
        made = Experiment(manifest, folds, search.store_size, search.seed, weights, first.skipped, pseudo)
        return replace(made, content=store.content)

    def _refuse_changed_test(self, now: ImageStore) -> None:
        """InputError where test photos hold something else than when the first round answered them."""
        if changed := [name for name, digest in now.digests().items() if self.digests[name] != digest]:
            raise InputError(
                f"--pseudo: received {few(changed)} of other content than {self.ensemble} answered; allowed: the test "
                "photos as they were, or an ensemble built anew"
            )

    def record(self) -> dict[str, Any]:
        """What the run writes down of the pseudo labels."""
        sure = np.asarray(self.told.any(axis=-1))
        return {
            "ensemble": str(self.ensemble),
            "threshold": self.threshold,
            "photos": int(sure.any(1).sum()),
            "photos_by_fold": sure.sum(0).tolist(),
        }

    def sentence(self) -> str:
        """A line of the plan."""
        found = self.record()
        low, high = min(found["photos_by_fold"]), max(found["photos_by_fold"])
        return (
            f"pseudo labels: {found['photos']} of {len(self.told)} test photos, {low} to {high} a fold, from "
            f"{_words(self.threshold)} on, soft, by {self.ensemble}"
        )


def first_round(place: Path, threshold: Thresholds | None, folds: int, data: Path | None) -> Teacher:
    """What an ensemble teaches; InputError when it cannot teach a run of so many folds on these data."""
    built = read_ensemble(place)
    run = trained(built, "--pseudo")[0].run
    experiment = run.experiment
    manifest, own = without_pseudo(experiment.manifest, experiment.folds)
    _refuse_unfit(built, manifest.root, own.count, folds, data)
    flags = manifest.taken.flags
    now = read_manifest(manifest.root, flags).drop(list(experiment.skipped))
    if now.fingerprint() != manifest.fingerprint():
        raise InputError(f"--pseudo: {manifest.root} has changed since {run.root}; allowed: as it was")
    test = read_test(manifest.root, manifest.classes, flags)
    if test is None:
        raise InputError(
            f"--pseudo: received {place}, without test photos below {manifest.root}; allowed: data with some"
        )
    if test.items is not None:
        raise InputError(
            f"--pseudo: received {place}, whose test rows have several photos each; allowed: data with one photo a row"
        )
    table = built.folder.test()
    if table["images"].tolist() != test.images:
        raise InputError(
            f"--pseudo: received {built.folder.root}, built on other photos than the test images below "
            f"{manifest.root}; allowed: an ensemble of these"
        )
    places = [table["members"].tolist().index(member.name) for member in built.members]
    asked: Thresholds = THRESHOLD if threshold is None else threshold
    facts = facts_of_test(manifest, test)
    votes = np.stack([built.vote(one, facts) for one in table["probabilities"][places].swapaxes(0, 1)])
    told = answers(votes, asked, manifest.made_of)
    if not told.any():
        surest = votes.max()
        raise InputError(
            f"--threshold: received {_words(asked)}, and no test photo is so sure; allowed: less, the surest class has "
            f"{surest:.2f}"
        )
    first = Experiment(
        manifest, own, experiment.store_size, experiment.seed, {}, experiment.skipped, content=_content(experiment)
    )
    digests = {name: bytes(digest) for name, digest in zip(test.images, table["digests"], strict=True)}
    return Teacher(built.folder.root, asked, first, test, told, digests)


def _content(experiment: Experiment) -> str:
    """What the photos of the labelled rows held when the run began."""
    manifest, _ = without_pseudo(experiment.manifest, experiment.folds)
    if len(manifest.frame) == len(experiment.manifest.frame):
        return experiment.content
    return experiment.store.content_of(stored_names(manifest, experiment.skipped))


def refuse_another(pseudo: Path | None, threshold: Thresholds | None, then: dict[str, Any] | None) -> None:
    """InputError when a resumed run began with other pseudo labels; flags left out stand for those."""
    if pseudo is not None and (then is None or str(pseudo.expanduser().absolute()) != then["ensemble"]):
        allowed = then["ensemble"] if then else "none, as the run began"
        raise InputError(f"--resume: received --pseudo {pseudo}; allowed: {allowed}")
    if threshold is not None and (then is None or threshold != then["threshold"]):
        allowed = _words(then["threshold"]) if then else "none, as the run began"
        raise InputError(f"--resume: received --threshold {_words(threshold)}; allowed: {allowed}")


def _refuse_unfit(built: Ensemble, root: Path, count: int, folds: int, data: Path | None) -> None:
    if any(factor.all_rows for member in built.members for factor in member.factors):
        raise InputError(
            f"--pseudo: received {built.folder.root}, of networks of all rows, which know the labels of every fold; "
            "allowed: an ensemble of fold models"
        )
    if folds != count:
        raise InputError(f"SEARCH.folds: received {folds}; allowed: {count}, the folds of the first round")
    if data is not None and data.expanduser().absolute() != root:
        raise InputError(f"--data: received {data}; allowed: {root}, the data of the first round")


def _words(threshold: Thresholds) -> str:
    if isinstance(threshold, dict):
        return ",".join(f"{name}={value:g}" for name, value in threshold.items())
    return f"{threshold:g}"
