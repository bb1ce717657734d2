"""Predictions of members for photos: all networks of a trial over one pass of them, one trial after another."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor

from ensembles.members import JOINT, Member, Outside, multiply
from trainable.data.manifest import TestSet
from trainable.device import this_device
from trainable.errors import InputError
from trainable.features.views import predict_photos
from trainable.files import read_npz, write_npz
from trainable.images.batches import Batches
from trainable.images.faces import look, what_is_seen
from trainable.images.loader import Loader
from trainable.images.store import ImageStore, open_store
from trainable.models.predict import BATCH, load_model, predict_together, use_bf16
from trainable.progress import Progress
from trainable.run import Fold
from trainable.words import few

WORTH_A_WORKER = 2048  # photos that one process prepares in the seconds that another one needs to start
Stream = Iterable[tuple[np.ndarray, Tensor]]


def predict_members(members: Sequence[Member | Outside], photos: TestSet, parts: Path) -> np.ndarray:
    """Probabilities float32 [members, K, M, C] of M photos: K networks of each member, C classes.

    A trial that is a factor of several members predicts once. Each trial's answer is kept in the folder `parts`, so
    that an interrupted build goes on where it was; a part that was made from other photos or weights is made anew.
    A photo that cannot be read is predicted as what is known without it, the shares of the classes in training, which
    is said aloud. A member from elsewhere says what its table says, K times. Raises InputError where none can be read,
    weights are not those that were trained, or such a table has other photos.
    """
    trials = list(dict.fromkeys(factor for member in members for factor in member.factors))
    stores = _open_stores(trials, photos)
    bad = next((store.bad for store in stores.values()), ())
    found: dict[Member, np.ndarray] = {}
    with Progress() as bar:
        whole = bar.add_task(f"predict {len(photos.images)} photos, trials", total=len(trials))
        inside = bar.add_task("")
        for trial in trials:
            store, networks = stores[trial.trial.config.input.store], trial.networks()
            file, made_from = parts / f"{trial.key}.npz", _source(store, networks)
            if not file.exists() or str(read_npz(file)["made_from"]) != made_from:
                bar.reset(
                    inside,
                    description=f"{trial.name}, photos x networks",
                    total=len(photos.images) * len(networks),
                )
                classes = len(photos.form.names)
                if trial.target != JOINT:
                    classes = len(trial.run.made_of[trial.target].values)
                answers = predict_member(trial, store, classes, lambda images: bar.advance(inside, images))
                write_npz(file, probabilities=answers, made_from=np.array(made_from))
            found[trial] = read_npz(file)["probabilities"]
            bar.advance(whole)
    count = max((len(answers) for answers in found.values()), default=1)
    return np.stack([_said(member, found, photos, count, bad) for member in members])


def _said(
    member: Member | Outside, found: dict[Member, np.ndarray], photos: TestSet, count: int, bad: Sequence[str]
) -> np.ndarray:
    """float32 [K, M, C] of a member, from what its trials said; bad: photos that cannot be read."""
    if isinstance(member, Outside):
        table = member.on_test(photos)
        return np.broadcast_to(table, (count, *table.shape))
    answers = multiply([found[factor] for factor in member.factors], member.run.made_of)
    answers[:, np.isin(photos.images, bad)] = class_shares(member)
    return answers


def digests_of(members: Sequence[Member | Outside], photos: TestSet) -> np.ndarray:
    """SHA-256 uint8 [M, 32] of the photos' files, as they were decoded for the members; zeros where none sees them."""
    size = next((factor.trial.config.input.store for member in members for factor in member.factors), None)
    if size is None:
        return np.zeros((len(photos.images), 32), np.uint8)
    held = open_store(photos.root, photos.images, size).digests()
    return np.stack([np.frombuffer(held[name], np.uint8) for name in photos.images])


def class_shares(member: Member) -> np.ndarray:
    """float32[C]: how often each class occurs among the scored photos that a member's run trained on."""
    manifest = member.run.manifest
    counts = np.bincount(manifest.labels[manifest.scored], minlength=len(manifest.classes))
    return (counts / counts.sum()).astype(np.float32)


def predict_member(
    member: Member, store: ImageStore, classes: int, advance: Callable[[int], None] = lambda images: None
) -> np.ndarray:
    """Probabilities float32 [K, M, C] of a trial's K networks for the M photos of a store, seen as in validation.

    classes: C, how many the trial predicts. advance: is told of images done, one for each network.
    Raises InputError where weights are missing or not those that were trained.
    """
    config, networks = member.trial.config, member.networks()
    for network in networks:
        if wrong := network.broken():
            raise InputError(f"{wrong}; allowed: the file as trained")
    device = this_device()
    if config.fitted:
        one_body = [[network] for network in networks] if config.features.of else [networks]
        said = []
        for some in one_body:
            weights, bodies = [network.weights for network in some], some[0].bodies
            said.append(predict_photos(config, store, weights, bodies, device=device, made_of=member.run.made_of))
            advance(len(store.names) * len(some))
        return np.concatenate(said)
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
    on_gpu = device.type == "cuda"  # elsewhere workers would fight the networks for the cores
    workers = min((os.cpu_count() or 1) - 1, len(rows) // WORTH_A_WORKER) if on_gpu else 0
    loader = Loader(batches, workers=workers, pin=on_gpu)
    found = []
    for together in _resident(networks, device):
        models = [
            load_model(config, classes, network.weights, device, made_of=member.run.made_of) for network in together
        ]
        statistics = torch.tensor([network.result.statistics for network in together], device=device)
        stream = _watched(loader.predict(rows, BATCH), advance, len(together))
        found.append(predict_together(models, stream, statistics, bf16=use_bf16(config.precision, device)))
    return np.concatenate(found)


def _resident(networks: Sequence[Fold], device: torch.device) -> Iterator[Sequence[Fold]]:
    """The networks in parts that are held at once: their weights take at most half of the free memory."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    count = max(1, int(free / 2 / max(network.weights.stat().st_size for network in networks)))
    return (networks[i : i + count] for i in range(0, len(networks), count))


def _watched(batches: Stream, advance: Callable[[int], None], networks: int) -> Iterator[tuple[np.ndarray, Tensor]]:
    for rows, images in batches:
        yield rows, images
        advance(len(rows) * networks)


def _source(store: ImageStore, networks: Sequence[Fold]) -> str:
    """What an answer depends on: the photos, of which the store's folder is named by content, and the weights."""
    weights = [network.result.weights_sha256 for network in networks]  # of a head these name its body too
    return hashlib.sha256(" ".join([store.folder.name, *weights]).encode()).hexdigest()


def _open_stores(members: Sequence[Member], photos: TestSet) -> dict[tuple[int, int], ImageStore]:
    """{size: the photos decoded at that size} for the sizes that members ask for; bad ones are named once.

    InputError where none can be read.
    """
    configs = [member.trial.config for member in members]
    stores = {}
    for size in dict.fromkeys(config.input.store for config in configs):
        stores[size] = store = open_store(photos.root, photos.images, size)
        look([config for config in configs if config.input.store == size], store)
    first = next(iter(stores.values()), None)
    if first is None:  # members from elsewhere alone
        return {}
    if len(first.bad) == len(first.names):
        raise InputError(f"no photo can be read: received {few(first.named_bad())}; allowed: at least one")
    if first.bad:
        print(
            f"warning: {len(first.bad):,} of {len(first.names):,} photos cannot be read and are predicted as the "
            f"shares of the classes in training: {few(first.named_bad())}",
            flush=True,
        )
    return stores
