"""Test predictions of members: every fold model of each, one pass over the test images at a time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ensembles.members import Member
from trainable.config import TrialConfig
from trainable.data.images import ImageStore, open_store
from trainable.data.loader import Batches, Loader
from trainable.data.manifest import TestSet
from trainable.errors import InputError
from trainable.files import digest, read_json, read_npz, write_npz
from trainable.predict import BATCH, load_model, predict, use_bf16


def predict_test(members: Sequence[Member], test: TestSet, classes: int, parts: Path) -> np.ndarray:
    """Probabilities float32 [members, K, M, C].

    Each finished member is kept in `parts`, so that an interrupted build goes on where it was.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = []
    with Progress(*columns) as bar:
        task = bar.add_task(f"predict {len(test.images)} test images", total=len(members))
        for member in members:
            file = parts / f"{member.run.root.name}-{member.trial.root.name}.npz"
            if not file.exists():
                write_npz(file, probabilities=predict_member(member, test, classes, device))
            done.append(read_npz(file)["probabilities"])
            bar.advance(task)
    return np.stack(done)


def predict_member(member: Member, test: TestSet, classes: int, device: torch.device) -> np.ndarray:
    """float32 [K, M, C]: the probabilities of each fold model, inputs as in validation."""
    config = TrialConfig.from_dict(read_json(member.trial.config))
    store = _store(test, config.input.store)
    batches = Batches(
        pixels_file=store.pixels_file,
        place=np.arange(len(test.images)),
        crop=config.input.crop,
        size=config.input.size,
        policy="none",
        seed=0,
    )
    loader = Loader(batches, pin=device.type == "cuda")
    found = []
    for fold in member.trial.folds():
        result = read_json(fold.result)
        if not fold.weights.exists() or digest(fold.weights) != result["weights_sha256"]:
            raise InputError(f"{fold.weights}: missing or changed since it was written; allowed: the file as trained")
        model = load_model(config, classes, fold.weights, device)
        statistics = torch.tensor(result["statistics"], device=device)
        rows = np.arange(len(test.images))
        found.append(predict(model, loader.predict(rows, BATCH), statistics, bf16=use_bf16(config.precision, device)))
    return np.stack(found)


def _store(test: TestSet, size: tuple[int, int]) -> ImageStore:
    store = open_store(test.root, test.images, size)
    if store.bad:
        raise InputError(
            f"unreadable test images below {test.root}: received {len(store.bad)}: {', '.join(store.bad)}; "
            "allowed: a test set that can be read whole"
        )
    return store
