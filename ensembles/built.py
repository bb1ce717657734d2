"""A built ensemble, read back from its folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ensembles.members import JOINT, Member
from ensembles.methods import Fitted, load
from trainable.errors import InputError
from trainable.files import read_json
from trainable.run.paths import EnsemblePaths, RunPaths


@dataclass(frozen=True)
class Built:
    """used: members that have a weight, in the order of `candidates`; attributes: {name: its classes}, or empty."""

    paths: EnsemblePaths
    fitted: Fitted
    members: list[Member]
    used: list[int]
    classes: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]]
    nested: float

    def vote(self, probabilities: np.ndarray) -> np.ndarray:
        """Scores float64 [M, C] of the used members' probabilities [members, M, C]; others are never read."""
        _, rows, classes = probabilities.shape
        everybody = np.full((len(self.fitted.weights), rows, classes), 1 / classes, np.float32)
        everybody[self.used] = probabilities
        return self.fitted.apply(everybody)

    def marginals(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """{attribute: float64 [M, its classes]} of scores [M, C]."""
        if not self.attributes:
            return {}
        split = scores.reshape(len(scores), *map(len, self.attributes.values()))
        axes = range(1, split.ndim)
        return {
            name: split.sum(axis=tuple(other for other in axes if other != axis))
            for axis, name in zip(axes, self.attributes, strict=True)
        }


def read_built(folder: Path) -> Built:
    """What `ensembles.build` wrote; InputError when it is something else, or unfinished, or a member's run is gone."""
    paths = EnsemblePaths(folder.expanduser().absolute())
    if not paths.summary.is_file():
        raise InputError(
            f"no ensemble: received {folder}; allowed: RUN/ensembles/NAME that ensembles.build finished (ensemble.json)"
        )
    try:
        summary = read_json(paths.summary)
        fitted = load(summary["method"], summary["parameters"])
        members = [_member(m, paths) for m in summary["members"]]
        return Built(
            paths,
            fitted,
            members,
            np.flatnonzero(fitted.weights > 0).tolist(),
            tuple(summary["classes"]),
            {name: tuple(words) for name, words in summary["attributes"].items()},
            summary["nested_macro_f1"],
        )
    except (json.JSONDecodeError, KeyError) as error:
        raise InputError(f"{paths.summary}: cannot be read: {error}; allowed: as ensembles.build writes it") from None


def _member(place: dict, paths: EnsemblePaths) -> Member:
    run = RunPaths(Path(place["run"]))
    own = RunPaths(paths.root.parents[1])
    if not run.experiment.is_file() and own.root.name == run.root.name:
        run = own  # the run was moved, and the ensemble with it
    trial = run.trial(place["trial"])
    if not trial.finished:
        raise InputError(
            f"{paths.summary}: member {trial.root} is gone; allowed: runs where they were when it was built"
        )
    return Member(
        run,
        trial,
        place.get("oof_macro_f1", float("nan")),
        place.get("target", JOINT),
        tuple(_member(factor, paths) for factor in place.get("times", ())),
        place.get("all_rows", False),
    )
