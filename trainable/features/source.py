"""What a table of features is made of; its name is a hash of that."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainable.cache import cache_folder
from trainable.config import TrialConfig
from trainable.files import digest
from trainable.images.batches import Batches
from trainable.images.faces import what_is_seen
from trainable.images.store import ImageStore
from trainable.models.normalise import pixel_statistics
from trainable.models.predict import use_bf16

VERSION = 1
OWN: tuple = ((), ())  # `normalise: dataset` is not for heads that are fitted


@dataclass(frozen=True)
class Source:
    """The photos of a store as one frozen network sees them.

    seen: the configuration whose `input` says which part of a photo is seen, how it is scaled, and whose precision
    counts. body: the file of the network's weights.
    """

    store: ImageStore
    seen: TrialConfig
    backbone: str
    size: tuple[int, int]
    body: Path
    device: torch.device

    @property
    def bf16(self) -> bool:
        return use_bf16(self.seen.precision, self.device)

    @property
    def statistics(self) -> Tensor:
        """float32 [2, 3]: mean and deviation of the RGB channels, 0 to 1."""
        return pixel_statistics(self.backbone, self.seen.input.normalise, OWN)

    @cached_property
    def made_of(self) -> dict[str, Any]:
        """All that a feature depends on. The store's folder is named by its photos and their size."""
        part = asdict(self.seen.input)
        keep = ["region", "crop", "background", *(["margin"] if part["region"] == "face" else [])]
        if part["region"] == "face" or part["background"] == "removed":
            keep.append("detector")
        return {
            "version": VERSION,
            "photos": self.store.folder.name,
            "backbone": self.backbone,
            "weights": digest(self.body),
            "size": list(self.size),
            "statistics": [[round(float(v), 6) for v in row] for row in self.statistics.tolist()],
            "precision": "bf16" if self.bf16 else "fp32",
            **{name: list(v) if isinstance(v := part[name], tuple) else v for name in keep},
        }

    @property
    def folder(self) -> Path:
        text = json.dumps(self.made_of, sort_keys=True)
        return cache_folder() / "features" / hashlib.sha256(text.encode()).hexdigest()[:16]

    def batches(self) -> Batches:
        """The store's photos, by their rows in it, as they are predicted."""
        own = replace(self.seen, input=replace(self.seen.input, size=self.size))
        return Batches(
            pixels_file=self.store.pixels_file,
            place=torch.arange(len(self.store.names)).numpy(),
            crop=own.input.crop,
            size=self.size,
            policy="none",
            seed=0,
            **what_is_seen(own, self.store),
        )
