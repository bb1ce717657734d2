"""Label errors: people whose given gender, age band or mask state the ensemble contradicts on their photos.

python -m ensembles.suspects RUN/ensembles/NAME (or RUN) [--out CSV] [--top N] [--by-fold]

Writes a ranked CSV in the format that label corrections read (`path_or_id,field,value`, further columns are passed
over there) and a contact sheet beside it. Look at the photos, delete the lines that are wrong, and give the file as
`rows.corrections`. A list is for looking at: applied unseen, it carries what models know of some labels into the scores
of others (a person is judged by models that know the labels of the other folds, which are then scored on a network that
trained on the judgement).

`--by-fold` writes a list that may be applied unseen: each line has a `fold`, whose models judged and in whose training
part alone it holds. They know no label that they are scored on, but have trained on the people they judge, so they find
less. It predicts every training photo with every fold model.

Otherwise every row is judged by fold models that did not see its person. A person's score for another gender or age
band is the mean over the photos of log p(other) - log p(given), for an age less half a point for every year that the
given one is away from the other band: wrong ages are mostly wrong by two or three years. People that all photos speak
against come first; a swap of `incorrect_mask` and `normal` is judged on those two photos, and a wrong mask state, or
the label where there are no attributes, on one photo or group.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ensembles.built import read_built
from ensembles.contact_sheet import draw_sheet
from ensembles.factors import predict_members
from ensembles.members import Members, load_members
from ensembles.methods import fit
from trainable.command import Parser, guarded
from trainable.data.corrections import SWAP
from trainable.data.labels import ATTRIBUTES, decode
from trainable.data.manifest import TestSet
from trainable.errors import InputError
from trainable.files import write_atomic
from trainable.metrics import macro_f1
from trainable.run.experiment import open_experiment
from trainable.run.paths import RunPaths

YEAR = 0.5  # of log-odds
FLOOR = 1e-4  # one photo cannot outvote six others
BORDERS = {(0, 1): 30, (1, 0): 29, (1, 2): 60, (2, 1): 59, (0, 2): 60, (2, 0): 29}  # years: from band, to band


@dataclass(frozen=True)
class Suspect:
    """score: mean log-odds of `value` against `given`, natural logarithm; agree: photos that say so, of `photos`.

    rows: positions among the scored rows.
    """

    key: str
    field: str
    value: str
    score: float
    given: str
    agree: int
    photos: int
    rows: tuple[int, ...]

    def caption(self, number: int) -> tuple[str, str]:
        """Two lines for a contact sheet."""
        return (
            f"{number}. {self.field}: given {self.given}, suggested {self.value}",
            f"score {self.score:.2f}, {self.agree}/{self.photos} photos  {self.key}",
        )


def find_suspects(
    votes: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    images: np.ndarray,
    classes: tuple[str, ...],
    ages: np.ndarray | None = None,
) -> list[Suspect]:
    """The suspects, ranked; votes [N, C] out of fold, ages [N] in years where classes are mask x gender x age."""
    names, group = np.unique(groups, return_inverse=True)
    if ages is None:
        return _ranked(_by_group(np.log(np.maximum(votes, FLOOR)), labels, group, names, "label", classes))
    split = votes.reshape(-1, *map(len, ATTRIBUTES.values()))
    logs = {
        name: np.log(np.maximum(split.sum(axis=tuple({1, 2, 3} - {axis})), FLOOR))
        for axis, name in enumerate(ATTRIBUTES, 1)
    }
    given = decode(labels)
    found = [
        *_by_group(logs["gender"], given["gender"], group, names, "gender", ATTRIBUTES["gender"]),
        *(_nearby(s, ages) for s in _by_group(logs["age"], given["age"], group, names, "age", ATTRIBUTES["age"])),
    ]
    return _ranked([*found, *_masks(logs["mask"], given["mask"], group, names, images)])


def _by_group(
    logs: np.ndarray, given: np.ndarray, group: np.ndarray, names: np.ndarray, field: str, words: tuple[str, ...]
) -> list[Suspect]:
    """People whose photos say another value on average, logs [N, A]; a group of several labels goes label by label."""
    key = group * len(words) + given
    found = []
    for number in np.unique(key):
        rows = np.flatnonzero(key == number)
        now = int(given[rows[0]])
        odds = logs[rows] - logs[rows, now][:, None]
        other = int(np.argmax(np.where(np.arange(len(words)) == now, -np.inf, odds.mean(0))))
        if odds[:, other].mean() > 0:
            value = str(BORDERS[now, other]) if field == "age" else words[other]
            agree, score = int((odds[:, other] > 0).sum()), float(odds[:, other].mean())
            place = names[group[rows[0]]]
            found.append(Suspect(str(place), field, value, score, words[now], agree, len(rows), tuple(rows.tolist())))
    return found


def _nearby(suspect: Suspect, ages: np.ndarray) -> Suspect:
    """An age suspect, its score less what its distance in years costs."""
    years = abs(float(ages[suspect.rows[0]]) - int(suspect.value))
    return replace(suspect, score=suspect.score - YEAR * years)


def _masks(
    logs: np.ndarray, given: np.ndarray, group: np.ndarray, names: np.ndarray, images: np.ndarray
) -> list[Suspect]:
    """`incorrect_mask` and `normal` of one person that each say to be the other, and single photos of another state."""
    words = ATTRIBUTES["mask"]
    odds = logs - logs[np.arange(len(logs)), given][:, None]
    found: list[Suspect] = []
    swapped: set[int] = set()
    for number in np.unique(group[given > 0]):
        pair = [np.flatnonzero((group == number) & (given == state)) for state in (1, 2)]
        if not all(len(rows) == 1 for rows in pair):
            continue
        rows = (int(pair[0][0]), int(pair[1][0]))
        both = np.array([odds[rows[0], 2], odds[rows[1], 1]])
        if both.mean() > 0:
            agree = int((both > 0).sum())
            found.append(Suspect(str(names[number]), "swap", SWAP, float(both.mean()), "as named", agree, 2, rows))
            swapped.update(rows)
    for row in np.flatnonzero(odds.max(1) > 0).tolist():
        if row not in swapped:
            other = int(odds[row].argmax())
            found.append(
                Suspect(
                    str(images[row]), "mask", words[other], float(odds[row, other]), words[given[row]], 1, 1, (row,)
                )
            )
    return found


def _ranked(found: list[Suspect]) -> list[Suspect]:
    """People that all photos speak against, by score, then the others; single photos of another mask state last."""
    return sorted(found, key=lambda s: (s.field == "mask", s.agree < s.photos, -s.score, s.key))


def read_votes(place: Path) -> tuple[Members, np.ndarray, RunPaths]:
    """Out-of-fold votes float64 [N, C] of a built ensemble, or of the mean of a run's best five trials."""
    members, used, vote = _voters(place)
    return members, vote(members.probabilities[used]), members.members[used[0]].run


