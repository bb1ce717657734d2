"""Which new photos are of one thing, where a run answers several photos together: those in a folder of their own."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from trainable.data.manifest import ITEM, Manifest
from trainable.words import count


def gathered(
    manifest: Manifest, photos: Sequence[Path], places: Sequence[Path], say: Callable[[str], None] = print
) -> tuple[list[Path], list[Path], np.ndarray]:
    """(photos, items, owner int64[P], rising): the photos in the order of their items, and which item each is of.

    Where the run has items, one is a folder next below one of `places` with all photos below it, and a photo that lies
    in such a place itself; else each photo is one. What was taken for what is said aloud where the run has items.
    """
    if ITEM not in manifest.frame:
        return list(photos), list(photos), np.arange(len(photos))
    folders = [place.expanduser().absolute() for place in places]
    found: dict[Path, list[Path]] = {}
    for photo in photos:
        found.setdefault(item_of(photo, folders), []).append(photo)
    several = [len(own) for item, own in found.items() if item != own[0]]
    if several:
        say(f"one answer for each of {count(len(several), 'folder')} of {count(sum(several), 'photo')}: their mean")
    if alone := len(found) - len(several):
        say(f"{count(alone, 'photo')} answered alone: those of one thing are told by a folder of their own")
    owner = np.repeat(np.arange(len(found)), [len(own) for own in found.values()])
    return [photo for own in found.values() for photo in own], list(found), owner


def item_of(photo: Path, folders: Sequence[Path]) -> Path:
    """The folder next below the first of `folders` that a photo is below; else the photo."""
    above = next((folder for folder in folders if folder != photo and photo.is_relative_to(folder)), photo.parent)
    first, *deeper = photo.relative_to(above).parts
    return above / first if deeper else photo
