"""ImageStore: every photo decoded once a node into one memory-mapped uint8 array that all trials there share.

    <cache>/<key>/pixels.npy   uint8 [N, H, W, 3], RGB
    <cache>/<key>/digests.npy  uint8 [N, 32], SHA-256 of each file
    <cache>/<key>/index.json   written last: names, size, unreadable files
    <cache>/<state>.json       what the files held, in the state in which they were read

`key` is a hash of names, what the files hold, and the stored size; `state` one of names, file sizes, times of change
and inodes. Files in a known state are not read again: the time of a file's last change of content or attributes (ctime)
cannot be set back, as that of its modification can.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from trainable.cache import cache_folder, state_of
from trainable.errors import InputError
from trainable.files import read_json, write_json
from trainable.images.decode import decoded as decoded_image
from trainable.images.kept import allocate, whole
from trainable.images.kinds import why_unreadable
from trainable.locks import waiting_for
from trainable.progress import tracked

VERSION = 3
BLOCK = 32  # images a task: a million tasks would take a gigabyte


@dataclass(frozen=True)
class ImageStore:
    """Decoded images; `pixels` maps the file anew in each process, so that the pages are shared."""

    folder: Path
    names: tuple[str, ...]
    bad: tuple[str, ...]
    root: Path
    content: str = ""  # of names and what the files hold, whatever the size

    def digests(self) -> dict[str, bytes]:
        """{name: SHA-256 of its file}."""
        table = np.load(self.folder / "digests.npy", allow_pickle=False)
        return {name: bytes(row) for name, row in zip(self.names, table, strict=True)}

    def content_of(self, names: Sequence[str]) -> str:
        """What the files of these images hold, as a store of them alone would say."""
        digests = self.digests()
        return _content(names, b"".join(digests[name] for name in names))

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
    content: str = "",
) -> ImageStore:
    """The store of these images at `size` (height, width); decoded now unless this node has it already.

    decoded: stores of photos below the same root at the same size, from which pixels of files that hold the same are
    copied. content: what the files are to hold, as an earlier store said; where this node has that, no file is looked
    at. Unreadable images are black, and named in `bad`. Raises InputError when the disk cannot hold the store, or files
    hold something else than they are to.
    """
    names = tuple(names)
    if content and (store := _kept(root, names, size, content)) is not None:
        return store
    state = cache_folder() / f"{state_of(root, names, (VERSION, str(root), size))}.json"
    store = _kept(root, names, size, _content_of(state))  # without the lock, which may be another user's
    if store is None:
        with waiting_for(f"{state}.lock", "decodes the same photos"):
            store = _kept(root, names, size, _content_of(state))
            if store is None:
                found = _build(root, names, size, state, workers or os.cpu_count() or 1, _known(decoded))
                store = _kept(root, names, size, found)
    assert store is not None
    if content and store.content != content:
        raise InputError(
            f"photos below {root}: received other content than when the run began; allowed: the data as it was"
        )
    return store


def _kept(root: Path, names: tuple[str, ...], size: tuple[int, int], content: str) -> ImageStore | None:
    """The store of that content, where this node has it."""
    folder = cache_folder() / _key(names, size, content)
    index = whole(folder, (len(names), *size, 3))
    return None if index is None else ImageStore(folder, names, tuple(index["bad"]), root, content)


def _content_of(state: Path) -> str:
    """What the files hold that a state tells of; empty where there is none, or a damaged one."""
    try:
        return str(read_json(state)["content"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""


def _known(decoded: Sequence[ImageStore]) -> dict[str, tuple[bytes, np.ndarray]]:
    """{name: what its file held, and its pixels, uint8 [H, W, 3]} of photos that other stores hold, by views."""
    found: dict[str, tuple[bytes, np.ndarray]] = {}
    for store in decoded:
        pixels, bad, digests = store.pixels(), set(store.bad), store.digests()
        found |= {name: (digests[name], pixels[row]) for row, name in enumerate(store.names) if name not in bad}
    return found


def _build(
    root: Path,
    names: tuple[str, ...],
    size: tuple[int, int],
    state: Path,
    workers: int,
    known: Mapping[str, tuple[bytes, np.ndarray]],
) -> str:
    """Read and decode every file; returns what they hold."""
    need, free = store_bytes(len(names), size), shutil.disk_usage(state.parent).free
    if need > free * 0.95:
        raise InputError(
            f"image store: needs {need / 1e9:.1f} GB, received {free / 1e9:.1f} GB free in {state.parent}; "
            "allowed: a smaller SEARCH.store_size, or FOLDVOTE_CACHE on a larger disk"
        )
    partial = state.with_suffix(".partial")
    pixels = allocate(partial, (len(names), *size, 3))

    digests = np.zeros((len(names), hashlib.sha256().digest_size), np.uint8)

    def decode(rows: range) -> list[bool]:
        good = []
        for row in rows:
            data = (root / names[row]).read_bytes()
            digest = hashlib.sha256(data).digest()
            digests[row] = np.frombuffer(digest, np.uint8)
            held = known.get(names[row])
            image = held[1] if held is not None and held[0] == digest else decoded_image(data, size)
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
            good = list(tracked(chain.from_iterable(pool.map(decode, blocks)), title, len(names)))
    finally:
        cv2.setNumThreads(threads)
        cv2.utils.logging.setLogLevel(level)
    pixels.flush()
    bad = [name for name, ok in zip(names, good, strict=True) if not ok]
    np.save(partial / "digests.npy", digests)
    write_json(partial / "index.json", {"version": VERSION, "size": size, "images": len(names), "bad": bad})
    return _placed(partial, names, size, digests, state)


def _placed(partial: Path, names: tuple[str, ...], size: tuple[int, int], digests: np.ndarray, state: Path) -> str:
    """Name a finished store by what its files held, and note that for the state that they were in."""
    content = _content(names, digests.tobytes())
    folder = state.parent / _key(names, size, content)
    with waiting_for(f"{folder}.lock", "decodes the same photos"):
        if whole(folder, (len(names), *size, 3)) is not None:  # the same photos, elsewhere
            shutil.rmtree(partial)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            partial.replace(folder)
    write_json(state, {"content": content})
    return content


def _content(names: Sequence[str], digests: bytes) -> str:
    return hashlib.sha256("\0".join(names).encode() + digests).hexdigest()


def _key(names: tuple[str, ...], size: tuple[int, int], content: str) -> str:
    return hashlib.sha256(repr((VERSION, size, content, len(names))).encode()).hexdigest()[:16]
