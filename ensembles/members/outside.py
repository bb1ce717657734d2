"""Members from elsewhere: tables of probabilities that some other program wrote (`ensembles.build --also DIR`).

DIR holds a pair of tables a member: oof_NAME, of the run's training rows, each predicted by a model that did not see
its group, and sub_NAME, of the test photos, whose classes are called as in training or as in the submission. As .csv
the first column is the image, then a column a class; as .npz `image` str[N], `classes` str[C] and `probabilities` float
[N, C]. A column (or array) `fold` of an oof table says who predicted each row. `foldvote oof RUN` writes a run's own
trials so.
"""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ensembles.members.member import JOINT
from trainable.data.manifest import TestSet
from trainable.data.text_tables import read_table, without_index
from trainable.errors import InputError
from trainable.files import read_npz
from trainable.words import few

SUFFIXES = (".csv", ".npz")
FOLD = "fold"
Parts = tuple[list[str], np.ndarray, list[str], np.ndarray | None]  # names, probabilities, classes, folds
SUM = 1e-3  # how far a row's sum may be from 1: tables are rounded


@dataclass(frozen=True)
class Outside:
    """A member that no network of ours stands behind: it predicts the test photos that its table names.

    oof_score: of its out-of-fold probabilities, in the metric of the run. same_folds: whether its table says that it
    has the run's folds; if not, the nested estimate holds without it only. classes: as training calls them.
    """

    oof: Path
    sub: Path
    oof_score: float = float("nan")
    same_folds: bool = False
    classes: tuple[str, ...] = ()

    target = JOINT
    factors = ()
    times = ()
    all_rows = False

    @property
    def name(self) -> str:
        return f"{self.oof.parent.name}/{self.oof.stem.removeprefix('oof_')}"

    def on_all_rows(self) -> "Outside":
        return self

    def on_test(self, test: TestSet) -> np.ndarray:
        """Probabilities float32 [M, C] of the test photos; raises InputError where the table does not fit them."""
        return read_outside(self.sub, test.images, self.classes, test.form.names, test.items)[0]


def find_outside(folder: Path, say: Callable[[str], None] = print) -> list[Outside]:
    """The pairs of a folder, by name; raises InputError where there are none. say: told of halves without the other."""
    there = sorted(f for f in folder.iterdir() if f.is_file()) if folder.is_dir() else []
    tables = [f for f in there if f.name.startswith("oof_")]
    if not tables:
        raise InputError(
            f"--also: received {folder}, without tables; allowed: a folder with oof_NAME.csv and sub_NAME.csv, or .npz"
        )
    if strange := [f.name for f in tables if f.suffix.lower() not in SUFFIXES]:
        raise InputError(f"--also: received {few(strange)} in {folder}; allowed: tables as .csv or .npz")
    if len({f.stem for f in tables}) < len(tables):
        raise InputError(f"--also: received {few(f.name for f in tables)} in {folder}; allowed: each name once")
    found, alone = [], []
    for oof in tables:
        name = oof.stem.replace("oof_", "sub_", 1)
        sub = next((half for half in there if half.stem == name and half.suffix.lower() in SUFFIXES), None)
        if sub is None:
            alone.append(f"{oof.name} without {name}.csv")
        else:
            found.append(Outside(oof.absolute(), sub.absolute()))
    if not found:
        raise InputError(f"--also: received {folder}, where there is {few(alone)}; allowed: both")
    if alone:
        say(f"left out: in {folder} there is {few(alone)}, which says nothing of the test photos")
    return found


