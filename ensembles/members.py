"""Members: complete trials of one or several runs as one array of out-of-fold predictions."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from trainable.data.labels import ATTRIBUTES, SIZES
from trainable.data.manifest import few
from trainable.errors import InputError
from trainable.files import read_npz
from trainable.run.experiment import open_experiment, read_info
from trainable.run.paths import FoldPaths, RunPaths, TrialPaths

JOINT = "joint"
Score = Callable[[np.ndarray, np.ndarray, int], float]
SKIP = "or --skip-broken-members to choose without it"


@dataclass(frozen=True)
class Member:
    """A trial that may vote. `times`: trials of the other attributes, where each predicts one (`target`) only.

    all_rows: what predicts is its one network of all rows, not its fold models.
    """

    run: RunPaths
    trial: TrialPaths
    oof_macro_f1: float
    target: str = JOINT
    times: "tuple[Member, ...]" = ()
    all_rows: bool = False

    @property
    def name(self) -> str:
        return " x ".join(f"{m.run.root.name}/{m.trial.root.name}" for m in self.factors)

    @property
    def factors(self) -> "tuple[Member, ...]":
        """The trials whose probabilities are multiplied; of a joint member itself alone."""
        return (self, *self.times)

    def networks(self) -> list[FoldPaths]:
        """What predicts for this trial; of a product only its first factor's."""
        if self.all_rows:
            return [self.trial.all_rows]
        return [self.trial.fold(k) for k in range(read_info(self.run)["folds"])]

    def on_all_rows(self) -> "Member":
        return replace(self, all_rows=True, times=tuple(m.on_all_rows() for m in self.times))


@dataclass(frozen=True)
class Members:
    """probabilities float32 [T, N, C]; labels int64[N]; fold int8[N]; groups str[N]; rows int64[N] of the manifest."""

    members: list[Member]
    probabilities: np.ndarray
    labels: np.ndarray
    fold: np.ndarray
    groups: np.ndarray
    rows: np.ndarray
    classes: tuple[str, ...]
    attributes: tuple[int, ...]
    data: Path

    def without(self, names: set[str]) -> Self:
        """The others; InputError when none is left."""
        kept = [t for t, m in enumerate(self.members) if m.name not in names]
        if not kept:
            raise InputError(f"no whole member: received only broken ones: {few(sorted(names))}; allowed: at least one")
        return replace(self, members=[self.members[t] for t in kept], probabilities=self.probabilities[kept])


def load_members(
    runs: Sequence[Path], *, score: Score, skip_broken: bool = False, say: Callable[[str], None] = print
) -> Members:
    """All complete trials of the runs; they must share data, folds and classes. InputError says what does not fit.

    Runs that each predict one attribute are multiplied: best with best, second with second, and so on.
    """
    paths = [RunPaths(r) for r in runs]
    infos = [read_info(p) for p in paths]
    _check_alike(paths, infos)
    complete = _complete(paths)
    failed = [
        trial.root.name for run in paths for trial in run.trials() if trial.error.is_file() and not trial.finished
    ]
    if failed:
        say(f"left out: {len(failed)} failed trials: {few(failed)}")
    tables = _read(complete, tuple(infos[0]["classes"]), skip_broken, say)
    first_member, first = next(iter(tables.items()))
    experiment = open_experiment(paths[0].root)
    for member, table in tables.items():
        same_labels = member.target != first_member.target or np.array_equal(table["label"], first["label"])
        if not np.array_equal(table["index"], first["index"]) or not same_labels:
            raise InputError(
                f"{member.trial.oof}: its rows or labels differ from {first_member.trial.oof}; allowed: the same"
            )
    scored = {
        replace(m, oof_macro_f1=score(t["label"], t["probabilities"].argmax(1), t["probabilities"].shape[1])): t
        for m, t in tables.items()
    }
    joint = {m: t["probabilities"] for m, t in scored.items() if m.target == JOINT}
    labels = next((scored[m]["label"] for m in joint), experiment.manifest.labels[first["index"]])
    everybody = {**joint, **_products({m: t["probabilities"] for m, t in scored.items()}, labels, score)}
    return Members(
        list(everybody),
        np.stack(list(everybody.values())),
        labels,
        first["fold"],
        experiment.manifest.frame["group"].to_numpy(str)[first["index"]],
        first["index"],
        next((tuple(scored[m]["classes"].tolist()) for m in joint), experiment.manifest.classes),
        SIZES if experiment.manifest.attributes else (),
        experiment.manifest.root,
    )


