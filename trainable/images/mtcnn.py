"""Faces by MTCNN (Zhang et al. 2016, arXiv:1604.02878), where facenet-pytorch can be imported.

It brings its weights along, but asks for a torch of long ago, so it cannot be a dependency. Installed beside the torch
that is here it works: `pip install --no-deps facenet-pytorch`.
"""

import importlib.util
import threading
from typing import Any

import numpy as np

from trainable.errors import InputError

LIBRARY = "facenet_pytorch"
_local = threading.local()


def check_installed(detector: str) -> None:
    """InputError when a detector was chosen whose library is not here."""
    if detector == "mtcnn" and importlib.util.find_spec(LIBRARY) is None:
        raise InputError(
            "input.detector: received 'mtcnn', and facenet-pytorch cannot be imported; allowed: 'cascade', or "
            "pip install --no-deps facenet-pytorch"
        )


def detect(image: np.ndarray) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) of the largest face in uint8 [H, W, 3]; None when there is none."""
    boxes, _ = _network(round(0.2 * min(image.shape[:2]))).detect(np.ascontiguousarray(image))
    if boxes is None:
        return None
    found = np.array([list(box) for box in boxes], np.float64)  # the library answers with an array of objects
    x0, y0, x1, y1 = np.round(max(found, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))).astype(int).tolist()
    top, left = max(y0, 0), max(x0, 0)
    return top, max(min(y1, image.shape[0]), top + 1), left, max(min(x1, image.shape[1]), left + 1)


def _network(least: int) -> Any:
    """One a thread; `least`: side of the smallest face in pixels."""
    check_installed("mtcnn")
    if getattr(_local, "least", None) != least:
        from facenet_pytorch import MTCNN

        _local.network, _local.least = MTCNN(min_face_size=max(20, least), keep_all=True, device="cpu"), least
    return _local.network
