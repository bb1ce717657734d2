"""Predict new photos with a built ensemble.

python -m ensembles.predict RUN/ensembles/NAME IMAGES... --out CSV

IMAGES are folders (searched with all below them) or files. A row a photo: `image`, `prediction`, a column `p CLASS` for
each class and, where classes are made of attributes, each attribute's answer (`gender`) and probabilities
(`p gender female`). Photos stand alone here: nothing says which show one person.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ensembles.built import Built, read_built
from ensembles.checks import broken_members, refuse
from ensembles.factors import predict_members
from trainable.command import Parser, guarded
from trainable.data.manifest import TestSet
from trainable.errors import InputError
from trainable.files import write_atomic

SUFFIXES = {".jpg", ".jpeg", ".png"}


def find_photos(places: Sequence[Path]) -> list[Path]:
    """Absolute paths of the files given and of the photos below the folders given, each once; dotfiles are passed over.

    In the order given; a folder's photos sorted.
    """
    found: list[Path] = []
    for place in places:
        place = place.expanduser().absolute()
        if place.is_dir():
            below = [p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()]
            found += sorted(p for p in below if not any(part.startswith(".") for part in p.relative_to(place).parts))
        elif place.is_file() and place.suffix.lower() in SUFFIXES:
            found.append(place)
        else:
            raise InputError(f"no photo: received {place}; allowed: folders, or files ending in {_words(SUFFIXES)}")
    if not found:
        raise InputError(
            f"no photos below {', '.join(map(str, places))}: received none; allowed: files ending in {_words(SUFFIXES)}"
        )
    return list(dict.fromkeys(found))


def predict_photos(built: Built, photos: Sequence[Path]) -> np.ndarray:
    """Scores float64 [M, C] of the ensemble."""
    root = Path(os.path.commonpath([p.parent for p in photos]))
    names = [str(p.relative_to(root)) for p in photos]
    test = TestSet(root, names, pd.DataFrame({"image": names}), "prediction", built.classes)
    with tempfile.TemporaryDirectory(prefix="foldvote-") as parts:
        probabilities = predict_members(built.members, test, len(built.classes), Path(parts))
    return built.vote(probabilities.mean(1))


def table_of(built: Built, photos: Sequence[Path], scores: np.ndarray) -> pd.DataFrame:
    """The CSV; scores [M, C]."""
    columns: dict[str, object] = {
        "image": [str(p) for p in photos],
        "prediction": [built.classes[c] for c in scores.argmax(1)],
    }
    marginals = built.marginals(scores)
    for name, table in marginals.items():
        columns[name] = [built.attributes[name][c] for c in table.argmax(1)]
    columns |= {f"p {name}": scores[:, c].round(6) for c, name in enumerate(built.classes)}
    for name, table in marginals.items():
        columns |= {f"p {name} {word}": table[:, c].round(6) for c, word in enumerate(built.attributes[name])}
    return pd.DataFrame(columns)


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m ensembles.predict", description="Predict new photos with a built ensemble.")
    parser.add_argument("ensemble", type=Path, metavar="RUN/ensembles/NAME")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGES", help="folders or files")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    out = given.out.expanduser().absolute()
    if out.exists():
        raise InputError(f"--out: received {out}, which exists; allowed: a new file")
    built = read_built(given.ensemble)
    print(f"ensemble {built.paths.root}", flush=True)
    photos = find_photos(given.images)
    refuse(broken_members(built.members))
    table = table_of(built, photos, predict_photos(built, photos))
    write_atomic(out, lambda p: table.to_csv(p, index=False))
    print(f"{len(photos)} photos, nested macro-F1 of the ensemble {built.nested:.4f}")
    print(f"next: open {out}")
    return 0


def _words(names: set[str]) -> str:
    return ", ".join(sorted(names))


if __name__ == "__main__":
    raise SystemExit(main())
