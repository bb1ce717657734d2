"""A built ensemble: what a build writes down of it, and reading it back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ensembles.choice import Choice
from ensembles.members import Member, Outside, missing_rows
from ensembles.methods import Fitted, RowFacts, load
from ensembles.metric import shown_metric
from ensembles.nested import AUTO
from ensembles.newest import latest
from trainable.commands import spoken
from trainable.data.attributes import Attributes
from trainable.data.form import Form
from trainable.errors import InputError
from trainable.metrics import Metric
from trainable.run import EnsembleFolder, Run


@dataclass(frozen=True)
class Ensemble:
    """A vote that can be asked.

    fitted: the method with its parameters, for all candidates of the build. members: those that have a weight, whose
    places among the candidates are in `used`. made_of: what classes are made of. nested_score: what is expected on
    new groups, in the metric `metric`. form: of its submission, None where it was built without test photos.
    """

    folder: EnsembleFolder
    fitted: Fitted
    members: list[Member | Outside]
    used: list[int]
    classes: tuple[str, ...]
    made_of: Attributes
    nested_score: float
    metric: str
    form: Form | None = None

    @cached_property
    def measure(self) -> Metric:
        """What its score is, to be shown; a function is known by its name alone."""
        return shown_metric(self.metric, self.classes)

    @property
    def run(self) -> Run:
        """The run that the ensemble lies in."""
        return run_of(self.folder)

    def vote(self, probabilities: np.ndarray, facts: RowFacts | None = None) -> np.ndarray:
        """The vote as scores float64 [M, C] of the members' probabilities [members, M, C].

        facts: what is known of the M rows beside that.
        """
        return self.fitted.apply_to_used(probabilities, self.used, facts)

    @property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        """{name: its values} of what classes are made of, or empty."""
        return self.made_of.words

    def marginals(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """What scores [M, C] say of each attribute: {name: float64 [M, how many values it has]}."""
        return {name: self.made_of.grid.marginal(scores, axis) for axis, name in enumerate(self.made_of.names)}


def trained(ensemble: Ensemble, what: str) -> list[Member]:
    """Its members, all of which have networks; InputError where some come from elsewhere. what: is to be done."""
    outside = [member.name for member in ensemble.members if isinstance(member, Outside)]
    if outside:
        raise InputError(
            f"{what}: received {ensemble.folder.root}, in which tables from elsewhere vote: {', '.join(outside)}; "
            "allowed: an ensemble of trials alone"
        )
    return [member for member in ensemble.members if isinstance(member, Member)]


def run_of(folder: EnsembleFolder) -> Run:
    """The run below which an ensemble lies."""
    return Run(folder.root.parents[1])


def summary_of(choice: Choice, asked: str, voters: Mapping[int, Member | Outside]) -> dict[str, Any]:
    """What a build writes down. asked: the method that was asked for; voters: members that predict, by their place.

    The estimate of `auto` has the choice of method inside its nesting; where it was asked for, that is the estimate.
    """
    members, fitted = choice.members, choice.fitted
    own, single = choice.rows[choice.method], choice.rows["best_single"]
    estimate = choice.rows[AUTO] if asked == AUTO else own
    return {
        "method": choice.method,
        "parts": list(choice.parts),
        "members": [
            {**_place(voters[t]), "weight": float(w), "oof_score": voters[t].oof_score}
            for t, w in enumerate(fitted.weights)
            if w > 0
        ],
        "metric": members.metric.name,
        "oof_score": own.in_sample,
        "nested_score": estimate.nested,
        "nested_std": estimate.standard_error,
        "optimism": own.in_sample - estimate.nested,
        "best_single": {
            **_place(voters[choice.best_single]),
            "oof_score": single.in_sample,
            "nested_score": single.nested,
        },
        "unvouched": [m.name for m in voters.values() if isinstance(m, Outside) and not m.same_folds],
        "classes": members.classes,
        "attributes": members.made_of.to_dict(),
        "candidates": [m.name for m in members.members],
        "parameters": fitted.parameters,
        "methods": [vars(r) for r in choice.evaluation.rows],
    }


def read_ensemble(root: Path) -> Ensemble:
    """The ensemble that a build left in the folder `root`, or the latest one of the run `root`.

    Raises InputError when the folder holds no finished build or one that cannot be read, or when the run of a member is
    gone. A run that was moved takes the ensembles below it along.
    """
    folder = EnsembleFolder(latest(root.expanduser().absolute()))
    if not folder.built:
        raise InputError(
            f"no ensemble: received {root}; allowed: RUN or RUN/ensembles/NAME where a build has ended "
            f"({spoken('build', 'RUN')})"
        )
    try:
        summary = folder.summary()
        fitted = load(summary["method"], summary["parameters"])
        return Ensemble(
            folder,
            fitted,
            [_member(place, folder) for place in summary["members"]],
            np.flatnonzero(fitted.weights > 0).tolist(),
            tuple(summary["classes"]),
            Attributes.from_dict(summary["attributes"]),
            summary["nested_score"],
            summary["metric"],
            Form.from_dict(summary["form"]) if summary.get("form") else None,
        )
    except (json.JSONDecodeError, KeyError) as error:
        raise InputError(
            f"{folder.summary_file}: cannot be read: {error}; allowed: as ensembles.build writes it"
        ) from None


def _place(member: Member | Outside) -> dict[str, Any]:
    """Where a member lies; `times` only where it is a product, `all_rows` only where it predicts so, `parts` and
    `missing_rows` only where it is not complete.
    """
    if isinstance(member, Outside):
        return {"run": str(member.oof.parent), "trial": member.name, "oof": str(member.oof), "sub": str(member.sub)}
    place: dict[str, Any] = {"run": str(member.run.root), "trial": member.trial.id}
    if member.all_rows:
        place["all_rows"] = True
    if member.parts:
        place["parts"], place["missing_rows"] = list(member.parts), missing_rows(member)
    if member.times:
        place["times"] = [_place(m) for m in member.times]
    return place


def _member(place: dict[str, Any], folder: EnsembleFolder) -> Member | Outside:
    """The inverse of `_place`."""
    if "oof" in place:
        return Outside(Path(place["oof"]), Path(place["sub"]), place.get("oof_score", float("nan")))
    return _trial_member(place, folder)


def _trial_member(place: dict[str, Any], folder: EnsembleFolder) -> Member:
    run, own = Run(Path(place["run"])), run_of(folder)
    if not run.begun:  # the run was moved, and the ensemble with it
        run = next((Run(moved) for moved in (own.root, own.heads) if moved.name == run.name), run)
    trial = run.trial(place["trial"])
    parts = tuple(place.get("parts", ()))
    if not (trial.finished or parts):
        raise InputError(
            f"{folder.summary_file}: member {trial.root} is gone; allowed: runs where they were when it was built"
        )
    return Member(
        trial,
        place.get("oof_score", float("nan")),
        tuple(_trial_member(factor, folder) for factor in place.get("times", ())),
        place.get("all_rows", False),
        parts,
    )
