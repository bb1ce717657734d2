"""The validation rows of a fold as batches: cut out of the store once, for every epoch the same."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from trainable.images.loader import Loader
from trainable.models.predict import BATCH

MOST = 2**28  # bytes that are kept of a fold; the rows of a larger one are read anew


class ValidationBatches:
    """(rows int64 [B], images uint8 [B, H, W, 3]) in the host's memory, in order; kept from the first pass on."""

    def __init__(self, loader: Loader, rows: np.ndarray, pin: bool) -> None:
        self.loader, self.rows, self.pin = loader, rows, pin
        self._kept: list[tuple[np.ndarray, Tensor]] = []
        self.kept = False

    def __iter__(self) -> Iterator[tuple[np.ndarray, Tensor]]:
        if self.kept:
            yield from self._kept
            return
        self._kept.clear()
        for rows, images in self.loader.predict(self.rows, BATCH):
            if fits := images[0].nbytes * len(self.rows) <= MOST:
                images = torch.empty_like(images, pin_memory=self.pin).copy_(images)
                self._kept.append((rows, images))
            yield rows, images
        self.kept = bool(self._kept) and fits
