"""ImageStore: every photo decoded once a node into one memory-mapped uint8 array that all trials there share.

    <cache>/<key>/pixels.npy   uint8 [N, H, W, 3], RGB
    <cache>/<key>/index.json   written last: names, size, unreadable files

`key` is a hash of names, file sizes, modification times and the stored size.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainable.cache import cache_folder
from trainable.errors import InputError
from trainable.files import read_json, write_json
from trainable.images.decode import read_image
from trainable.images.kept import allocate, whole
from trainable.images.kinds import why_unreadable
from trainable.locks import waiting_for

T = TypeVar("T")
VERSION = 2
BLOCK = 32  # images a task: a million tasks would take a gigabyte


@dataclass(frozen=True)
class ImageStore:
    """Decoded images; `pixels` maps the file anew in each process, so that the pages are shared."""

    folder: Path
    names: tuple[str, ...]
    bad: tuple[str, ...]
    root: Path

    @property
    def pixels_file(self) -> Path:
        return self.folder / "pixels.npy"

    def pixels(self) -> np.ndarray:
        """uint8 [N, H, W, 3], read-only."""
        return np.load(self.pixels_file, mmap_mode="r", allow_pickle=False)

    def named_bad(self) -> list[str]:
        """The unreadable images, each with what is wrong with it."""
        return [f"{name} ({why_unreadable(self.root / name)})" for name in self.bad]

    def rows(self, names: Iterable[str]) -> np.ndarray:
        """int64[n]: where each image lies in `pixels`."""
        names = tuple(names)
        if names == self.names:
            return np.arange(len(names), dtype=np.int64)
        place = {name: row for row, name in enumerate(self.names)}
        return np.array([place[name] for name in names], np.int64)


def store_bytes(count: int, size: tuple[int, int]) -> int:
    return count * size[0] * size[1] * 3


def open_store(
    root: Path,
    names: Iterable[str],
    size: tuple[int, int],
    *,
    workers: int = 0,
    decoded: Sequence[ImageStore] = (),
) -> ImageStore:
    """The store of these images at `size` (height, width); decoded now unless this node has it already.

    decoded: stores of photos below the same root at the same size, from which pixels are copied. Unreadable images are
    black, and named in `bad`. Raises InputError when the disk cannot hold the store.
    """
    names = tuple(names)
    folder = cache_folder() / _key(root, names, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shape = (len(names), *size, 3)
    index = whole(folder, shape)  # without the lock, which may be another user's
    if index is None:
        with waiting_for(f"{folder}.lock", "decodes the same photos"):
            index = whole(folder, shape)
            if index is None:
                _build(root, names, size, folder, workers or os.cpu_count() or 1, _known(decoded))
                index = read_json(folder / "index.json")
    return ImageStore(folder, names, tuple(index["bad"]), root)


def _known(decoded: Sequence[ImageStore]) -> dict[str, np.ndarray]:
    """{name: its pixels, uint8 [H, W, 3]} of photos that other stores hold, by views of their files."""
    found: dict[str, np.ndarray] = {}
    for store in decoded:
        pixels, bad = store.pixels(), set(store.bad)
        found |= {name: pixels[row] for row, name in enumerate(store.names) if name not in bad}
    return found


def _build(
    root: Path,
    names: tuple[str, ...],
    size: tuple[int, int],
    folder: Path,
    workers: int,
    known: Mapping[str, np.ndarray],
) -> None:
    need, free = store_bytes(len(names), size), shutil.disk_usage(folder.parent).free
    if need > free * 0.95:
        raise InputError(
            f"image store: needs {need / 1e9:.1f} GB, received {free / 1e9:.1f} GB free in {folder.parent}; "
            "allowed: a smaller SEARCH.store_size, or FOLDVOTE_CACHE on a larger disk"
        )
    partial = folder.with_name(folder.name + ".partial")
    pixels = allocate(partial, (len(names), *size, 3))

    def decode(rows: range) -> list[bool]:
        good = []
        for row in rows:
            image = known.get(names[row])
            if image is None:
                image = read_image(root / names[row], size)
            if image is not None:
                pixels[row] = image
            good.append(image is not None)
        return good

    title = f"decode {len(names)} images to {size[0]}x{size[1]} ({need / 1e6:.0f} MB)"
    threads, level = cv2.getNumThreads(), cv2.utils.logging.getLogLevel()
    cv2.setNumThreads(1)  # one image a thread: OpenCV's own threads would only fight over the cores
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # unreadable files are named once, by us
    try:
        with ThreadPoolExecutor(workers) as pool:
            every = range(len(names))
            blocks = [every[i : i + BLOCK] for i in every[::BLOCK]]
            good = list(progress(pool.map(decode, blocks), len(names), title))
    finally:
        cv2.setNumThreads(threads)
        cv2.utils.logging.setLogLevel(level)
    pixels.flush()
    bad = [name for name, ok in zip(names, good, strict=True) if not ok]
    write_json(partial / "index.json", {"version": VERSION, "size": size, "images": len(names), "bad": bad})
    shutil.rmtree(folder, ignore_errors=True)  # one that was damaged
    partial.replace(folder)


def progress(blocks: Iterator[list[T]], total: int, title: str) -> Iterator[T]:
    """What the blocks hold, one after another, with a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(title, total=total)
        for block in blocks:
            bar.advance(task, len(block))
            yield from block


def _key(root: Path, names: tuple[str, ...], size: tuple[int, int]) -> str:
    digest = hashlib.sha256(repr((VERSION, str(root), size)).encode())
    for name in names:
        stat = os.stat(f"{root}/{name}")  # noqa: PTH116  Path.stat takes three times as long, times a million
        digest.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
