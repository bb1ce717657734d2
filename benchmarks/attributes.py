"""What heads of their own give a label that is a product of columns: by how much they beat the joint head.

Run:     python -m benchmarks.attributes --work DIR
         python -m benchmarks.attributes --check
Cost:    five CPU minutes on one thread, without Ray; finished seeds are kept beside the result, so that an interrupted
         run goes on when the command is given again
What:    a seed is a table of generated people (image, person, gender, age) whose label is gender x age band, by the
         flags `--label gender,age --cut age=30,60 --group person` alone. benchmarks/attributes_space.py trains the same
         network with the joint head, with a head for each column, and with an ordinal head for the age; the fold models
         then tell photos of fresh people, most of them of the frequent classes, as in training
Writes:  benchmarks/results/attributes.json: a cell a seed and head (macro-F1 out of fold and on fresh people), and from
         them the gains over the joint head, with standard errors over seeds. attributes.npz: what was told of every
         fresh photo
--check: the figures from the cells, and the test scores of all cells from attributes.npz; exit 1 where they differ
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import f1_score

from benchmarks.attributes_space import HEADS
from benchmarks.measure import commit, machine
from benchmarks.scored import asked, gain, recorder
from ensembles.build import main as build
from search.run import main as search
from trainable.files import read_json, read_npz, write_json, write_npz
from trainable.run import Run
from trainable.sample.album import draw_album
from trainable.sample.people import EVAL, GENDERS, TRAIN, age_band, draw_people
from trainable.threads import use_threads

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "results" / "attributes.json"
PEOPLE, FRESH, SEEDS = 120, 150, 5
PHOTOS = slice(0, 7, 3)  # of the seven of a person: two masks and the face alone
SIDES = (48, 64)  # width, height
FLAGS = ("--label", "gender,age", "--cut", "age=30,60", "--group", "person")
JOINT, *OTHERS = HEADS
ANSWERS = "answers.csv"


def draw(root: Path, seed: int) -> None:
    """train.csv, test.csv and their photos; the truth of the test photos in answers.csv, which no layout reads."""
    for name, split, people in (("train", TRAIN, PEOPLE), ("test", EVAL, FRESH)):
        (root / name).mkdir(parents=True)
        random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(7, split))))
        rows = []
        for person in draw_people(people, split=split, rng=random):
            for k, (_, _, photo, _) in list(enumerate(draw_album(person, seed)))[PHOTOS]:
                image = f"{name}/{person.index:03}_{k}.png"
                cv2.imwrite(str(root / image), cv2.resize(photo, SIDES, interpolation=cv2.INTER_AREA))
                rows.append((image, f"{name}{person.index}", GENDERS[person.gender], str(person.age)))
        header = ("image", "person", "gender", "age")
        _write(root / f"{name}.csv", [header, *rows] if name == "train" else [r[:1] for r in [header, *rows]])
        if name == "test":
            _write(root / ANSWERS, [header, *rows])


def _write(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")


def one_seed(seed: int, work: Path) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """The cells of a seed, and int8 arrays of what each head told of the fresh photos and of what they show."""
    data = work / f"data_{seed}"
    shutil.rmtree(data, ignore_errors=True)
    draw(data, seed)
    run = Run(work / f"run_{seed}")
    space = str(ROOT / "benchmarks" / "attributes_space.py")
    given = [space, "--data", str(data), "--out", str(work), "--name", run.name, "--executor", "inline", *FLAGS]
    assert search([*given, *(["--resume"] if run.begun else [])]) == 0
    assert build([str(run.root), "--name", "all", "--method", "mean_top5"]) == 0
    test = run.ensemble("all").test()
    truth = _truth(data / ANSWERS, test["images"].tolist())
    told, cells = {f"truth_{seed}": truth}, []
    for place, member in enumerate(test["members"].tolist()):
        trial = next(t for t in run.trials() if t.id == member.rpartition("/")[2])
        head = next(name for name, lines in HEADS.items() if _is(lines.get("head", {}), trial.config.to_dict()))
        guess = test["probabilities"][place].mean(0).argmax(1).astype(np.int8)
        told[f"{head}_{seed}"] = guess
        scores = {"oof": trial.result.oof_score, "test": score(truth, guess), "accuracies": trial.result.accuracies}
        cells.append({"table": f"people {seed}", "seed": seed, "head": head, **scores})
    shutil.rmtree(data)
    return cells, told


def _is(lines: dict[str, Any], config: dict[str, Any]) -> bool:
    head = config["head"]
    return head["name"] == lines.get("name", "joint") and list(head["ordinal"]) == lines.get("ordinal", [])


def _truth(answers: Path, images: list[str]) -> np.ndarray:
    """int8[M]: gender x 3 + age band, the order of the classes of the label."""
    rows = [line.split(",") for line in answers.read_text(encoding="utf-8").splitlines()[1:]]
    order = sorted(GENDERS)  # values of a column are in the order of their names
    label = {image: 3 * order.index(gender) + age_band(int(age)) for image, _, gender, age in rows}
    return np.array([label[image] for image in images], np.int8)


def score(truth: np.ndarray, told: np.ndarray) -> float:
    """Macro-F1 by scikit-learn."""
    return float(f1_score(truth, told, labels=range(6), average="macro", zero_division=0))


def figures(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Means by head, and the gains over the joint head with standard errors over seeds."""
    found: dict[str, Any] = {}
    seeds = sorted({cell["seed"] for cell in cells})
    for what in ("test", "oof"):
        table = {(c["head"], c["seed"]): c[what] for c in cells}
        for head in HEADS:
            found[f"{what}, {head}"] = float(np.mean([table[head, s] for s in seeds]))
        for head in OTHERS:
            ahead = gain(np.array([table[head, s] - table[JOINT, s] for s in seeds]))
            error = ahead["standard_error"]
            found[f"{what} gain, {head}"] = {"gain": ahead["mean"], "standard_error": error, "seeds": len(seeds)}
    return found


