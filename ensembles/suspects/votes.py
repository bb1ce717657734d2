"""The votes that labels are compared with."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ensembles.ensemble import read_ensemble, trained
from ensembles.members import Members, load_members
from ensembles.methods import fit
from ensembles.predict_members import predict_members
from trainable.data.manifest import TestSet
from trainable.errors import InputError
from trainable.run import EnsembleFolder


def read_votes(place: Path) -> tuple[Members, np.ndarray]:
    """Members, and the votes float64 [N, C] on their N rows, each by fold models that did not see its group.

    place: the folder of a built ensemble, or a run, whose best five trials then vote. Raises InputError when it is
    neither, or an ensemble with a member that is gone.
    """
    members, used, vote = _voters(place)
    return members, vote(members.probabilities[used])


def votes_by_fold(place: Path) -> tuple[Members, np.ndarray]:
    """Members, and votes float64 [K, N, C] of each fold's models on all rows, those that they trained on too.

    Predicts every training photo with every fold model. place and InputError: as in `read_votes`.
    """
    members, used, vote = _voters(place)
    manifest = members.run.manifest
    images = manifest.frame["image"].to_numpy(str)[members.rows].tolist()
    photos = TestSet.of_photos(manifest.root, images, members.classes)
    with tempfile.TemporaryDirectory(prefix="foldvote-") as parts:
        found = predict_members([members.members[t] for t in used], photos, Path(parts))
    return members, np.stack([vote(p) for p in found.swapaxes(0, 1)])


def _voters(place: Path) -> tuple[Members, list[int], Callable[[np.ndarray], np.ndarray]]:
    """Members, which of them vote, and the vote [N, C] of their probabilities [voters, N, C]."""
    if EnsembleFolder(place).built:
        built = read_ensemble(place)
        members = load_members(sorted({f.run.root for m in trained(built, "suspects") for f in m.factors}))
        position = {member.name: t for t, member in enumerate(members.members)}
        if missing := [m.name for m in built.members if m.name not in position]:
            raise InputError(f"{place}: received members {', '.join(missing)}, gone since; allowed: build it anew")
        return members, [position[m.name] for m in built.members], built.vote
    members = load_members([place])
    weights = fit("mean_top5", members.probabilities, members.labels).weights
    used = np.flatnonzero(weights > 0).tolist()
    return members, used, lambda p: np.tensordot(weights[used], p, 1)