def multiply(factors: Sequence[np.ndarray]) -> np.ndarray:
    """float32 [..., C] of probabilities [..., 3], [..., 2], [..., 3] of mask, gender and age; of a joint one itself."""
    if len(factors) == 1:
        return factors[0]
    mask, gender, age = factors
    product = mask[..., :, None, None] * gender[..., None, :, None] * age[..., None, None, :]
    return product.reshape(*mask.shape[:-1], -1)


def _products(tables: dict[Member, np.ndarray], labels: np.ndarray, score: Score) -> dict[Member, np.ndarray]:
    """Joint members from trials of single attributes, ranked by their own scores and taken rank by rank.

    Where an attribute has fewer trials its best one fills in. Their marginals are the trials' own probabilities, so
    that `per_attribute` weighs each attribute's trials as if they stood alone.
    """
    ranked = {a: sorted((m for m in tables if m.target == a), key=lambda m: -m.oof_macro_f1) for a in ATTRIBUTES}
    missing = [a for a, found in ranked.items() if not found]
    if len(missing) == len(ranked):
        return {}
    if missing:
        raise InputError(
            f"runs of single attributes: received none of {', '.join(missing)}; allowed: one run at least of each of "
            f"{', '.join(ATTRIBUTES)}"
        )
    products = {}
    for rank in range(max(map(len, ranked.values()))):
        mask, *others = (found[rank] if rank < len(found) else found[0] for found in ranked.values())
        table = multiply([tables[m] for m in (mask, *others)])
        own = score(labels, table.argmax(1), table.shape[1])
        products[replace(mask, oof_macro_f1=own, times=tuple(others))] = table
    return products


def _check_alike(paths: list[RunPaths], infos: list[dict]) -> None:
    for key in ("data_fingerprint", "folds_fingerprint", "classes"):
        for path, info in zip(paths, infos, strict=True):
            if info[key] != infos[0][key]:
                raise InputError(
                    f"runs differ in {key}: received {paths[0].root} and {path.root}; "
                    "allowed: runs on the same data and folds"
                )


def _complete(paths: list[RunPaths]) -> list[Member]:
    found = [Member(run, trial, float("nan")) for run in paths for trial in run.trials() if trial.finished]
    if not found:
        raise InputError(
            f"no complete trials: received {', '.join(str(p.root) for p in paths)}; allowed: a run with at least one "
            "trial that finished all folds (python -m search.run SPACE --resume, or more --trials)"
        )
    return list({(m.run.root, m.trial.root.name): m for m in found}.values())  # a run given twice votes once


def _target(predicted: tuple[str, ...], classes: tuple[str, ...]) -> str:
    """Which attribute a trial predicts, by the names of its classes; "joint" where they are the data's own."""
    return next((a for a, words in ATTRIBUTES.items() if predicted == words != classes), JOINT)


def _read(
    complete: list[Member], classes: tuple[str, ...], skip_broken: bool, say: Callable[[str], None]
) -> dict[Member, dict[str, np.ndarray]]:
    """oof.npz of each member; a trial that diverged is left out, one that cannot be read only on request."""
    tables = {}
    for member in complete:
        try:
            table = read_npz(member.trial.oof)
            target = _target(tuple(table["classes"].tolist()), classes)
            diverged = not np.isfinite(table["probabilities"]).all()
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            if not skip_broken:
                raise InputError(
                    f"member {member.name}: {member.trial.oof} cannot be read: {error}; allowed: the file as written, "
                    f"{SKIP}"
                ) from None
            say(f"left out: {member.name}, {member.trial.oof} cannot be read")
            continue
        if diverged:
            say(f"left out: {member.name}, its probabilities are not numbers")
        else:
            tables[replace(member, target=target)] = table
    if not tables:
        raise InputError(f"no whole member: received {few([m.name for m in complete])}; allowed: at least one")
    return tables
