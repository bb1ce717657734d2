"""COCO-style JSON of classification: images, annotations with a category each, categories.

    train/metadata.json  test/metadata.json  train/images/156/72/1104517.jpg

    {"images": [{"id": 1, "file_name": "images/156/72/1104517.jpg"}],
     "annotations": [{"image_id": 1, "category_id": 27}], "categories": [{"id": 27, "name": "Abies alba"}]}

`image_id` and `category_id` may stand for `id` there. The label is the category's number, since submissions ask for it,
or its name where a sample submission holds names. Further keys of the three lists are columns.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from trainable.data.flags import Flags
from trainable.data.layouts.photos import HIDDEN, Photos, role_of
from trainable.data.layouts.sample import Sample
from trainable.data.layouts.sources import Source, Table
from trainable.data.layouts.tables import choose, table_files
from trainable.data.text_tables import decode, records
from trainable.errors import InputError
from trainable.words import few

IMAGE, CATEGORY = "image_id", "category_id"
IMAGES = ("file_name", IMAGE)


def find_coco(root: Path, photos: Photos, sample: Sample | None, flags: Flags) -> Source | None:
    """The folder's annotated photos; None where no JSON has annotations of photos."""
    tables: list[Table] = []
    names: dict[str, str] = {}
    for path in table_files(root, (".json",)):
        if HIDDEN.search(path.name) or (content := _json(path)) is None:
            continue
        role = role_of(path.stem) or role_of(path.parent.name)
        folder = path.parent.relative_to(root).as_posix()
        folder = "" if folder == "." else folder
        if role == "test" and (listed := _images(content)) is not None:
            tables.append(Table(_with_id(listed, IMAGE, path), path, folder))
        elif role != "test" and isinstance(content, dict) and _annotated(content):
            frame, notes = _joined(content, path)
            tables.append(Table(frame, path, folder, notes))
            if "name" in frame:
                own = dict(zip(frame[CATEGORY], frame["name"], strict=True))
                other = [f"{k} ({own[k]}, {names[k]})" for k in own if names.get(k, own[k]) != own[k]]
                if other and flags.label is None:
                    raise InputError(
                        f"{path.name}: categories with other names than before: received {few(other)}; allowed: one "
                        "name a category, or --label name"
                    )
                names |= own
    if not any(CATEGORY in t.columns for t in tables):
        return None
    source = choose(tables, photos, sample, flags, "COCO JSON", IMAGES)
    if source is None:
        raise InputError(
            f"data folder {root}: no image found for what {tables[0].path.name} lists; allowed: photos where file_name "
            "says, or named by their id"
        )
    label = flags.label or _label(sample, names)
    return Source(source.layout, source.train, source.test, label, IMAGES, source.lines)


def _label(sample: Sample | None, names: dict[str, str]) -> str:
    """`name` where the sample submission holds names of categories, else their number."""
    if sample is None or len(sample.named) < 2:
        return CATEGORY
    held = {value for column in sample.named[1:] for value in sample.table[column]} | set(sample.named[1:])
    by_name = held & set(names.values())
    return "name" if by_name and not held & set(names) else CATEGORY


def _json(path: Path) -> Any:
    try:
        return json.loads(decode(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is no JSON: {error}; allowed: images, annotations and categories") from None


def _images(content: Any) -> list | None:
    """The list of photos of a test file, which may be the whole of it."""
    listed = content.get("images") if isinstance(content, dict) else content
    if not isinstance(listed, list) or not listed or not all(isinstance(row, dict) for row in listed):
        return None
    return listed if any(key in listed[0] for key in ("id", *IMAGES)) else None


def _annotated(content: dict) -> bool:
    lists = [content.get(name) for name in ("images", "annotations")]
    if not all(isinstance(rows, list) and rows and isinstance(rows[0], dict) for rows in lists):
        return False
    return {IMAGE, CATEGORY} <= set(content["annotations"][0])


def _with_id(rows: list, name: str, path: Path) -> pd.DataFrame:
    """A list as a table whose key is `name`, which the list may call `id`."""
    frame = records(rows, path.name)
    return frame if name in frame or "id" not in frame else frame.rename(columns={"id": name})


def _joined(content: dict, path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A row an annotation with what its image and its category say, and what is to be said of the others.

    Photos with several categories are refused.
    """
    images = _with_id(content["images"], IMAGE, path)
    notes = records(content["annotations"], path.name)
    notes = notes.drop(columns="id", errors="ignore")
    notes = notes[~notes.duplicated([IMAGE, CATEGORY])]
    several = notes.loc[notes[IMAGE].duplicated(keep=False), IMAGE].unique()
    if len(several):
        raise InputError(
            f"{path.name}: several labels a photo: received {few(several)} with annotations of several categories; "
            "allowed: one label a photo (multi-label tasks and detection are not for this version)"
        )
    strange = sorted(set(notes[IMAGE]) - set(images[IMAGE]))
    if strange:
        raise InputError(
            f"{path.name}: annotations of images that it does not list: received {few(strange)}; allowed: its own"
        )
    lacking = images[IMAGE][~images[IMAGE].isin(notes[IMAGE])]
    said = f"warning: {path.name}: {len(lacking):,} of {len(images):,} images have no annotation and do not train"
    frame = images.merge(notes, on=IMAGE, suffixes=("", ".annotation"))
    if content.get("categories"):
        categories = _with_id(content["categories"], CATEGORY, path).drop_duplicates(CATEGORY)
        frame = frame.merge(categories, on=CATEGORY, how="left", suffixes=("", ".category")).fillna("")
    return frame, (said,) if len(lacking) else ()
