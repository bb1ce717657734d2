"""Files that hold the same bytes, without reading those that nobody is equal to."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from trainable.data.manifest import Manifest
from trainable.files import digest

SAMPLED = 4096  # bytes of files of one size that are compared before all are
Place = tuple[Path, str]


def known_in_training(manifest: Manifest, root: Path, images: Sequence[str]) -> int:
    """How many of these images below `root` are among the manifest's; those whose file is gone know none."""
    own = [(manifest.root, str(image)) for image in manifest.frame["image"]]
    own = [(folder, name) for folder, name in own if (folder / name).is_file()]
    found = equal_files([*own, *((root, image) for image in images)])
    return sum(sum(place >= len(own) for place in equal) for equal in found if min(equal) < len(own))


def equal_files(places: Sequence[Place]) -> list[list[int]]:
    """Places that hold the same, several each. Files are told apart by size, then by a sample, then by all bytes."""
    found = [list(range(len(places)))]
    for key in (_size, _sample, lambda path: digest(path)):
        parts: dict[tuple[int, object], list[int]] = defaultdict(list)
        for number, group in enumerate(found):
            for place in group:
                root, name = places[place]
                parts[number, key(root / name)].append(place)
        found = [group for group in parts.values() if len(group) > 1]
    return found


def _size(path: Path) -> int:
    return path.stat().st_size


def _sample(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size // 2 - SAMPLED // 2))
        return file.read(SAMPLED)
