"""A folder per class, with train/, valid/ and test/ or without; or the class as the first part of a file's name.

    cat/1.jpg  dog/2.jpg        train/cat/1.jpg  test/9.jpg        train/cat.0.jpg  train/dog.0.jpg  test/1.jpg

Folders one below another (`family/species/1.jpg`, `class/patient/1.jpg`) are columns folder_1, folder_2: which of them
is the label, a sample submission or `--label folder_2` says.
"""

import re
from collections.abc import Sequence
from os.path import commonpath
from pathlib import Path

import pandas as pd

from trainable.data.flags import Flags
from trainable.data.layouts.photos import MARK, Photos, role_of, role_of_path, stem_of
from trainable.data.layouts.sample import Sample
from trainable.data.layouts.sources import Source, Table
from trainable.data.values import clean
from trainable.errors import InputError
from trainable.images.kinds import LITTER
from trainable.words import count, few

CLASS_FOLDERS = "class folders"  # what the layout is called
IMAGE, LABEL = "image", "label"
FIRST_PART = re.compile(r"([^._\- ]+)[._\- ]")
WORDS = re.compile(r"[^\W\d_]+")
OF_TEST = {"all", "data", "dataset", "files", "image", "images", "img", "imgs", "jpg", "photo", "photos", "pic", "pics",
           "picture", "pictures", "png", "set", "split", "stage", "stg", "test", "testing", "tests", "unknown",
           "unlabeled"}  # fmt: skip
FEWEST = 2  # photos a class, on average, for first parts of names to be classes


def find_class_folders(root: Path, photos: Photos, sample: Sample | None, flags: Flags) -> Source | None:
    """Photos that lie in a folder per class; None where they lie in one folder, or at different depths.

    Where those of a training folder do so, others beside it are left out aloud; `--image FOLDER` says which count.
    """
    names, apart = _named_by_flag(root, photos, flags)
    if flags.image is None and "train" in photos.roles:
        training, elsewhere = _of_training(photos)
        if levels_of(parted(training)[2]) or not levels_of(parted(names)[2]):  # a folder beside train/ is no class
            names, apart = training, elsewhere
    below, common, folders = parted(names)
    if not (levels := levels_of(folders)):
        return None
    _refuse_test_class(root, photos, names)
    frame = pd.DataFrame({IMAGE: names}, dtype=str)
    columns = [LABEL] if levels == 1 else [f"folder_{i + 1}" for i in range(levels)]
    for i, column in enumerate(columns):
        frame[column] = [f[i] for f in folders]
    label = (
        LABEL
        if levels == 1 and flags.label is None
        else _of_sample(frame, columns, sample)
        if flags.label is None
        else ""
    )
    if not label and flags.label is None:
        readings = " or ".join(f"{c} ({frame[c].nunique():,} values, --label {c})" for c in columns)
        raise InputError(
            f"data folder {root}: two readings: the label is {readings}; allowed: one of them, by its flag"
        )
    place = (
        f"below {common}"
        if common
        else "below " + " and ".join(sorted({top for top, _ in below if top}))
        if any(top for top, _ in below)
        else "below the data folder"
    )
    lines = [f"label = the folder {place}: {frame[columns[0]].nunique():,} folders, {len(frame):,} photos"]
    valid = sum(role_of(top) == "valid" for top, _ in below)
    if valid:
        lines.append(f"{valid:,} photos of a validation folder train and are scored too: folds are made of all")
    asked = set() if sample is None else {clean(v) for c in sample.named[:1] for v in sample.table[c]}
    lines += _apart_said([n for n in apart if not asked & {n, base := n.rpartition("/")[2], stem_of(base)}])
    if levels == 1 and (empty := _without_photos(root, names)):
        lines.append(f"no photo in {few(empty)}: no class")
    return Source(CLASS_FOLDERS, Table(frame, root, ""), None, label, (IMAGE,), tuple(lines))


def parted(names: list[str]) -> tuple[list[tuple[str, str]], str, list[list[str]]]:
    """Paths cut behind their folder of a part, the folder that all lie in, and the folders of each below it."""
    below = [_without_split(name) for name in names]
    common = _common_folder([path for _, path in below])
    return below, common, [path.removeprefix(common).strip("/").split("/")[:-1] for _, path in below]


