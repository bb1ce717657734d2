"""What benchmarks.features looks at: photos of clothes, the true classes of other people's, features of a network."""

import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import CLOTHING
from benchmarks.record_tables import SENDERS, TABLES
from trainable.config import TrialConfig
from trainable.data.layouts import read_test
from trainable.features.compute import feature_blocks
from trainable.features.source import Source
from trainable.images.store import ImageStore, open_store
from trainable.models.weights import resolve_weights
from trainable.run import Experiment, prepare

FOLDS, SHRINKAGE = 5, 0.3
CPU = torch.device("cpu")
Pair = tuple[str, int]  # a backbone, and the side at which it sees the photos


@dataclass(frozen=True)
class Photos:
    """The photos at one size; `answers` int64[M]: true classes of the test photos, -1 where that is none of ours."""

    side: int

    @cached_property
    def experiment(self) -> Experiment:
        return prepare(CLOTHING, folds=FOLDS, seed=0, store_size=(self.side, self.side), flags=SENDERS)

    @cached_property
    def test(self) -> ImageStore:
        photos = read_test(CLOTHING, self.experiment.manifest.classes, SENDERS)
        assert photos is not None
        return open_store(photos.root, photos.images, (self.side, self.side))

    @cached_property
    def answers(self) -> np.ndarray:
        known = {name: number for number, name in enumerate(self.experiment.manifest.classes)}
        _, truth = TABLES["clothing"].data(Path())
        return np.array([known.get(name, -1) for name in truth.tolist()])

    def decode(self) -> float:
        """Seconds until both stores are there."""
        started = time.perf_counter()
        _ = self.experiment.store, self.test
        return time.perf_counter() - started


def source(pair: Pair, store: ImageStore) -> Source:
    """A frozen network's look at these photos."""
    backbone, side = pair
    seen = TrialConfig.from_dict(
        {
            "model": {"backbone": backbone, "freeze": "body"},
            "head": {"name": "lda"},
            "input": {"store": (side, side), "size": (side, side), "normalise": "backbone"},
            "augment": {"policy": "none"},
        }
    )
    weights = Path(resolve_weights([backbone], None)[backbone])
    return Source(store, seen, backbone, (side, side), weights, CPU)


def features(pair: Pair, photos: Photos, *, anew: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """float16 [N, D] of the rows of the manifest, [M, D] of the test photos; anew: though the cache has them."""
    found = []
    for store in (photos.experiment.store, photos.test):
        table = source(pair, store)
        if anew:
            shutil.rmtree(table.folder, ignore_errors=True)
        found.append(np.asarray(feature_blocks(table, ["plain"])["plain"]))
    return found[0][photos.experiment.place], found[1]
