"""Masks that lie beside the photos they were drawn for, under the same name, and would train as photos.

COVID/images/COVID-1.png  COVID/masks/COVID-1.png        images/cat_1.jpg  annotations/trimaps/cat_1.png
"""

import re
from collections.abc import Iterator, Sequence

from trainable.data.layouts.photos import stem_of

FOLDER = re.compile(r"(?<![a-z])(masks?|trimaps?|segment(s|ed|ations?)|annotations?|ground_?truths?)(?![a-z])", re.I)
FEWEST = 3  # below which it is chance


def masks_of(images: Sequence[str], labels: Sequence[int]) -> list[tuple[int, int]]:
    """(what was drawn, of which photo), numbers of `images`, which are paths; none where it may be chance.

    Both have one label: a folder of masks may be a class (people who wear them, people who do not).
    """
    folders = [image.rpartition("/")[0] for image in images]
    above = {folder: _above_masks(folder) for folder in set(folders)}
    masks = {i: place for i, folder in enumerate(folders) if (place := above[folder]) is not None}
    if len(masks) < FEWEST or len(masks) == len(images):
        return []
    asked = {(place, _name(images[i]), labels[i]) for i, place in masks.items()}
    photos: dict[tuple[str, str, int], int | None] = {}
    for i, image in enumerate(images):
        for place in () if i in masks else _folders(image):
            if (key := (place, _name(image), labels[i])) in asked:
                photos[key] = None if key in photos else i
    pairs = [(i, photos.get((place, _name(images[i]), labels[i]))) for i, place in masks.items()]
    found = [(i, of) for i, of in pairs if of is not None]
    return found if len(found) >= FEWEST else []


def _above_masks(folder: str) -> str | None:
    """The folder in which the first folder of masks on a path lies; None where none does."""
    parts = folder.split("/")
    at = next((k for k, part in enumerate(parts) if FOLDER.search(part)), None)
    return None if at is None else "/".join(parts[:at])


def _folders(image: str) -> Iterator[str]:
    """The folders that a file lies in, from "" on."""
    parts = image.split("/")[:-1]
    return ("/".join(parts[:k]) for k in range(len(parts) + 1))


def _name(image: str) -> str:
    return stem_of(image.rpartition("/")[2])
