"""The ranked list of suspects: who looks wrong by which votes, as a table that corrections read."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ensembles.members import Members
from ensembles.suspects.find import Suspect, find_suspects
from trainable.data.manifest import Manifest

Found = list[tuple[int | None, Suspect]]  # the fold whose models judged, None where each row's own did


def judge(members: Members, votes: np.ndarray, manifest: Manifest) -> Found:
    """Suspects by votes [N, C], or fold by fold by votes [K, N, C], each fold's on the rows that it trained on."""
    images = manifest.frame["image"].to_numpy(str)[members.rows]
    ages = manifest.frame["age"].to_numpy()[members.rows] if members.attributes else None
    found: Found = []
    for k, judged in enumerate(votes) if votes.ndim == 3 else [(None, votes)]:
        rows = np.flatnonzero(members.fold != k) if k is not None else np.arange(len(judged))
        listed = find_suspects(
            judged[rows],
            members.labels[rows],
            members.groups[rows],
            images[rows],
            members.classes,
            None if ages is None else ages[rows],
        )
        found += [(k, replace(s, rows=tuple(rows[list(s.rows)].tolist()))) for s in listed]
    return found


def table_of(found: Found) -> pd.DataFrame:
    """A row a suspect, the columns of corrections first; `fold` is empty where each row's own models judged."""
    return pd.DataFrame(
        [(s.key, s.field, s.value, round(s.score, 3), s.given, f"{s.agree}/{s.photos}", k) for k, s in found],
        columns=["path_or_id", "field", "value", "score", "given", "agree", "fold"],
    )
