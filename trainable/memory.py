"""When the device's memory is full: the same work, fewer images at a time."""

import math
from collections.abc import Callable
from typing import TypeVar

import torch

from trainable.errors import InputError

Answer = TypeVar("Answer")


def as_many_as_fit(work: Callable[[int], Answer], images: int, limit: int) -> tuple[Answer, int]:
    """(work(size), limit): as many of the images go through the network at once as fit the memory, at most `limit`.

    Where the memory is full `size` is halved until they fit, and becomes the limit that is returned. `work` is begun
    anew each time, so it must undo what a failed attempt left. InputError where one image is too much.
    """
    size = min(images, limit)
    while True:
        try:
            return work(size), limit
        except torch.cuda.OutOfMemoryError as error:
            said = " ".join(str(error).split())
        # Not inside the handler: the exception holds the frames that hold the activations.
        torch.cuda.empty_cache()
        if size == 1:
            raise InputError(
                f"memory of the device: received a network that one image is too much for ({said}); "
                "allowed: a smaller model.backbone or input.size, or a larger share of the device"
            )
        size = limit = math.ceil(size / 2)
