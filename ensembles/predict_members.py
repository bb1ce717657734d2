"""Test predictions of members: all fold models of one over one pass of the test images, one member after another."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from ensembles.members import Member
from trainable.config import TrialConfig
from trainable.data.manifest import TestSet
from trainable.errors import InputError
from trainable.files import digest, read_json, read_npz, write_npz
from trainable.images.faces import look, what_is_seen
from trainable.images.loader import Batches, Loader
from trainable.images.store import ImageStore, open_store
from trainable.models.predict import BATCH, load_model, predict_together, use_bf16
from trainable.run.paths import FoldPaths

Stream = Iterable[tuple[np.ndarray, Tensor]]


def predict_test(members: Sequence[Member], test: TestSet, classes: int, parts: Path) -> np.ndarray:
    """Probabilities float32 [members, K, M, C], K being the fold models, or the one network of all rows.

    Each finished member is kept in `parts`, so that an interrupted build goes on where it was. A part says what it
    was made from: of other photos or other weights it is made anew.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    configs = [TrialConfig.from_dict(read_json(member.trial.config)) for member in members]
    stores = {size: _open(test, size) for size in dict.fromkeys(config.input.store for config in configs)}
    for size, store in stores.items():
        look([config for config in configs if config.input.store == size], store)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = []
    with Progress(*columns) as bar:
        whole = bar.add_task(f"predict {len(test.images)} test images, members", total=len(members))
        inside = bar.add_task("")
        for member, config in zip(members, configs, strict=True):
            store, folds = stores[config.input.store], member.networks()
            file = parts / f"{member.run.root.name}-{member.trial.root.name}.npz"
            made_from = _source(store, folds)
            if not file.exists() or str(read_npz(file)["made_from"]) != made_from:
                bar.reset(inside, description=f"{member.name}, images", total=len(test.images) * len(folds))
                found = predict_member(config, folds, store, classes, device, bar, inside)
                write_npz(file, probabilities=found, made_from=np.array(made_from))
            done.append(read_npz(file)["probabilities"])
            bar.advance(whole)
    return np.stack(done)


def predict_member(
    config: TrialConfig,
    folds: Sequence[FoldPaths],
    store: ImageStore,
    classes: int,
    device: torch.device,
    bar: Progress,
    task: TaskID,
) -> np.ndarray:
    """float32 [K, M, C]: the probabilities of each fold model, inputs as in validation."""
    rows = np.arange(len(store.names))
    batches = Batches(
        pixels_file=store.pixels_file,
        place=rows,
        crop=config.input.crop,
        size=config.input.size,
        policy="none",
        seed=config.seed,
        **what_is_seen(config, store),
    )
    loader = Loader(batches, pin=device.type == "cuda")
    found = []
    for together in _resident([_check(fold) for fold in folds], device):
        models = [load_model(config, classes, fold.weights, device) for fold in together]
        statistics = torch.tensor([read_json(fold.result)["statistics"] for fold in together], device=device)
        stream = _watched(loader.predict(rows, BATCH), bar, task, len(together))
        found.append(predict_together(models, stream, statistics, bf16=use_bf16(config.precision, device)))
    return np.concatenate(found)


def _resident(folds: Sequence[FoldPaths], device: torch.device) -> Iterator[Sequence[FoldPaths]]:
    """Fold models that are held at once: their weights take at most half of the free memory."""
    free = (
        torch.cuda.mem_get_info(device)[0]
        if device.type == "cuda"
        else os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    )
    count = max(1, int(free / 2 / max(fold.weights.stat().st_size for fold in folds)))
    return (folds[i : i + count] for i in range(0, len(folds), count))


def _watched(batches: Stream, bar: Progress, task: TaskID, models: int) -> Iterator[tuple[np.ndarray, Tensor]]:
    for rows, images in batches:
        yield rows, images
        bar.advance(task, len(rows) * models)


def _source(store: ImageStore, folds: Sequence[FoldPaths]) -> str:
    """What a member's prediction depends on: photos (the store's key) and weights."""
    weights = [read_json(fold.result)["weights_sha256"] for fold in folds]
    return hashlib.sha256(" ".join([store.folder.name, *weights]).encode()).hexdigest()


def _check(fold: FoldPaths) -> FoldPaths:
    if not fold.weights.exists() or digest(fold.weights) != read_json(fold.result)["weights_sha256"]:
        raise InputError(f"{fold.weights}: missing or changed since it was written; allowed: the file as trained")
    return fold


def _open(test: TestSet, size: tuple[int, int]) -> ImageStore:
    store = open_store(test.root, test.images, size)
    if store.bad:
        raise InputError(
            f"unreadable test images below {test.root}: received {len(store.bad)}: {', '.join(store.bad)}; "
            "allowed: a test set that can be read whole"
        )
    return store
