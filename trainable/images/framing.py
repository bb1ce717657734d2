"""Another frame for a photo: turned by right angles, or a part of it enlarged."""

from typing import Any

import numpy as np

from trainable.images.chain import A
from trainable.images.decode import resize


class Turn(A.RandomRotate90):
    """By 0, 90, 180 or 270 degrees; what is no square keeps its shape, by 0 or 180."""

    def apply(self, img: np.ndarray, factor: int, **_: Any) -> np.ndarray:
        square = img.shape[0] == img.shape[1]
        return np.ascontiguousarray(np.rot90(img, factor if square else factor // 2 * 2))


class _ResizedCrop(A.RandomResizedCrop):
    """A.RandomResizedCrop, resized as all photos are (areas are averaged), and to its own size where none is given."""

    own_size = False

    def apply(self, img: np.ndarray, crop_coords: tuple[int, int, int, int], **_: Any) -> np.ndarray:
        left, top, right, bottom = crop_coords
        size = img.shape[:2] if self.own_size else self.size
        return resize(np.ascontiguousarray(img[top:bottom, left:right]), size)


def resized_crop(left_out: float, size: tuple[int, int] | None) -> A.RandomResizedCrop:
    """A random part, of which at most the share `left_out` of the area is missing, at `size` (height, width) pixels.

    None: at the photo's own size. Its sides are to each other as 3 to 4 up to 4 to 3 (Szegedy 2015).
    """
    made = _ResizedCrop(size or (1, 1), scale=(1 - left_out, 1.0), p=1.0)
    made.own_size = size is None
    return made