def votes_by_fold(place: Path) -> tuple[Members, np.ndarray, RunPaths]:
    """Votes float64 [K, N, C] of each fold's models on all scored rows, those that they trained on too."""
    members, used, vote = _voters(place)
    experiment = open_experiment(members.members[used[0]].run.root)
    images = experiment.manifest.frame["image"].to_numpy(str)[members.rows].tolist()
    photos = TestSet(experiment.manifest.root, images, pd.DataFrame({"image": images}), "label", members.classes)
    with tempfile.TemporaryDirectory(prefix="foldvote-") as parts:
        found = predict_members([members.members[t] for t in used], photos, len(members.classes), Path(parts))
    return members, np.stack([vote(p) for p in found.swapaxes(0, 1)]), experiment.paths


def _voters(place: Path) -> tuple[Members, list[int], Callable[[np.ndarray], np.ndarray]]:
    """Members, which of them vote, and the vote [N, C] of their probabilities [voters, N, C]."""
    if (place / "ensemble.json").is_file():
        built = read_built(place)
        members = load_members(sorted({f.run.root for m in built.members for f in m.factors}), score=macro_f1)
        position = {member.name: t for t, member in enumerate(members.members)}
        if missing := [m.name for m in built.members if m.name not in position]:
            raise InputError(f"{place}: received members {', '.join(missing)}, gone since; allowed: build it anew")
        return members, [position[m.name] for m in built.members], built.vote
    members = load_members([place], score=macro_f1)
    weights = fit("mean_top5", members.probabilities, members.labels).weights
    used = np.flatnonzero(weights > 0).tolist()
    return members, used, lambda p: np.tensordot(weights[used], p, 1)


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m ensembles.suspects", description="Rank people whose labels look wrong.")
    parser.add_argument("place", type=Path, metavar="RUN[/ensembles/NAME]")
    parser.add_argument("--out", type=Path, metavar="CSV", help="default: suspects.csv in the folder given")
    parser.add_argument("--top", type=int, default=40, help="people on the contact sheet (default: 40)")
    parser.add_argument("--by-fold", action="store_true", help="a list that may be applied unseen")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    place = given.place.expanduser().absolute()
    out = (given.out or place / "suspects.csv").expanduser().absolute()
    for file in (out, out.with_suffix(".png")):
        if file.exists():
            raise InputError(f"--out: received {file}, which exists; allowed: a new file")
    members, votes, run = votes_by_fold(place) if given.by_fold else read_votes(place)
    manifest = open_experiment(run.root).manifest
    images = manifest.frame["image"].to_numpy(str)[members.rows]
    ages = manifest.frame["age"].to_numpy()[members.rows] if members.attributes else None
    found: list[tuple[int | None, Suspect]] = []
    for k, judged in enumerate(votes) if given.by_fold else [(None, votes)]:
        rows = np.flatnonzero(members.fold != k) if k is not None else np.arange(len(judged))
        these = None if ages is None else ages[rows]
        listed = find_suspects(
            judged[rows], members.labels[rows], members.groups[rows], images[rows], members.classes, these
        )
        found += [(k, replace(s, rows=tuple(rows[list(s.rows)].tolist()))) for s in listed]
    table = pd.DataFrame(
        [(s.key, s.field, s.value, round(s.score, 3), s.given, f"{s.agree}/{s.photos}", k) for k, s in found],
        columns=["path_or_id", "field", "value", "score", "given", "agree", "fold"],
    )
    table = table if given.by_fold else table.drop(columns="fold")
    write_atomic(out, lambda p: table.to_csv(p, index=False))
    counts = ", ".join(f"{n} {field}" for field, n in table["field"].value_counts().items()) or "nobody"
    print(f"suspects: {counts}, by score in {out}")
    shown = list({(s.key, s.field): s for _, s in found}.values())[: given.top]
    if shown:
        sheet = [(s.caption(n), [images[r] for r in s.rows]) for n, s in enumerate(shown, start=1)]
        draw_sheet(out.with_suffix(".png"), manifest.root, sheet)
        print(f"contact sheet of the first {len(shown)}: {out.with_suffix('.png')}")
    unseen = "" if given.by_fold else "look at them, delete wrong lines, and "
    print(f"next: {unseen}search with rows.corrections = {out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
