"""The files of a store as they lie in the cache: whole or worthless, and their room taken before a pixel is written."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from trainable.files import read_json


def whole(folder: Path, shape: tuple[int, ...]) -> dict[str, Any] | None:
    """The index of a store of uint8 pixels of this shape; None where there is none, or one that was cut or emptied."""
    try:
        index = read_json(folder / "index.json")
        pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
        digests = np.load(folder / "digests.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = isinstance(index, dict) and isinstance(index.get("bad"), list) and pixels.dtype == np.uint8
    return index if fits and pixels.shape == shape and len(digests) == shape[0] else None


def allocate(folder: Path, shape: tuple[int, ...]) -> np.memmap:
    """uint8 pixels of this shape in a new folder, mapped; OSError names it where its disk or quota cannot hold them.

    A mapped page for which there is no room would end the process with a bus error. Nothing is left behind then.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = folder / "pixels.npy"
    try:
        pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
        with file.open("rb+") as opened:
            os.posix_fallocate(opened.fileno(), 0, pixels.offset + pixels.nbytes)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OSError(error.errno, error.strerror, str(file)) from error
    return pixels
