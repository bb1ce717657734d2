"""Photos that by their names were made of others: `a_flip.jpg` of a.jpg beside it, `a_jpg.rf.1b2c.jpg` of a_jpg,
`augmented/M01_02_flip.jpg` of original/M01_02.jpg, where one photo alone has that name,
`grayscale/0a1b2c3d.jpg` of color/0a1b2c3d.jpg, `segmented/0a1b2c3d_final_masked.jpg` too.
"""

import re
from collections import Counter
from collections.abc import Sequence

from trainable.data.layouts.photos import DIGITS, MARK, stem_of

EXPORTED = ".rf."  # Roboflow's exports: what is before it is one photo, augmented several times
OWN_NAME = re.compile(r"(?=.*[0-9])(?=.*[^\W\d_]).{4,}")  # of a photo that others in other folders are named after
LONG_NAME = re.compile(r"(?=.*[0-9])(?=.*[^\W\d_]).{8,}")  # that no two photos have by chance, where it is no counter
FEWEST = 3  # photos that others are named after, below which it is chance


def named_after(images: Sequence[str]) -> list[tuple[int, int]]:
    """(photo, the photo that it is named after), numbers of `images`, which are paths; none where it may be chance."""
    first: dict[tuple[str, str], int] = {}
    for i, image in enumerate(images):
        first.setdefault(_split(image), i)
    alone, same = _alone(images), _same_names(images)
    found = []
    for i, image in enumerate(images):
        folder, stem = _split(image)
        of = first[folder, stem]
        heads = [stem[: mark.start()] for mark in MARK.finditer(stem)]
        of = next((first[folder, head] for head in heads if head and (folder, head) in first), of)
        if of == i:
            of = same.get(stem, i)
        if of == i:
            of = next((one[head] for head in reversed(heads) for one in (alone, same) if head in one), of)
        if of != i:
            found.append((i, of))
    return found if len({of for _, of in found}) >= FEWEST else []


def _alone(images: Sequence[str]) -> dict[str, int]:
    """{name without suffix: number} of photos whose name says something, and is no other photo's."""
    stems = [_split(image)[1] for image in images]
    counts = Counter(stems)
    return {stem: i for i, stem in enumerate(stems) if counts[stem] == 1 and OWN_NAME.fullmatch(stem)}


def _same_names(images: Sequence[str]) -> dict[str, int]:
    """{name without suffix: its first photo} of names that several folders have, where these are no counters.

    `color/0a1b2c3d.jpg` and `grayscale/0a1b2c3d.jpg` are one leaf; IMG_0001 of two cameras are two.
    """
    first: dict[str, int] = {}
    twice: dict[str, int] = {}
    for i, image in enumerate(images):
        stem = _split(image)[1]
        if (of := first.setdefault(stem, i)) != i and LONG_NAME.fullmatch(stem):
            twice[stem] = of
    kinds = {DIGITS.sub("#", stem) for stem in twice}
    return twice if len(kinds) > len(twice) / 2 else {}


def _split(image: str) -> tuple[str, str]:
    folder, _, name = image.rpartition("/")
    stem = stem_of(name)
    return ("", stem.partition(EXPORTED)[0]) if EXPORTED in stem else (folder, stem)
