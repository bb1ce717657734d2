"""A run's predictions as tables of an image a row and a class a column."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ensembles.members import load_members
from ensembles.members.outside import FOLD
from trainable.files import write_atomic
from trainable.run import Run
from trainable.words import count


def write_oof_tables(place: Path, out: Path) -> None:
    """Write the tables of a run's trials, and of the heads that builds fitted on its features, below `out`.

    InputError for a folder that is no run, or has none complete.
    """
    run = Run.open(place)
    heads = Run(run.heads)
    members = load_members([place, heads.root] if heads.begun else [place])
    out.mkdir(parents=True, exist_ok=True)
    images = run.manifest.frame["image"].to_numpy(str)[members.rows].tolist()
    written = {run.root: 0, heads.root: 0}
    told = set()
    for member, table in zip(members.members, members.probabilities, strict=True):
        if len(member.factors) == 1:
            write_table(out / f"oof_{member.trial.id}.csv", images, table, members.classes, members.fold)
            written[member.trial.run.root] += 1
            told.add(member.trial.id)
    what = count(written[run.root], "trial")
    if written[heads.root]:
        what += f" and of {count(written[heads.root], 'further head')} that builds fitted"
    print(f"{out}: out-of-fold predictions of {what}, on {len(images):,} images")
    voted = {trial: said for trial, said in _on_test_photos(run).items() if trial in told}  # not other runs' heads
    for trial, (names, table) in voted.items():
        write_table(out / f"sub_{trial}.csv", names, table, members.classes)
    print(f"on test photos: of the {len(voted)} that voted in a build; --also passes over the others")


def _on_test_photos(run: Run) -> dict[str, tuple[list[str], np.ndarray]]:
    """{trial: (test images, probabilities [M, C])} of those of this run that voted in one of its ensembles."""
    found = {}
    for folder in run.ensembles():
        if folder.built and folder.summary().get("form"):
            test = folder.test()
            for name, folds in zip(test["members"].tolist(), test["probabilities"], strict=True):
                owner, _, trial = name.rpartition("/")
                if owner in (run.root.name, run.heads.name):
                    found[trial] = test["images"].tolist(), folds.mean(0)
    return found


def write_table(
    file: Path, images: Sequence[str], table: np.ndarray, classes: Sequence[str], fold: np.ndarray | None = None
) -> None:
    """Write image, fold where it is given, and a column a class, from table [N, C]; see `read_outside`.

    A class keeps its name: where one is called image, the images stand under another; where one is fold, folds do not.
    """
    image = next(name for name in ("image", "path", *map("path_{}".format, classes)) if name not in classes)
    frame = pd.DataFrame(table, columns=list(classes))
    if fold is not None and FOLD not in classes:
        frame.insert(0, FOLD, fold)
    frame.insert(0, image, list(images))
    write_atomic(file, lambda path: frame.to_csv(path, index=False))
