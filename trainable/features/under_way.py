"""How far tables of features are that processes of this node compute just now, as their logs on the disk tell it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from trainable.cache import cache_folder
from trainable.files import read_json_lines
from trainable.locks import held


def under_way(photos: str) -> Iterator[str]:
    """`features of BACKBONE HxW: 512 of 2,600 photos` of each table that is being computed; cheap enough for a clock.

    photos: the name of the store's folder whose photos they are.
    """
    folder = cache_folder() / "features"
    for lock in sorted(folder.glob("*.lock")):
        if held(lock):
            with suppress(OSError, ValueError, KeyError):  # it has only just begun
                yield from _pass(lock.with_suffix(""), photos)


def _pass(folder: Path, photos: str) -> list[str]:
    """What the pass over these photos has come to that writes this table; its views are written together."""
    for log in folder.glob("*.jsonl"):
        made, *chunks = read_json_lines(log)
        done = min(made["rows"], made["chunk"] * len(chunks))
        if made["made_of"]["photos"] == photos and done < made["rows"]:
            height, width = made["made_of"]["size"]
            of = f"{made['made_of']['backbone']} {height}x{width}"
            return [f"features of {of}: {done:,} of {made['rows']:,} photos"]
    return []
