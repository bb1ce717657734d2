"""An experiment: the data, folds and decoded images that all trials of a run share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from trainable.data.flags import Flags
from trainable.data.fold_warnings import fold_warnings
from trainable.data.folds import Folds, make_folds
from trainable.data.layouts import NO_FLAGS, plan_lines, read_manifest
from trainable.data.manifest import Manifest
from trainable.errors import InputError
from trainable.images.store import ImageStore, open_store
from trainable.words import few


@dataclass(frozen=True)
class Experiment:
    """What training needs beside a configuration. Made by `prepare`; `Run.experiment` reads it back.

    store_size: (height, width) of the decoded photos in pixels. weights: {backbone: safetensors file of its pretrained
    weights}. skipped: unreadable images that were left out on request. pseudo: where the manifest's pseudo labels
    come from. content: what the photos hold, "" where nobody has looked yet.
    """

    manifest: Manifest
    folds: Folds
    store_size: tuple[int, int]
    seed: int
    weights: dict[str, str]
    skipped: tuple[str, ...] = ()
    pseudo: dict[str, Any] | None = None
    content: str = ""

    @cached_property
    def store(self) -> ImageStore:
        names = stored_names(self.manifest, self.skipped)
        return open_store(self.manifest.root, names, self.store_size, content=self.content)

    @cached_property
    def place(self) -> np.ndarray:
        """int64[N]: the row of the store for each row of the manifest."""
        return self.store.rows(self.manifest.frame["image"])

    @cached_property
    def folds_fingerprint(self) -> str:
        return self.folds.fingerprint()


def stored_names(manifest: Manifest, skipped: Sequence[str] = ()) -> list[str]:
    """The photos that an experiment's store holds: one store, in one order, whatever is left out of the manifest."""
    return sorted([*manifest.frame["image"], *skipped])


def prepare(
    data: Path,
    *,
    folds: int,
    seed: int,
    store_size: tuple[int, int],
    skip_bad_images: bool = False,
    weights: dict[str, str] | None = None,
    flags: Flags = NO_FLAGS,
    say: Callable[[str], None] = print,
) -> Experiment:
    """Read and check the data, decode it, make the folds; nothing is written but the node's image store.

    folds: how many, unless the data give them. flags: what a user says of columns.
    Raises InputError when the data cannot be used.
    """
    manifest = read_manifest(data, flags)
    manifest = manifest.saying(*plan_lines(manifest))
    store = open_store(manifest.root, stored_names(manifest), store_size)
    if store.bad and not skip_bad_images:
        raise InputError(
            f"unreadable or truncated images below {manifest.root}: received {len(store.bad)}: "
            f"{', '.join(store.named_bad())}; allowed: mend them, or --skip-bad-images to train without them"
        )
    if store.bad:
        say(f"warning: training without {len(store.bad)} unreadable images: {few(store.named_bad())}")
        known = manifest.classes
        manifest = manifest.drop(list(store.bad))
        if gone := [name for name in known if name not in manifest.classes]:
            say(f"warning: without a readable photo, and no longer a class: {few(gone)}")
    made = make_folds(manifest, folds, seed, say)
    for line in fold_warnings(manifest, made):
        say(line)
    return Experiment(manifest, made, store_size, seed, weights or {}, store.bad, content=store.content)
