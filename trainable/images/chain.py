"""A list of albumentations transforms as one function of an image, drawing from one stream of random numbers."""

import os
from collections.abc import Callable, Sequence

import numpy as np

from trainable.images.decode import resize
from trainable.randomness import SampleRandom

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network at import

import albumentations as A

Chain = Callable[[np.ndarray], np.ndarray]
CROPS = (A.RandomCrop, A.RandomResizedCrop, A.RandomSizedCrop)


def chain(
    transforms: Sequence[A.BasicTransform | A.BaseCompose], stream: SampleRandom, size: tuple[int, int] | None = None
) -> Chain:
    """A function (uint8 [h, w, 3]) -> uint8 [*size, 3]; `size` None leaves the size to the transforms.

    Transforms that begin with a crop get the photo as it is stored and cut from there; others get it at `size`.

    The answer is A.Compose's. Its checks of boxes and shapes are left out: they have nothing to look at, and
    take as long as a flip.
    """
    for transform in transforms:
        # One shared stream: with `set_random_seed` all would draw the same numbers, and flips follow brightness.
        transform.set_random_state(stream.numpy, stream)
    first_size = None if transforms and isinstance(transforms[0], CROPS) else size

    def run(image: np.ndarray) -> np.ndarray:
        if first_size is not None:
            image = resize(image, first_size)
        if transforms:
            stream.random()  # A.Compose's own draw, whether to run at all
        for transform in transforms:
            image = transform(image=image)["image"]
        return image

    return run