def levels_of(folders: list[list[str]]) -> int:
    """How many folders each photo lies in, if all lie in as many and the first of them differ; else 0."""
    depth = {len(f) for f in folders}
    return next(iter(depth)) if len(depth) == 1 and len({f[0] for f in folders if f}) > 1 else 0


def _named_by_flag(root: Path, photos: Photos, flags: Flags) -> tuple[list[str], list[str]]:
    """Photos of no test folder, of those below the folder that `--image` names, and the others."""
    names = [name for name, role in zip(photos.names, photos.roles, strict=True) if role != "test"]
    if flags.image is None or not (root / flags.image).is_dir():
        return names, []
    inside = set(photos.below_folder(flags.image).names)
    return [n for n in names if n in inside], [n for n in names if n not in inside]


def _apart_said(apart: Sequence[str]) -> list[str]:
    """A warning of photos beside those that train, where there are any."""
    if not apart:
        return []
    return [
        f"warning: {count(len(apart), 'photo')} elsewhere, such as {apart[0]}, neither train nor are predicted "
        "(--image FOLDER: the photos below it train)"
    ]


def _of_training(photos: Photos) -> tuple[list[str], list[str]]:
    """Photos of training and validation folders, and those of neither these nor test folders."""
    pairs = list(zip(photos.names, photos.roles, strict=True))
    return [n for n, role in pairs if role in ("train", "valid")], [n for n, role in pairs if not role]


def _refuse_test_class(root: Path, photos: Photos, names: list[str]) -> None:
    """InputError where a folder of test photos lies beside classes and has more in its name, as `crash_test`."""
    above = {name.rpartition("/")[0].rpartition("/")[0] for name in names}
    known = set(names)
    for name, role in zip(photos.names, photos.roles, strict=True):
        place, _, folder = name.rpartition("/")[0].rpartition("/")
        if (
            role == "test"
            and name not in known
            and place in above
            and (more := set(WORDS.findall(folder.lower())) - OF_TEST)
        ):
            raise InputError(
                f"data folder {root}: two readings: photos of {folder} are to be predicted, or of a class, by the word "
                f"{min(more)}; allowed: a folder test for the former, a name without test for the latter"
            )


def refuse_loose(root: Path, photos: Photos) -> None:
    """InputError where photos lie in folders and beside them, or at different depths: these may be classes but for
    some."""
    held = {name.rpartition("/")[0] for name in photos.names}
    parts = sorted({folder for folder in held if role_of(folder.rpartition("/")[2])} if len(held) > 1 else ())
    plain = sorted(folder for folder in held if not role_of_path(f"{folder}/"))
    if parts and (plain or all(role_of(folder) == "test" for folder in parts)):
        raise InputError(
            f"data folder {root}: {few(parts)}: photos of a part of the data, by the folder's name"
            f"{f', beside {few(plain)}' if plain else ''}; allowed: another name for a class"
        )
    names = [name for name, role in zip(photos.names, photos.roles, strict=True) if role != "test"]
    common = _common_folder(names)  # train/, where all lie in it
    below = {name: name.removeprefix(common).strip("/") for name in names}
    loose = [name for name, path in below.items() if "/" not in path]
    folders = {path.partition("/")[0] for path in below.values() if "/" in path}
    if loose and len(folders) > 1:
        raise InputError(
            f"data folder {root}: received {count(len(loose), 'photo')} beside the folders {few(sorted(folders))}: "
            f"{few(loose)}; allowed: every photo in the folder of its class, or a table that names them"
        )
    deep = {name.count("/"): name for name, role in zip(photos.names, photos.roles, strict=True) if role != "test"}
    if len(deep) > 1 and len(folders) > 1:
        raise InputError(
            f"data folder {root}: photos in folders of different depths: received {few(deep.values())}; allowed: every "
            "photo in the folder of its class, --image FOLDER for those below one, or a table that names them"
        )


def _without_photos(root: Path, names: list[str]) -> list[str]:
    """Folders beside those of `names` that hold none."""
    known = {name.rpartition("/")[0] for name in names}
    above = {folder.rpartition("/")[0] for folder in known}
    there = {
        f"{place}/{entry.name}".strip("/"): entry.name
        for place in above
        for entry in (root / place).iterdir()
        if entry.is_dir() and not entry.name.startswith(".") and entry.name not in LITTER and not role_of(entry.name)
    }
    return sorted(name for path, name in there.items() if not any(f"{n}/".startswith(f"{path}/") for n in known))


