"""What each kind of member adds to a vote: the nested score of `auto` with all members, and without that kind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ensembles.kinds import KINDS
from ensembles.members import Members, kind_of
from ensembles.nested import Bootstrap, Evaluation, evaluate_methods, evidence


@dataclass(frozen=True)
class Contribution:
    """kind: None for all together. members: how many. best: of their out-of-fold scores.

    nested: of the vote without them (of all: with them); NaN where they are all there is. adds, error: by how much the
    whole vote is ahead of that, and the standard error of the difference, over the same draws of groups.
    """

    kind: str | None
    members: int
    best: float
    nested: float
    adds: float = float("nan")
    error: float = float("nan")


def contributions(members: Members, *, size: int, seed: int, most: int | None = None) -> list[Contribution]:
    """All together first, then each kind that is there; costs a comparison of methods each.

    size, seed and most: as `evaluate_methods` has them.
    """
    kinds = np.array([kind_of(member) for member in members.members])
    own = np.array([member.oof_score for member in members.members])
    number = np.unique(members.groups, return_inverse=True)[1]
    bootstrap = Bootstrap(members.labels, number, len(members.classes), seed, members.metric)
    everything = np.ones(len(members.labels), bool)

    def scores(kept: np.ndarray) -> np.ndarray:
        votes = _evaluated(members, kept, size, seed, most).said
        assert votes is not None
        return bootstrap.scores(evidence(votes, members.labels, members.metric), everything)

    whole = scores(np.ones(len(kinds), bool))
    found = [Contribution(None, len(own), own.max(), float(whole[0]))]
    for kind in (kind for kind in KINDS if (kinds == kind).any()):
        mine = kinds == kind
        if mine.all():
            found.append(Contribution(kind, len(own), own.max(), float("nan")))
            continue
        others = scores(~mine)
        ahead = whole - others
        numbers = (float(others[0]), float(ahead[0]), float(ahead[1:].std()))
        found.append(Contribution(kind, int(mine.sum()), own[mine].max(), *numbers))
    return found


def harmful(found: Sequence[Contribution]) -> list[Contribution]:
    """The kind without which the vote is furthest ahead, by over a standard error; at most one, as each was alone."""
    return sorted((c for c in found if c.adds < -c.error), key=lambda c: c.adds)[:1]


def _evaluated(members: Members, kept: np.ndarray, size: int, seed: int, most: int | None) -> Evaluation:
    return evaluate_methods(
        members.probabilities[kept],
        members.labels,
        members.fold,
        members.groups,
        members.metric,
        seed=seed,
        attributes=members.attributes,
        size=size,
        most=most,
    )
