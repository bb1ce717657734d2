"""Features first: what heads on frozen networks are worth on real photos, how soon they are there, and what folds hide.

Run:     python -m benchmarks.features --work DIR [--part tables,groups,search,hand,heads] [--check]
Cost:    half an hour of two idle cores, a table at a time; what is there is kept in the result file and not done again
         (`--again` does the named parts anew), so an interrupted command goes on
What:    tables   lite0, lite1, lite2 at 128 and 224 px: decoding, a forward pass, a linear discriminant a fold, the
                  test score of their vote, beside scikit-learn's on the same features; both lite0 and lite2 side by
                  side; the mean of all
         groups   out-of-fold scores with folds by sender and with folds that ignore senders, and the truth of other
                  senders, four times with other senders judged on
         search   `search.run` and `ensembles.build` by the wall clock, until submission.csv lies there
         hand     lite0 at 128 px fine-tuned in five folds by a plain loop, in the time that the mean of all takes
         heads    500 heads x 5 folds x 20,000 rows x 768 features x 18 classes (benchmarks.heads)
Writes:  benchmarks/results/features.json: rows, first_submission_s, oracle_difference_max, heads_500_s, heads_500_gb,
         group_oof, plain_oof, other_groups; benchmarks/results/features.npz: one table in REDUCED dimensions
--check: figures from the cells; scores and scikit-learn's on the reduced table, and 500 heads, anew; two minutes
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.features_data import Pair, Photos, features
from benchmarks.features_hand import by_hand
from benchmarks.features_heads import by_group_and_not, ours, scikit_learns, score
from benchmarks.features_search import first_submission
from benchmarks.heads import ROWS, five_hundred, measured
from benchmarks.measure import commit, machine
from benchmarks.scored import asked, differ, recorder
from trainable.files import read_json, read_npz, write_compressed_npz, write_json

OUT = Path(__file__).parent / "results" / "features.json"
LITE = [f"tf_efficientnet_lite{i}" for i in range(3)]
SIDES, SEEDS, REDUCED = (128, 224), (0, 1, 2, 3), 128
PARTS = ("tables", "groups", "search", "hand", "heads")
Cells = dict[str, dict[str, Any]]


def table_cell(pair: Pair, photos: Photos, work: Path) -> dict[str, Any]:
    """One table from nothing; its vote's probabilities are kept in the work folder, for the mean of all."""
    seconds = photos.decode()
    started = time.perf_counter()
    values, asked = features(pair, photos, anew=True)
    seconds += time.perf_counter() - started
    return {"backbones": pair[0], "size": pair[1], **_vote(values, asked, photos, seconds, work / f"{_name(pair)}.npy")}


def beside_cell(pairs: list[Pair], photos: Photos, work: Path, cells: Cells) -> dict[str, Any]:
    """Two tables as one; what they took to make is what it took before."""
    found = [features(pair, photos) for pair in pairs]
    values, asked = (np.concatenate(side, 1) for side in zip(*found, strict=True))
    made = sum(cells[_name(pair)]["table_seconds"] for pair in pairs)
    names = "+".join(backbone for backbone, _ in pairs)
    return {"backbones": names, "size": pairs[0][1], **_vote(values, asked, photos, made, work / "beside.npy")}


def _vote(values: np.ndarray, asked: np.ndarray, photos: Photos, seconds: float, file: Path) -> dict[str, Any]:
    e = photos.experiment
    given = (values, e.manifest.labels, e.folds.fold.astype(np.int64), asked, len(e.manifest.classes))
    started = time.perf_counter()
    oof, test = ours(*given)
    taken = seconds + time.perf_counter() - started
    np.save(file, test)
    oracle = scikit_learns(*given)
    return {
        "head": "lda, shrinkage .3, vote of 5 folds",
        "seconds": round(taken, 1),
        "table_seconds": round(seconds, 1),
        "score": score(photos.answers, test),
        "scikit_learn": score(photos.answers, oracle),
        "probability_difference": float(np.abs(test - oracle).max()),
        "oof": score(e.manifest.labels, oof),
    }


