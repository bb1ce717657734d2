"""Photos that by their names were made of others beside them: `a_flip.jpg` of a.jpg, `a_jpg.rf.1b2c.jpg` of a_jpg."""

from collections.abc import Sequence

from trainable.data.layouts.photos import MARK, stem_of

EXPORTED = ".rf."  # Roboflow's exports: what is before it is one photo, augmented several times
FEWEST = 3  # photos that others are named after, below which it is chance


def named_after(images: Sequence[str]) -> list[tuple[int, int]]:
    """(photo, the photo that it is named after), numbers of `images`, which are paths; none where it may be chance."""
    first: dict[tuple[str, str], int] = {}
    for i, image in enumerate(images):
        first.setdefault(_split(image), i)
    found = []
    for i, image in enumerate(images):
        folder, stem = _split(image)
        of = first[folder, stem]
        heads = (stem[: mark.start()] for mark in MARK.finditer(stem))
        of = next((first[folder, head] for head in heads if head and (folder, head) in first), of)
        if of != i:
            found.append((i, of))
    return found if len({of for _, of in found}) >= FEWEST else []


def _split(image: str) -> tuple[str, str]:
    folder, _, name = image.rpartition("/")
    stem = stem_of(name)
    return ("", stem.partition(EXPORTED)[0]) if EXPORTED in stem else (folder, stem)
