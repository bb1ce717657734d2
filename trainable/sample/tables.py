"""The tables of a generated data set: what a reader is given, and the truth apart from it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from trainable.sample.people import FILES, GENDERS, Person, true_label

README = """\
A generated data set: every person and every photo in here is drawn by a program. No real person is shown.

Made by `python -m trainable.sample OUT --people {people} --eval-people {eval_people} --seed {seed}`.

train/train.csv         id,gender,race,age,path   {people} people, with the label errors that real labels have
train/images/<path>/    mask1..mask5, incorrect_mask, normal: 7 photos a person, .jpg, .png or .jpeg
train/truth.csv         path,gender,age,swapped   the truth behind train.csv; swapped is 1 where the files
                        incorrect_mask and normal are exchanged. For scoring the search for label errors only:
                        nothing that trains may read it.
eval/info.csv           ImageID,ans               {eval_images} photos of {eval_people} other people;
                        ans is a placeholder
eval/images/            the photos, flat, in no order
eval/answers.csv        ImageID,ans               the true classes, in the order of info.csv. For scoring only.

Class: mask*6 + gender*3 + age; mask 0 worn, 1 incorrect, 2 not worn; gender 0 male, 1 female;
age 0 below 30, 1 from 30 to 59, 2 from 60. Files whose names start with `._` are junk on purpose, as in archives
made on macOS: skip them.
"""


def write_train_tables(root: Path, people: Sequence[Person]) -> None:
    """`train/train.csv` with the given labels and `train/truth.csv` with the true ones, rows alike."""
    given = ((p.id, GENDERS[p.given_gender], "Asian", p.given_age, p.path) for p in people)
    _write_csv(root / "train" / "train.csv", ("id", "gender", "race", "age", "path"), given)
    truth = ((p.path, GENDERS[p.gender], p.age, int(p.swapped)) for p in people)
    _write_csv(root / "train" / "truth.csv", ("path", "gender", "age", "swapped"), truth)


def write_eval_tables(root: Path, people: Sequence[Person], names: Sequence[str], *, order: np.ndarray) -> None:
    """`eval/info.csv` and `eval/answers.csv`; `names[7*k + j]` is photo j of person k, `order` int64 [7 * people]."""
    answers = [true_label(person, file) for person in people for file in FILES]
    _write_csv(root / "eval" / "info.csv", ("ImageID", "ans"), ((names[i], 0) for i in order))
    _write_csv(root / "eval" / "answers.csv", ("ImageID", "ans"), ((names[i], answers[i]) for i in order))


def write_readme(root: Path, *, people: int, eval_people: int, seed: int) -> None:
    """`README.txt`: what lies here and that it is generated."""
    text = README.format(people=people, eval_people=eval_people, seed=seed, eval_images=7 * eval_people)
    (root / "README.txt").write_text(text, encoding="utf-8")


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
