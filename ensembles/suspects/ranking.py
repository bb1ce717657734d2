"""The ranked list of suspects: who looks wrong by which votes, as a table that corrections read."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ensembles.members import Members
from ensembles.suspects.find import Suspect, find_suspects
from trainable.data.attributes import Attributes
from trainable.data.corrections import LABEL, SWAP
from trainable.data.manifest import Manifest

USUAL = 0.1  # share of wrong labels; ten public test sets have .2 to 10 %, https://arxiv.org/abs/2103.14749
Found = list[tuple[int | None, Suspect]]  # the fold whose models judged, None where each row's own did


def judge(members: Members, votes: np.ndarray, manifest: Manifest) -> Found:
    """Suspects by votes [N, C], or fold by fold by votes [K, N, C], each fold's on the rows that it trained on."""
    images = manifest.frame["image"].to_numpy(str)[members.rows]
    numbers = numbers_of(manifest, members.rows)
    found: Found = []
    for k, judged in enumerate(votes) if votes.ndim == 3 else [(None, votes)]:
        rows = np.flatnonzero(members.fold != k) if k is not None else np.arange(len(judged))
        listed = find_suspects(
            judged[rows],
            members.labels[rows],
            members.groups[rows],
            images[rows],
            members.classes,
            members.made_of,
            {name: column[rows] for name, column in numbers.items()},
        )
        found += [(k, replace(s, rows=tuple(rows[list(s.rows)].tolist()))) for s in listed]
    return found


def numbers_of(manifest: Manifest, rows: np.ndarray) -> dict[str, np.ndarray]:
    """{column: float64[n]} of the columns of numbers that classes are cut from, of rows int64[n]."""
    return {part.name: manifest.frame[part.name].to_numpy()[rows] for part in manifest.made_of if part.cuts}


def table_of(found: Found, images: np.ndarray, made_of: Attributes) -> pd.DataFrame:
    """A row a photo of a suspect, the columns of corrections first; `fold` is empty where each row's own models judged.

    images: str[N], of the rows that suspects name. Two photos that changed places are a line each. A line names one
    photo and changes that one alone: what a person looked at is what is changed.
    """
    lines = [
        (images[row], field, value, round(s.score, 3), given, f"{s.agree}/{s.photos}", k)
        for k, s in found
        for row, (field, value, given) in zip(s.rows, _changes(s, made_of), strict=True)
    ]
    return pd.DataFrame(lines, columns=["path_or_id", "field", "value", "score", "given", "agree", "fold"])


def _changes(suspect: Suspect, made_of: Attributes) -> list[tuple[str, str, str]]:
    """(field, value, given) of each row of a suspect."""
    if suspect.field != SWAP:
        return [(suspect.field, suspect.value, suspect.given)] * len(suspect.rows)
    swap = next(swap for swap in made_of.swaps if swap.word == suspect.value)
    one, other = (made_of[swap.column].values[value] for value in swap.values)
    return [(swap.column, other, one), (swap.column, one, other)]


def doubt(members: Members, votes: np.ndarray) -> tuple[str, bool]:
    """How far to believe the list, from how often votes [N, C], or [K, N, C] a fold, contradict labels out of fold.

    And whether that is too often for all of it to be believed.
    """
    rows = np.arange(len(members.labels))
    own = votes[members.fold, rows] if votes.ndim == 3 else votes
    pairs = {LABEL: (members.labels, own)}
    if members.made_of:
        given, grid = members.made_of.decode(members.labels), members.made_of.grid
        pairs = {part.name: (given[part.name], grid.marginal(own, axis)) for axis, part in enumerate(members.made_of)}
    shares = {name: float((labels != table.argmax(1)).mean()) for name, (labels, table) in pairs.items()}
    told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    weak = [name for name, share in shares.items() if share > USUAL]
    line = f"photos on which the vote contradicts the label: {told}"
    if not weak:
        return line, False
    return (
        f"{line}. Labels are seldom wrong on more than {USUAL:.0%}: most suspicions of {', '.join(weak)} are the "
        "vote's own mistakes, and only the first lines are worth a look"
    ), True