def find_first_parts(root: Path, photos: Photos, flags: Flags, beside: Sequence[str]) -> Source | None:
    """Photos whose names begin with their class; None where names do not, or hardly two begin alike.

    beside: tables that name no photo. InputError for these, unless `--label` says that names hold the class, and where
    names have further parts that repeat: `american_bulldog_1.jpg`, `patient_class_1.jpg`.
    """
    names, apart = _named_by_flag(root, photos, flags)
    stems = [stem_of(name.rpartition("/")[2]) for name in names]
    marked = [stem + "." * (not stem.isdigit()) for stem in stems]  # a number alone is no class
    if not names or not all(map(FIRST_PART.match, marked)):
        return None
    parts = [[part for part in MARK.split(stem) if part] for stem in stems]
    found = {f"part_{k + 1}": column for k, column in enumerate(zip(*parts, strict=False))}
    if any(any(c.isdigit() for c in part[-1]) for part in parts):  # a number at the end counts photos of one kind
        ends = min(map(len, parts)) - 1
        found = {f"part_{k + 1}": column for k, column in enumerate(found.values()) if k < max(1, ends)}
    found["front"] = tuple("_".join(part[: max(1, len(part) - 1)]) for part in parts)
    found = {name: column for name, column in found.items() if 2 <= len(set(column)) <= len(names) / FEWEST}
    if "part_1" not in found and not {*(flags.label or "").split(",")} & {*found}:
        return None
    if "part_1" in found and found.get("front") == found["part_1"]:
        del found["front"]
    frame = pd.DataFrame({IMAGE: names, **found}, dtype=str)
    values = " or ".join(f"{c} ({few(dict.fromkeys(column))}, --label {c})" for c, column in found.items())
    first = names[0].rpartition("/")[2]
    folders = {tuple(part for part in name.split("/")[:-1] if not role_of(part)) for name in names}
    if flags.label is None and len(folders) > 1:
        shown = few(sorted("/".join(folder) or "." for folder in folders))
        raise InputError(
            f"data folder {root}: two readings: the label is a part of the file's name ({first}), {values}, or a "
            f"folder, such as {shown}; allowed: the flag, or a folder per class (train/CLASS/PHOTO)"
        )
    if flags.label is None and (parts := sorted(value for value in set(found["part_1"]) if role_of(value))):
        raise InputError(
            f"data folder {root}: no label: names of photos begin with {few(parts)} ({first}), a part of the data; "
            "allowed: a folder per class, a table that names the photos, or --label part_1 where these are classes"
        )
    if flags.label is None and beside:
        raise InputError(
            f"data folder {root}: two readings: the label is a part of the file's name, {values}, or in {few(beside)}, "
            "where no column names a photo here; allowed: file names or ids there, or the flag"
        )
    if flags.label is None and len(found) > 1:
        raise InputError(
            f"data folder {root}: two readings: the label is a part of the file's name ({first}): {values}; allowed: "
            "one of them, by its flag (and one by --group where it says what belongs together)"
        )
    label = "" if flags.label is not None else "part_1"
    told: list[str] = []
    if label:
        told = [f"label = the first part of the file's name: {len(set(found[label])):,} values, such as in {first}"]
    told += _apart_said(apart)
    return Source("class in the file name", Table(frame, root, ""), None, label, (IMAGE,), tuple(told))


def _without_split(name: str) -> tuple[str, str]:
    """A path cut behind its innermost folder called train or valid: that folder, and the rest."""
    parts = name.split("/")
    for i in range(len(parts) - 2, -1, -1):
        if role_of(parts[i]) in ("train", "valid"):
            return "/".join(parts[: i + 1]), "/".join(parts[i + 1 :])
    return "", name


def _common_folder(paths: list[str]) -> str:
    """The folder that all lie in, less the last level where it would leave no folder that differs."""
    folders = [path.rpartition("/")[0] for path in paths]
    return commonpath([f"/{f}" for f in folders]).strip("/") if folders else ""


def _of_sample(frame: pd.DataFrame, columns: list[str], sample: Sample | None) -> str:
    """The level of folders whose names the sample submission holds, "" where none or several do."""
    if sample is None:
        return ""
    held = {value for column in sample.named for value in (column, *sample.table[column])}
    own = [c for c in columns if set(frame[c]) <= held]
    return own[0] if len(own) == 1 else ""