def mean_cell(cells: Cells, photos: Photos, work: Path) -> dict[str, Any]:
    """The mean of all heads; each table is made once."""
    parts = [np.load(work / f"{name}.npy") for name in cells]
    tables = sum(cell["table_seconds"] for name, cell in cells.items() if name != "beside")
    heads = sum(cell["seconds"] - cell["table_seconds"] for cell in cells.values())
    found = score(photos.answers, np.mean(parts, 0))
    head = f"mean of {len(parts)} such heads"
    return {"backbones": "all", "size": "all", "head": head, "seconds": round(tables + heads, 1), "score": found}


def run_tables(work: Path, cells: Cells, sides: tuple[int, ...], keep: Any) -> None:
    for pair in [(backbone, side) for side in sides for backbone in LITE]:
        if _name(pair) not in cells:
            cells[_name(pair)] = table_cell(pair, Photos(pair[1]), work)
            keep()
            print(_name(pair), cells[_name(pair)], flush=True)
    photos = Photos(sides[-1])
    if "beside" not in cells:
        cells["beside"] = beside_cell([(LITE[0], sides[-1]), (LITE[2], sides[-1])], photos, work, cells)
    heads = {name: cell for name, cell in cells.items() if name != "mean"}
    cells["mean"] = mean_cell(heads, photos, work)
    keep()


def everybody(side: int) -> dict[str, np.ndarray]:
    """Features of lite0 of all photos with a known class, in training and test table; labels, senders, folds."""
    import pandas as pd

    from benchmarks.measure import CLOTHING

    photos = Photos(side)
    e, (values, asked) = photos.experiment, features((LITE[0], side), photos)
    known = photos.answers >= 0
    senders = pd.read_csv(CLOTHING / "test.csv", dtype=str, index_col="image")["sender_id"]
    order = pd.read_csv(CLOTHING / "sample_submission.csv")["image"]
    return {
        "values": np.concatenate([values, asked[known]]),
        "labels": np.concatenate([e.manifest.labels, photos.answers[known]]),
        "groups": np.concatenate([e.manifest.frame["group"].to_numpy(str), senders.loc[order].to_numpy(str)[known]]),
        "fold": np.concatenate([e.folds.fold.astype(np.int64), np.full(known.sum(), -1)]),
    }