def read_outside(
    file: Path,
    images: Sequence[str],
    classes: Sequence[str],
    answers: Sequence[str] = (),
    items: Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Probabilities float32 [N, C] of these images and classes, in their order, and the folds str[N] that it tells.

    answers: what else the table may call the classes, in their order. An image goes by its path, or by its file's name
    with or without ending where that is one image's alone. items: int[N], rising, the thing that each image is a photo
    of: then a row a thing will do, called as its first photo, as `foldvote oof` writes it. Raises InputError for other
    rows or classes, and for what is no probability.
    """
    parts = _csv(file, classes) if file.suffix.lower() == ".csv" else _npz(file)
    if items is None or not len(parts[0]) == len(set(items)) < len(images):
        return _of_images(file, images, (classes, answers), parts)
    first, place = np.unique(np.searchsorted(items, items), return_inverse=True)
    found, fold = _of_images(file, [images[i] for i in first], (classes, answers), parts)
    return found[place], None if fold is None else fold[place]


def _of_images(
    file: Path, images: Sequence[str], readings: Sequence[Sequence[str]], parts: Parts
) -> tuple[np.ndarray, np.ndarray | None]:
    """As `read_outside`, of a table with a row an image; readings: what classes may be called, in their order."""
    names, held, told, fold = parts
    called = next((reading for reading in readings if sorted(reading) == sorted(told)), None)
    if called is None:
        classes = readings[0]
        raise InputError(f"{file}: received classes {few(sorted(told))}; allowed: {few(list(classes))}, a column each")
    place = {name: row for row, name in enumerate(names)}
    if len(place) < len(names):
        raise InputError(f"{file}: received {len(names) - len(place)} images twice; allowed: each once")
    rows = [_row(place, image) for image in images]
    missing = [image for image, row in zip(images, rows, strict=True) if row < 0]
    if missing or len(names) != len(images) or len(set(rows)) != len(rows):
        lacks = f", none for {few(missing)}" if missing else ""
        raise InputError(
            f"{file}: received {len(names)} rows{lacks}; allowed: one for each of the {len(images)} images"
        )
    order = [told.index(name) for name in called]
    found = held[rows][:, order]
    sums = found.sum(1)
    if not (np.isfinite(found).all() and (found >= 0).all() and (np.abs(sums - 1) <= SUM).all()):
        wrong = int(np.flatnonzero(~((found >= 0).all(1) & (np.abs(sums - 1) <= SUM)))[0])
        raise InputError(
            f"{file}: received {found[wrong].round(3).tolist()} for {images[wrong]}; allowed: probabilities of 0 or "
            "more that sum to 1"
        )
    return (found / sums[:, None]).astype(np.float32), None if fold is None else fold[rows]


def same_parts(told: np.ndarray | None, fold: np.ndarray) -> bool:
    """Whether two numberings [N] part the rows alike, whatever the parts are called."""
    if told is None:
        return False
    pairs = set(zip(told.tolist(), fold.tolist(), strict=True))
    return len(pairs) == len(set(told.tolist())) == len(set(fold.tolist()))


def _row(place: dict[str, int], image: str) -> int:
    path = Path(image)
    return next((place[name] for name in (image, path.name, path.stem) if name in place), -1)


def _csv(file: Path, classes: Sequence[str]) -> Parts:
    table = without_index(read_table(file, ()))
    fold = table.pop(FOLD).to_numpy(str) if FOLD in table and FOLD not in classes else None
    names, columns = table.iloc[:, 0].tolist(), [str(c) for c in table.columns[1:]]
    try:
        return names, table.iloc[:, 1:].to_numpy(np.float64), columns, fold
    except ValueError as error:
        raise InputError(f"{file}: received a cell that is no number ({error}); allowed: probabilities") from None


def _npz(file: Path) -> Parts:
    try:
        held = read_npz(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):  # numpy would have it read with pickle
        raise InputError(f"{file}: received no npz of plain arrays; allowed: arrays of text and of numbers") from None
    lacks = {"image", "classes", "probabilities"} - set(held)
    if lacks:
        raise InputError(f"{file}: received no {', '.join(sorted(lacks))}; allowed: image, classes, probabilities")
    names, classes, table, fold = (held.get(name) for name in ("image", "classes", "probabilities", FOLD))
    assert names is not None and classes is not None and table is not None
    fits = names.ndim == classes.ndim == 1 and table.shape == (len(names), len(classes)) and table.dtype.kind in "fiu"
    if not fits or (fold is not None and fold.shape != names.shape):
        shapes = ", ".join(f"{name} {array.dtype}{list(array.shape)}" for name, array in held.items())
        raise InputError(
            f"{file}: received {shapes}; allowed: image [N], classes [C], probabilities [N, C] as numbers, fold [N]"
        )
    return names.astype(str).tolist(), table.astype(np.float64), classes.astype(str).tolist(), fold
