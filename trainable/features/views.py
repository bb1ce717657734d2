"""What a trial's frozen networks say of a store's photos, a table a test-time view; and heads asked about it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from trainable.config import TrialConfig
from trainable.data.attributes import PLAIN, Attributes
from trainable.features.compute import feature_blocks
from trainable.features.source import Source
from trainable.features.table import FeatureTable
from trainable.images.store import ImageStore
from trainable.models.fitted import layer_of

VIEWS = {"none": ("plain",), "flip": ("plain", "flipped")}


def view_tables(
    config: TrialConfig,
    store: ImageStore,
    bodies: Sequence[Path],
    place: np.ndarray,
    *,
    device: torch.device,
    workers: int = 0,
) -> list[FeatureTable]:
    """A table for each view that `config.tta` averages over, the plain one first; its rows lie at `place` in the store.

    bodies: the files of the networks' weights, in the order of `config.tables`.
    """
    views = VIEWS[config.tta]
    found = [
        feature_blocks(Source(store, config, backbone, size, body, device), views, workers=workers)
        for (backbone, size), body in zip(config.tables, bodies, strict=True)
    ]
    return [FeatureTable([blocks[view] for blocks in found], place) for view in views]


@torch.inference_mode()
def probabilities(layer: nn.Module, tables: Sequence[FeatureTable], rows: np.ndarray) -> np.ndarray:
    """float32 [n, C] of rows int64[n] of the tables: the mean over the views."""
    found = [
        sum(layer(torch.from_numpy(table.rows(some))).softmax(1) for table in tables) / len(tables)
        for some in np.array_split(rows, -(-len(rows) // 4096))
    ]
    return torch.cat(found).numpy()


def predict_photos(
    config: TrialConfig,
    store: ImageStore,
    weights: Sequence[Path],
    bodies: Sequence[Path],
    *,
    device: torch.device,
    made_of: Attributes = PLAIN,
) -> np.ndarray:
    """Probabilities float32 [K, M, C] of K fold heads for a store's M photos.

    The networks below them look at each photo once a node, for all heads on them.
    """
    rows = np.arange(len(store.names))
    tables = view_tables(config, store, bodies, rows, device=device)
    heads = (layer_of(config.head, load_file(file), made_of) for file in weights)
    return np.stack([probabilities(head, tables, rows) for head in heads])