def reduced(held: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same in the REDUCED directions of largest variance, float16; senders numbered, not named."""
    values = held["values"].astype(np.float64)
    centred = values - values.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    groups = np.unique(held["groups"], return_inverse=True)[1].astype(str)
    return {**held, "values": (centred @ directions[:REDUCED].T).astype(np.float16), "groups": groups}


def run_groups(cells: Cells, side: int, file: Path, keep: Any) -> None:
    held = everybody(side)
    small, classes = reduced(held), int(held["labels"].max()) + 1

    write_compressed_npz(file, **small)
    for seed in SEEDS:
        arrays = [held[name] for name in ("values", "labels", "groups")]
        cells[str(seed)] = {"table": "whole", **by_group_and_not(*arrays, classes, seed)}
    cells["reduced"] = reduced_cell(small)
    keep()


def reduced_cell(small: dict[str, np.ndarray]) -> dict[str, Any]:
    """What can be computed again from what is kept in the repository."""
    values, labels, groups, fold = (small[name] for name in ("values", "labels", "groups", "fold"))
    classes, known = int(labels.max()) + 1, fold >= 0
    given = (values[known], labels[known], fold[known], values[~known], classes)
    found = {"table": f"{REDUCED} directions", "score": score(labels[~known], ours(*given)[1])}
    found["scikit_learn"] = score(labels[~known], scikit_learns(*given))
    return found | by_group_and_not(values, labels, groups, classes, SEEDS[0])


def figures(cells: dict[str, Cells]) -> dict[str, Any]:
    """The headline figures, of whatever parts are there."""
    tables, groups = cells.get("tables", {}), cells.get("groups", {})
    rows = [*tables.values(), *cells.get("hand", {}).values()]
    found: dict[str, Any] = {"rows": rows}
    compared = [cell for cell in tables.values() if "scikit_learn" in cell]
    if compared:
        found["oracle_difference_max"] = max(abs(cell["score"] - cell["scikit_learn"]) for cell in compared)
    for name in ("group_oof", "plain_oof", "other_groups") if groups else ():
        found[name] = float(np.mean([groups[str(seed)][name] for seed in SEEDS]))
    for part in ("search", "heads"):
        found |= cells.get(part, {}).get(part, {})
    return found


def check(out: Path) -> int:
    """Figures from the cells; the reduced table's cell and 500 heads anew."""
    held = read_json(out)
    wrong = differ(figures(held["cells"]), held)
    if "groups" in held["cells"]:
        then = held["cells"]["groups"]["reduced"]
        now = json.loads(json.dumps(reduced_cell(read_npz(out.with_suffix(".npz")))))
        for name, value in now.items():
            print(f"{REDUCED} directions, {name}: recorded {then[name]}, now {value}")
            near = value == then[name] if isinstance(value, str) else abs(value - then[name]) < 0.002
            wrong += [] if near else [name]
    if "heads" in held["cells"]:
        now = measured(five_hundred, ROWS)
        for name, value in now.items():
            print(f"{name}: recorded {held[name]}, now {value} (allowed: 1.5 times the record)")
            wrong += [name] if value > 1.5 * held[name] else []
    print("tables, search, hand: recorded, not recomputed")
    print(f"differ: {', '.join(wrong)}" if wrong else "as recorded")
    return 1 if wrong else 0


def record(parts: list[str], work: Path, out: Path, sides: tuple[int, ...], again: bool) -> None:
    cells: dict[str, Cells] = read_json(out)["cells"] if out.exists() else {}
    if again:
        cells = {part: held for part, held in cells.items() if part not in parts}

    def keep() -> None:
        kept = {part: held for part, held in cells.items() if held}
        head = {"commit": commit(), "machine": machine(), "seeds": list(SEEDS)}
        write_json(out, {**head, **figures(kept), "cells": kept})

    for part in parts:
        found = cells.setdefault(part, {})
        if part == "tables":
            run_tables(work, found, sides, keep)
        elif part == "groups" and not found:
            run_groups(found, sides[-1], out.with_suffix(".npz"), keep)
        elif part == "search" and not found:
            found["search"] = first_submission(work / "search", sides[-1], Photos(sides[-1]))
        elif part == "hand" and not found:
            seconds = cells["tables"]["mean"]["seconds"]
            row = {"backbones": LITE[0], "size": sides[0], "head": "fine-tuned by hand, vote of 5 folds"}
            found["hand"] = {**row, **by_hand(Photos(sides[0]), LITE[0], seconds)}
        elif part == "heads" and not found:
            found["heads"] = measured(five_hundred, ROWS)
        keep()


def _name(pair: Pair) -> str:
    return f"{pair[0]} {pair[1]}"


def main() -> int:
    parser = recorder("features", __doc__, OUT, "folder for the cache, votes and the search's run")
    parser.add_argument("--part", default=",".join(PARTS))
    parser.add_argument("--sides", default=",".join(map(str, SIDES)), help="pixels; a rehearsal takes 64,64 or so")
    parser.add_argument("--again", action="store_true", help="do the named parts anew")
    given = asked(parser)
    if given.check:
        return check(given.out)
    work = given.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    os.environ["FOLDVOTE_CACHE"] = str(work / "cache")
    sides = tuple(int(side) for side in given.sides.split(","))
    record(given.part.split(","), work, given.out, sides, given.again)
    print(json.dumps({name: value for name, value in read_json(given.out).items() if name != "cells"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
