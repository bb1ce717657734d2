"""A bank of real ensemble problems: out-of-fold and test predictions of trained networks, with true test labels.

Run:     python -m benchmarks.bank [--only NAME ...]
Cost:    about a minute of one core a data set; those that are there are not made again, so an interrupted run goes on.
         Clothing is read from ../shared/data/clothing, or $FOLDVOTE_CLOTHING
What:    a data set of benchmarks.bank_sets is searched at random: 24 trials are drawn, fold 0 of each is trained, and
         the 16 that are best there train their other folds. Then the free members: heads in closed form on features of
         a frozen tf_efficientnet_lite0. On clothing trials are networks on such features, elsewhere on pixels
Writes:  benchmarks/results/bank/<name>.npz: valid float16 [T, N, C] and test float16 [T, M, C] (mean of the fold
         networks), first `trials` trials in the order they were drawn, then the free members; by_fold float16
         [4, K, M, C] of the four best trials' fold networks; place int64[trials], of each among the 24; race
         float32[24], what fold 0 scored; label, fold, group [N]; truth int64[M]
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import bank_networks as networks
from benchmarks.bank_heads import features_of, free_members
from benchmarks.bank_photos import FOLDS, Photos, photos_of
from benchmarks.bank_sets import DATA_SETS, DataSet
from trainable.files import write_compressed_npz
from trainable.metrics import macro_f1

BANK = Path(__file__).parent / "results" / "bank"
DRAWN, KEPT, BY_FOLD = 24, 16, 4


def search(config_seed: int, inputs: torch.Tensor, photos: Photos, features: bool) -> dict[str, Any]:
    """The trials: drawn, raced on fold 0, the best ones trained in all folds."""
    random = np.random.default_rng(config_seed)
    configs = [networks.draw(random, features) for _ in range(DRAWN)]
    rows, classes = len(photos.label), photos.classes
    labels = torch.from_numpy(photos.label)
    said = np.zeros((DRAWN, FOLDS, len(inputs), classes), np.float16)

    def fold(t: int, k: int) -> None:
        train = torch.from_numpy(np.flatnonzero(photos.fold != k))
        model = networks.train(configs[t], inputs[train], labels[train], classes)
        said[t, k] = networks.predict(model, inputs)

    race = np.zeros(DRAWN, np.float32)
    first = np.flatnonzero(photos.fold == 0)
    for t in range(DRAWN):
        fold(t, 0)
        race[t] = macro_f1(photos.label[first], said[t, 0, first].argmax(1), classes)
    kept = np.sort(np.argsort(-race, kind="stable")[:KEPT])
    for t in kept:
        for k in range(1, FOLDS):
            fold(t, k)
    valid = said[kept][:, photos.fold, np.arange(rows)]
    best = np.argsort(-race[kept], kind="stable")[:BY_FOLD]
    return {
        "valid": valid,
        "test": said[kept, :, rows:].astype(np.float32).mean(1),
        "by_fold": said[kept[best], :, rows:],
        "best": best,
        "place": kept,
        "race": race,
        "configs": np.array([json.dumps(c) for c in configs]),
    }


def make(data: DataSet, known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The table of a data set that is trained. known: features of named photos, which is added to."""
    photos = photos_of(data)
    lacking = [i for i, name in enumerate(photos.names) if name not in known]
    if lacking:
        for i, value in zip(lacking, features_of(photos.large[lacking]), strict=True):
            known[photos.names[i]] = value
    values = np.stack([known[name] for name in photos.names]) if photos.names else features_of(photos.large)
    on_features = data.kind == "clothing"
    if on_features:
        inputs = torch.from_numpy(values.astype(np.float32))
    else:
        pixels = torch.from_numpy(photos.small(data.side)).permute(0, 3, 1, 2).float()
        inputs = (pixels - pixels.mean()) / pixels.std()
    found = search(data.seed, inputs, photos, on_features)
    names, free = free_members(values, photos.label, photos.fold, photos.group, photos.classes, photos.attributes)
    rows = len(photos.label)
    valid, test = np.concatenate([found["valid"], free[:, :rows]]), np.concatenate([found["test"], free[:, rows:]])
    facts = {"label": photos.label, "fold": photos.fold.astype(np.int8), "group": photos.group, "truth": photos.truth}
    return {
        **found,
        "valid": valid.astype(np.float16),
        "test": test.astype(np.float16),
        "free": np.array(names),
        "trials": np.array(KEPT),
        **facts,
    }


def write(name: str, table: dict[str, np.ndarray]) -> None:
    BANK.mkdir(parents=True, exist_ok=True)
    write_compressed_npz(BANK / f"{name}.npz", **table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bank", description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="data sets to make, by the name of their table")
    given = parser.parse_args()
    torch.set_num_threads(1)
    known: dict[str, np.ndarray] = {}
    for data in DATA_SETS:
        if data.of or (BANK / f"{data.name}.npz").exists() or (given.only and data.name not in given.only):
            continue
        start = time.perf_counter()
        write(data.name, make(data, known))
        print(f"{data.name}: {time.perf_counter() - start:.0f} s", flush=True)  # no score: see benchmarks.bank_sets


if __name__ == "__main__":
    main()
