"""New photos by a built ensemble: found, predicted, written as a table."""

import argparse
import os
import shlex
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ensembles.beside_votes import not_known
from ensembles.ensemble import Ensemble, read_ensemble, trained
from ensembles.members import broken_members, refuse
from ensembles.new_items import gathered
from ensembles.predict_members import predict_members
from ensembles.submission import filled
from trainable.command import check_out
from trainable.data.form import Form
from trainable.data.items import mean_of_items
from trainable.data.layouts.equal_files import known_in_training
from trainable.data.layouts.finish import alone_said
from trainable.data.layouts.photos import stem_of
from trainable.data.manifest import COMPETITION, TestSet
from trainable.errors import InputError
from trainable.files import write_atomic
from trainable.images.kinds import is_photo, walk
from trainable.words import count, few

WITH_FORM_OF_THEIR_OWN = (COMPETITION, "generic")  # their tables name files, which new photos are not among


def find_photos(places: Sequence[Path], say: Callable[[str], None] = print) -> list[Path]:
    """Absolute paths of the files given and of all photos below the folders given, each once.

    In the order given, a folder's photos sorted; what is passed over is counted aloud. Raises InputError for a place
    that is neither a folder nor a photo, and where there is no photo at all.
    """
    found: list[Path] = []
    others: Counter[str] = Counter()
    for place in places:
        place = place.expanduser().absolute()
        if place.is_dir():
            found += sorted(place / name for name, _ in walk(place, others))
        elif place.is_file() and is_photo(place):
            found.append(place)
        else:
            raise InputError(f"no photo: received {place}; allowed: folders, or files that hold a photo")
    if others:
        kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in others.most_common(4))
        say(f"passed over: {others.total():,} files that are no photos ({kinds})")
    if not found:
        raise InputError(f"no photos: received {', '.join(map(str, places))}; allowed: folders that hold a photo")
    return list(dict.fromkeys(found))


def predict_photos(ensemble: Ensemble, photos: Sequence[Path], owner: np.ndarray | None = None) -> np.ndarray:
    """The ensemble's vote as scores float64 [M, C]; raises InputError where no photo can be read.

    owner: int64[P], rising: which of M items each photo is of; None where each of M photos is answered alone.
    """
    root = _common(photos)
    names = [str(p.relative_to(root)) for p in photos]
    test = TestSet.of_photos(root, names, ensemble.classes)
    with tempfile.TemporaryDirectory(prefix="foldvote-") as parts:
        probabilities = predict_members(trained(ensemble, "new photos"), test, Path(parts))
    probabilities = probabilities.mean(1)
    return ensemble.vote(probabilities if owner is None else mean_of_items(probabilities, owner))


def _common(photos: Sequence[Path]) -> Path:
    """The folder that all photos lie below."""
    return Path(os.path.commonpath([p.parent for p in photos]))


def table_of(ensemble: Ensemble, photos: Sequence[Path], scores: np.ndarray) -> pd.DataFrame:
    """What the command writes of M photos, or folders of photos of one thing: a row each, from scores [M, C]."""
    columns: dict[str, object] = {
        "path": [str(p) for p in photos],
        "prediction": [ensemble.classes[c] for c in scores.argmax(1)],
    }
    marginals = ensemble.marginals(scores)
    for name, table in marginals.items():
        columns[name] = [ensemble.attributes[name][c] for c in table.argmax(1)]
    columns |= {f"p {name}": scores[:, c].round(6) for c, name in enumerate(ensemble.classes)}
    for name, table in marginals.items():
        columns |= {f"p {name} {word}": table[:, c].round(6) for c, word in enumerate(ensemble.attributes[name])}
    return pd.DataFrame(columns)


def asked_for(ensemble: Ensemble) -> Form | None:
    """The form that a sample submission or a test table asks for; None for layouts with a form of their own."""
    own = ensemble.run.info.layout in WITH_FORM_OF_THEIR_OWN
    return None if own else ensemble.form


def submission_of(form: Form, photos: Sequence[Path], scores: np.ndarray) -> pd.DataFrame:
    """A row a photo from scores [M, C], in the form of a submission; an id is the photo's name, as bare as there.

    photos: or folders of photos of one thing, whose names are ids.
    """
    names = [stem_of(p.name) if form.bare else p.name for p in photos]
    empty = pd.DataFrame({column: [""] * len(names) for column in form.header}, dtype=str)
    if form.header[0] == "":
        empty[""] = [str(i) for i in range(len(names))]
    return filled(empty.assign(**{form.id: names}), form, scores)


def predict(given: argparse.Namespace) -> int:
    """Exit code of `ensembles.predict` with these arguments; raises InputError."""
    out = given.out.expanduser().resolve()
    beside = out.with_suffix(".probabilities.csv")
    check_out(out, beside)
    ensemble = read_ensemble(given.ensemble)
    print(f"ensemble {ensemble.folder.root}", flush=True)
    for line in alone_said(ensemble.run.manifest):
        print(line)
    for line in not_known(ensemble.fitted):
        print(line)
    photos = find_photos(given.images)
    refuse(broken_members(trained(ensemble, "new photos")))
    photos, items, owner = gathered(ensemble.run.manifest, photos, given.images)
    scores = predict_photos(ensemble, photos, owner)
    table = table_of(ensemble, items, scores)
    if (form := asked_for(ensemble)) is not None:
        write_atomic(beside, lambda p: table.to_csv(p, index=False))
        table = submission_of(form, items, scores)
        print(f"{form.sentence()}; probabilities in {beside}")
        if twice := table[form.id][table[form.id].duplicated()].unique().tolist():
            print(f"warning: {form.id} there twice, of photos of one name in several folders: {few(twice)}; {beside} "
                  "has their paths")  # fmt: skip
    write_atomic(out, lambda p: table.to_csv(p, index=False))
    root = _common(photos)
    if known := known_in_training(ensemble.run.manifest, root, [str(p.relative_to(root)) for p in photos]):
        print(f"warning: {count(known, 'photo')} of them trained this vote, as equal files: what it says of these "
              "does not show how it does on others")  # fmt: skip
    print(f"{len(photos)} photos, nested {ensemble.measure.shown} of the ensemble "
          f"{ensemble.measure.text(ensemble.nested_score)}")  # fmt: skip
    print(f"next: open {shlex.quote(str(out))}")
    return 0
