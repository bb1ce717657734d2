"""A block of a table on disk: what one network says of every photo of a store in one view.

    <cache>/features/<key>/<view>.npy      float16 [N, D]
    <cache>/features/<key>/<view>.jsonl    its first line: what it is made of; then a line for each chunk that is there

`key` is a hash of the photos and of all that a feature depends on. A chunk is written and fsynced before its line,
which holds its CRC: what a kill, a full disk or another program left is seen when the block is opened, and only those
chunks are computed again.
"""

import json
import os
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from trainable.errors import InputError
from trainable.files import append_json_line, cut_to_last_line, read_json_lines, write_json_lines

CHUNK = 512  # rows


def block_bytes(rows: int, width: int) -> int:
    """What a block takes on the disk."""
    return rows * width * 2


@dataclass
class Block:
    """The two files of a view. Whoever writes holds the table's lock."""

    folder: Path
    view: str
    made_of: dict[str, Any]
    rows: int

    @property
    def file(self) -> Path:
        return self.folder / f"{self.view}.npy"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.view}.jsonl"

    def values(self) -> np.ndarray:
        """float16 [N, D], read-only, mapped."""
        return np.load(self.file, mmap_mode="r", allow_pickle=False)

    @cached_property
    def chunks(self) -> list[range]:
        every = range(self.rows)
        return [every[first : first + CHUNK] for first in every[::CHUNK]]

    def lacking(self) -> list[range]:
        """The chunks that are not there, or are not what was written."""
        lines = self._lines()
        if not lines or lines[0] != self._head(lines[0].get("width")):
            return self.chunks
        try:
            held = self.values()
        except (OSError, ValueError, EOFError):
            return self.chunks
        if held.shape != (self.rows, lines[0]["width"]) or held.dtype != np.float16:
            return self.chunks
        known = {line.get("first"): line.get("crc32") for line in lines[1:]}
        return [c for c in self.chunks if known.get(c.start) != zlib.crc32(held[c.start : c.stop].tobytes())]

    def begin(self, width: int) -> None:
        """Make the files for features of this width, unless some chunks of them are there already.

        Raises InputError when the disk cannot hold them.
        """
        if len(self.lacking()) < len(self.chunks):
            cut_to_last_line(self.log)
            return
        need, free = block_bytes(self.rows, width), shutil.disk_usage(self.folder).free
        if need > free * 0.95:
            raise InputError(
                f"features: need {need / 1e9:.2f} GB, received {free / 1e9:.2f} GB free in {self.folder}; "
                "allowed: FOLDVOTE_CACHE on a larger disk"
            )
        self.log.unlink(missing_ok=True)
        made = np.lib.format.open_memmap(self.file, mode="w+", dtype=np.float16, shape=(self.rows, width))
        made.flush()
        write_json_lines(self.log, [self._head(width)])

    def write(self, chunk: range, values: np.ndarray) -> None:
        """Keep the features float16 [n, D] of a chunk; raises OSError where the disk is full."""
        content = np.ascontiguousarray(values, np.float16).tobytes()
        place = self.values().offset + chunk.start * values.shape[1] * 2  # type: ignore[attr-defined]
        file = os.open(self.file, os.O_WRONLY)
        try:
            written = 0
            while written < len(content):
                written += os.pwrite(file, content[written:], place + written)
            os.fsync(file)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.file)) from error
        finally:
            os.close(file)
        append_json_line(self.log, {"first": chunk.start, "crc32": zlib.crc32(content)})

    def _head(self, width: object) -> dict[str, Any]:
        return {"made_of": self.made_of, "view": self.view, "rows": self.rows, "width": width, "chunk": CHUNK}

    def _lines(self) -> list[dict[str, Any]]:
        """The whole lines of the log that can be read; none of one that is no log."""

        def lines() -> Iterator[dict[str, Any]]:
            for line in read_json_lines(self.log):
                if isinstance(line, dict):
                    yield line

        try:
            return list(lines())
        except (json.JSONDecodeError, UnicodeDecodeError):
            return []