def check(out: Path) -> int:
    """Exit code: 1 where the figures do not follow from the cells, or a cell's test score from what was told."""
    held, told = read_json(out), read_npz(out.with_suffix(".npz"))
    differ = [name for name, value in figures(held["cells"]).items() if held["figures"][name] != value]
    for cell in held["cells"]:
        again = score(told[f"truth_{cell['seed']}"], told[f"{cell['head']}_{cell['seed']}"])
        print(f"{cell['table']}, {cell['head']}: recorded {cell['test']:.4f}, now {again:.4f}")
        differ += [f"{cell['table']}, {cell['head']}"] if abs(again - cell["test"]) > 1e-9 else []
    print("training and scores out of fold: recorded, not recomputed")
    show(held)
    print(f"DIFFER: {', '.join(differ)}" if differ else f"{len(held['cells'])} cells and their figures as recorded")
    return 1 if differ else 0


def show(held: dict[str, Any]) -> None:
    for name, value in held["figures"].items():
        shown = (
            f"{value:.4f}" if isinstance(value, float) else f"{value['gain']:+.4f} ± {value['standard_error'] or 0:.4f}"
        )
        print(f"{name}: {shown}")


def main() -> int:
    given = asked(recorder("attributes", __doc__, OUT, "folder for data and runs"))
    if given.check:
        return check(given.out)
    use_threads(1)
    cells = read_json(given.out)["cells"] if given.out.exists() else []
    told = read_npz(given.out.with_suffix(".npz")) if given.out.exists() else {}
    for seed in range(SEEDS):
        if seed in {cell["seed"] for cell in cells}:
            continue
        new, of_photos = one_seed(seed, given.work)
        cells, told = [*cells, *new], told | of_photos
        seeds = sorted({cell["seed"] for cell in cells})
        write_npz(given.out.with_suffix(".npz"), **told)
        held = {"commit": commit(), "machine": machine(), "seeds": seeds, "figures": figures(cells), "cells": cells}
        write_json(given.out, held)
    show(read_json(given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
