"""What a round of pseudo labels adds: soft ones from the method's own vote, against hard ones that are sure enough.

Run:     python -m benchmarks.rounds [--work DIR] [--check]
Cost:    about two minutes of one core a source for its features (kept in DIR), half a minute for all else; sources
         that are in the result are not made again. Reads ../shared/data/clothing, or $FOLDVOTE_CLOTHING
What:    three parts of the clothing photos that share no sender (benchmarks.bank_sets), their ten largest kinds. Heads
         in closed form on features of a frozen tf_efficientnet_lite0, in 4 folds; a log-linear pool votes. In each
         further round, fold k's heads also learn from what the pool of fold k's own heads said of the test photos:
         `soft`, as it is, of all photos or of those whose surest class has .5 or .9; `hard`, that class alone, of those
         of .9. True test macro-F1 minus that of round 0
Writes:  benchmarks/results/rounds.json
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from benchmarks.bank_heads import features_of
from benchmarks.bank_photos import FOLDS, Photos, photos_of
from benchmarks.bank_sets import DataSet
from benchmarks.measure import commit, machine
from ensembles.methods import fit
from trainable.features.calibrate import best_scale
from trainable.features.closed import CLOSED, Linear
from trainable.features.moments import Statistics
from trainable.files import read_json, write_json
from trainable.metrics import macro_f1

OUT = Path(__file__).parent / "results" / "rounds.json"
SOURCES = ("clothing A", "clothing B", "clothing C")
KINDS, HEADS, SHRINKAGE = "10", ("lda", "ridge"), 0.3
ROUNDS = 2
MODES = {"soft": (True, 0.0), "soft .5": (True, 0.5), "soft .9": (True, 0.9), "hard .9": (False, 0.9)}


def statistics(values: np.ndarray, share: np.ndarray) -> Statistics:
    """Of rows [n, D], each belonging to classes by its shares [n, C]; rows whose shares are 0 count for nothing."""
    whole = share.sum(1)
    return Statistics(share.sum(0), share.T @ values, (values * whole[:, None]).T @ values, values.shape[1])


def head(name: str, parts: list[Statistics]) -> Linear:
    sums = (sum(getattr(p, field) for p in parts) for field in ("counts", "sums", "gram"))
    total = Statistics(*sums, parts[0].width)
    return CLOSED[name](total, SHRINKAGE)


def fitted(photos: Photos, values: np.ndarray, taught: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(out of fold [H, N, C], of each fold's heads on the test rows [H, K, M, C]) of heads on values [N + M, D].

    taught: shares [K, M, C] that fold k's heads learn from too. A head's scale is chosen by holding back each other
    fold; in later rounds what is taught knows that fold, so that the scale (not fold k's rows) is optimistic.
    """
    rows, classes = len(photos.label), photos.classes
    own = np.eye(classes)[photos.label]
    parts = [statistics(values[:rows][photos.fold == k], own[photos.fold == k]) for k in range(FOLDS)]
    known = np.zeros((len(HEADS), rows, classes))
    test = np.zeros((len(HEADS), FOLDS, len(values) - rows, classes))
    for k in range(FOLDS):
        more = [] if taught is None else [statistics(values[rows:], taught[k])]
        others = [j for j in range(FOLDS) if j != k]
        for h, name in enumerate(HEADS):
            held = []
            for j in others:
                inner = head(name, [parts[i] for i in others if i != j] + more)
                held.append((inner.logits(values[:rows][photos.fold == j]), photos.label[photos.fold == j]))
            whole = head(name, [parts[i] for i in others] + more).times(best_scale(held))
            known[h, photos.fold == k] = softmax(whole.logits(values[:rows][photos.fold == k]), axis=1)
            test[h, k] = softmax(whole.logits(values[rows:]), axis=1)
    return known, test


def cells_of(source: str, photos: Photos, values: np.ndarray) -> list[dict[str, Any]]:
    """A cell a mode and round; round 0, without pseudo labels, is the same in both."""
    found = []
    for mode, (soft, threshold) in MODES.items():
        taught = None
        for number in range(ROUNDS + 1):
            known, test = fitted(photos, values, taught)
            pool = fit("log_pool", known, photos.label, groups=photos.group)
            vote = pool.apply(test.mean(1))
            scores = [
                macro_f1(truth, told.argmax(1), photos.classes)
                for truth, told in ((photos.truth, vote), (photos.label, pool.apply(known)))
            ]
            found.append({"source": source, "mode": mode, "round": number, "test": scores[0], "oof": scores[1]})
            by_fold = np.stack(
                [pool.apply(test[:, k]) for k in range(FOLDS)]
            )  # fold k is taught by its own heads alone
            told = by_fold if soft else np.eye(photos.classes)[by_fold.argmax(2)]
            taught = told * (by_fold.max(2, keepdims=True) >= threshold)
    return found


def figures(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """{mode: {round: {gain, standard_error}}} of the true score over round 0, errors over sources."""
    score = {(c["source"], c["mode"], c["round"]): c["test"] for c in cells}
    names = sorted({c["source"] for c in cells})
    found: dict[str, Any] = {mode: {} for mode in MODES}
    for mode in MODES:
        for number in range(1, ROUNDS + 1):
            gains = [score[name, mode, number] - score[name, mode, 0] for name in names]
            error = float(np.std(gains, ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else None
            found[mode][str(number)] = {"gain": float(np.mean(gains)), "standard_error": error}
    return {"adds": found, "sources": len(names)}


def features(photos: Photos, file: Path) -> np.ndarray:
    """float64 [N + M, D], from `file` where they were computed before."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.concatenate([features_of(some) for some in np.array_split(photos.large, 8)]))
    return np.load(file, allow_pickle=False).astype(np.float64)


def record(work: Path, out: Path) -> None:
    cells = read_json(out)["cells"] if out.exists() else []
    for source in SOURCES:
        if any(cell["source"] == source for cell in cells):
            continue
        photos = photos_of(DataSet("clothing", source, KINDS))
        with threadpool_limits(1):
            cells += cells_of(source, photos, features(photos, work / f"{source.replace(' ', '_')}.npy"))
        facts = {"commit": commit(), "machine": machine(), "seeds": list(SOURCES)}
        write_json(out, {**facts, **figures(cells), "cells": cells})
        print(f"{source}: done", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounds", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/rounds"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true", help="the figures from the cells anew")
    given = parser.parse_args()
    if not given.check:
        record(given.work, given.out)
    held = read_json(given.out)
    again = figures(held["cells"])
    for mode, by_round in again["adds"].items():
        for number, value in by_round.items():
            error = "" if value["standard_error"] is None else f" ± {value['standard_error']:.4f}"
            print(f"{mode}, round {number}: {value['gain']:+.4f}{error}")
    same = all(json.dumps(held[name]) == json.dumps(value) for name, value in again.items())
    print(f"figures from {len(held['cells'])} cells: {'as recorded' if same else 'DIFFER'}; "
          "heads and features: recorded, not recomputed")  # fmt: skip
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
