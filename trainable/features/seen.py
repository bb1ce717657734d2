"""What a pretrained network sees in a described data folder: photos that are nearly the same, photos like no other.

Only where its weights are at hand, and not of so many photos that a description would take hours.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from trainable.config import AugmentConfig, HeadConfig, InputConfig, ModelConfig, TrialConfig
from trainable.data.describe.facts import DataLook, NearPair, Seen, where_of
from trainable.device import this_device
from trainable.features.compute import feature_blocks
from trainable.features.resemblance import resemblance
from trainable.features.source import Source
from trainable.images.store import open_store
from trainable.models.packaged import NETWORKS
from trainable.models.weights import weights_at_hand
from trainable.words import extra

SIZE = (128, 128)  # pixels: what is nearly the same is so in small
MANY = 20_000  # photos up to which a network looks: ten minutes of two cores
UNLIKE = 24  # photos that are named


def with_features(facts: DataLook, weights: Path | None) -> DataLook:
    """The description with what a network adds to it, or why it adds nothing; weights: as of
    `find_weights`."""
    held = weights_at_hand(NETWORKS, weights)
    if held is None:
        where = f"in {weights}" if weights else f"at hand ({extra('weights')})"
        return replace(facts, seen=Seen(f"none, since no weights of {' or '.join(NETWORKS)} are {where}"))
    backbone, file = held
    readable = np.array([photo.size is not None for photo in facts.photos])
    if not 2 <= readable.sum() <= MANY:
        return replace(facts, seen=Seen(f"none of {readable.sum():,} photos; allowed: 2 to {MANY:,}"))
    values = np.concatenate([_features(root, names, backbone, file) for root, names in _folders(facts)])[readable]
    places = np.flatnonzero(readable)
    groups = facts.manifest.frame["group"].astype(str).tolist()
    owners = [*groups, *([None] * facts.test)]
    number = np.unique([*groups, *(f"\0{i}" for i in range(facts.test))], return_inverse=True)[1]
    found = resemblance(values, number[places], places < len(groups))
    pairs = [
        NearPair(facts.images[i], facts.images[j], where_of(owners, i, j), cosine)
        for a, b, cosine in found.pairs
        for i, j in ((int(places[a]), int(places[b])),)
        if facts.photos[i].digest != facts.photos[j].digest
    ]
    order = [n for n in np.argsort(found.likeness).tolist() if np.isfinite(found.likeness[n])][:UNLIKE]
    unlike = [(facts.images[places[n]], facts.files[places[n]], float(found.likeness[n])) for n in order]
    return replace(facts, seen=Seen(f"{backbone} {SIZE[0]}x{SIZE[1]}, weights {file.name}", pairs, unlike))


def _folders(facts: DataLook) -> list[tuple[Path, list[str]]]:
    """(root, names) of the photos to train on and of those to predict."""
    count = len(facts.images) - facts.test
    parts = [(facts.manifest.root, facts.images[:count]), (facts.test_root, facts.images[count:])]
    return [(root, names) for root, names in parts if names]


def head_on(backbone: str, size: tuple[int, int]) -> TrialConfig:
    """A discriminant on a pretrained network that sees whole photos at `size`, (height, width) in pixels."""
    return TrialConfig(
        model=ModelConfig(backbone=backbone, freeze="body"),
        head=HeadConfig(name="lda"),
        input=InputConfig(store=size, size=size, normalise="backbone"),
        augment=AugmentConfig(policy="none"),
        epochs=1,
    )


def _features(root: Path, names: list[str], backbone: str, file: Path) -> np.ndarray:
    """float16 [n, D] of photos, through the store and the table that a search would use."""
    store = open_store(root, tuple(dict.fromkeys(names)), SIZE)
    device = this_device()
    table = feature_blocks(Source(store, head_on(backbone, SIZE), backbone, SIZE, file, device), ["plain"])["plain"]
    return np.asarray(table[store.rows(names)])
