"""Photos that a space squeezes: those of another aspect than its `input.size`."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, UnidentifiedImageError

from trainable.config import TrialConfig
from trainable.data.manifest import Manifest

LOOKED = 24  # photos whose size is read
BORDER = 1.25  # so much stretched a photo is worth a word
ORIENTATION, TURNED = 274, (5, 6, 7, 8)  # of EXIF: height and width change places


def stretched(configs: Sequence[TrialConfig], manifest: Manifest) -> list[str]:
    """A sentence for each `input.size` whose aspect is not about that of most photos, less what is cropped."""
    photo = typical_aspect(manifest)
    found = {}
    for config in configs:
        if config.input.region != "centre" or photo is None:  # a face has its own aspect
            continue
        (height, width), (high, wide) = config.input.size, config.input.crop
        seen = photo * high / wide
        factor = seen / (height / width)
        if max(factor, 1 / factor) > BORDER:
            how = f"{factor:.2f} times too wide" if factor > 1 else f"{1 / factor:.2f} times too high"
            cut = f" and the crop {high:g}x{wide:g} of each side" if (high, wide) != (1, 1) else ""
            found[height, width, high, wide] = (
                f"input.size {height}x{width} (height x width){cut} shows most photos {how}; "
                f"{height}x{round(height / seen)} in a space of your own would not"
            )
    return [found[size] for size in sorted(found)]


def typical_aspect(manifest: Manifest) -> float | None:
    """Height by width of the median photo, from the headers of a few; None where none can be read."""
    images = manifest.frame["image"]
    places = np.unique(np.linspace(0, len(images) - 1, min(LOOKED, len(images))).astype(int))
    aspects = []
    for name in images.iloc[places]:
        try:
            with Image.open(manifest.root / str(name)) as photo:
                width, height = photo.size
                turned = photo.getexif().get(ORIENTATION) in TURNED
        except (OSError, UnidentifiedImageError, SyntaxError, ValueError):
            continue
        aspects.append(width / height if turned else height / width)
    return float(np.median(aspects)) if aspects else None
