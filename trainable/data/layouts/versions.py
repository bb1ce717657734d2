"""Photos made of others that lie in a folder called after theirs: `train_224/cat/1.jpg` of train/cat/1.jpg."""

import re
from collections.abc import Iterator, Sequence

from trainable.data.layouts.photos import stem_of

# What is behind the name of the folder that they were made of; not a year, nor one number, which count parts.
MADE = re.compile(
    r"[_\- ]?\(?([0-9]{2,3}(x[0-9]{2,4})?(px)?|[0-9]{4}x[0-9]{3,4}|re(sized?|scaled)|small|tiny|thumb(nail)?s?|"
    r"crops?|cropped|aug(mented)?|(pre)?processed|gr[ae]y(scale)?|enhanced|clahe|png|jpe?g|copy)\)?$",
    re.IGNORECASE,
)
FEWEST = 3  # below which it is chance


def versions_of(images: Sequence[str], labels: Sequence[int]) -> list[tuple[int, int]]:
    """(photo, the one it was made of), numbers of `images`, which are paths; none where it may be chance.

    Both have one label, and one name and path but for the end of one folder's name.
    """
    paths = [image.rpartition("/") for image in images]
    plain = {folder: tuple(_plain(folder)) for folder in {folder for folder, _, _ in paths}}
    if not any(plain.values()):
        return []
    stems = [(folder, stem_of(name)) for folder, _, name in paths]
    place = {(*stem, label): i for i, (stem, label) in enumerate(zip(stems, labels, strict=True))}
    found = []
    for i, ((folder, stem), label) in enumerate(zip(stems, labels, strict=True)):
        of = next((place[key] for one in plain[folder] if (key := (one, stem, label)) in place), i)
        if of != i:
            found.append((i, of))
    return found if len(found) >= FEWEST else []


def _plain(path: str) -> Iterator[str]:
    """A folder's path with the end of each of its names cut in turn, where that says what was made."""
    parts = path.split("/")
    for k, part in enumerate(parts):
        if (head := MADE.sub("", part)) not in ("", part):
            yield "/".join([*parts[:k], head, *parts[k + 1 :]])
