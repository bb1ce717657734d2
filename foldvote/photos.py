"""Photos as people hold them in Python, made into files that the one decoder reads."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np

from trainable.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

Photo = Union[str, Path, np.ndarray, "Image"]
Photos = Photo | Sequence[Photo]
ALLOWED = "allowed: paths, arrays uint8 [H, W, 3] in RGB, PIL images"


@contextmanager
def as_files(photos: Photos) -> Iterator[tuple[list[str], list[Path]]]:
    """Names (paths as they were given, or places in what was given) and absolute files of photos.

    Arrays and PIL images lie in a temporary folder, without loss and as a person sees them. Raises InputError for what
    is no photo, and for none.
    """
    several = _each(photos)
    if not several:
        raise InputError(f"photos: received none; {ALLOWED}")
    with tempfile.TemporaryDirectory(prefix="foldvote-") as folder:
        files = [_file(photo, Path(folder) / f"{i}.png") for i, photo in enumerate(several)]
        names = [str(p) if isinstance(p, str | Path) else str(i) for i, p in enumerate(several)]
        yield names, files


def _each(photos: Photos) -> list[Photo]:
    if isinstance(photos, np.ndarray):
        return list(photos) if photos.ndim == 4 else [photos]
    if isinstance(photos, Sequence) and not isinstance(photos, str):
        return list(photos)
    return [photos]


def _file(photo: Photo, own: Path) -> Path:
    """Where a photo lies; one that lies nowhere is written to `own`."""
    from PIL import Image

    from trainable.images.decode import of_pillow

    if isinstance(photo, str | Path):
        path = Path(photo).expanduser().absolute()
        if not path.is_file():
            raise InputError(f"photo: received {photo}, which is no file; {ALLOWED}")
        return path
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
            raise InputError(f"photo: received an array {photo.dtype} {list(photo.shape)}; {ALLOWED}")
        photo = Image.fromarray(photo)
    if not isinstance(photo, Image.Image):
        raise InputError(f"photo: received {type(photo).__name__}; {ALLOWED}")
    try:
        Image.fromarray(of_pillow(photo)).save(own)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"photo: received an image that Pillow cannot read ({error}); {ALLOWED}") from None
    return own
