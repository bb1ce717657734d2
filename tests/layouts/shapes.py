"""Folders in the shape of published image tasks, from one table of shapes: names of files and columns, 60 tiny photos.

The table (`../shared/data/mlebench.csv`) is data for tests only: nothing of it stands in the product.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

TABLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "mlebench.csv"
TRAIN, TEST, CLASSES = 60, 12, 12


@dataclass
class Folder:
    """A generated folder. labels: of the train photos; test: (id, label) in the sample's order; classes: in all."""

    root: Path
    classes: list[str]
    labels: list[str] = field(default_factory=list)
    test: list[tuple[str, str]] = field(default_factory=list)


def tasks() -> dict[str, dict[str, str]]:
    """{task: its row}, all columns as text; empty where the table is not at hand."""
    if not TABLE.is_file():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["task"]: row for row in csv.DictReader(file)}


def generate(task: dict[str, str], root: Path) -> Folder:
    """Write the folder of one task."""
    header = next(csv.reader([task["submission_header"]]))
    folder = Folder(root, _classes(task, header))
    root.mkdir(parents=True)
    files = task["train_files"]
    if files.startswith("COCO"):
        _coco(task, folder)
    elif "class in the file name" in files:
        for i in range(TRAIN):
            name = ("cat", "dog")[i % 2]
            photo(root / f"train/{name}.{i}.jpg", i % 2)
            folder.labels.append(name)
        _test_photos(task, folder)
    elif files.startswith("folders per class"):
        for i in range(TRAIN // 4):
            for k, name in enumerate(("Cover", "JMiPOD", "JUNIWARD", "UERD")):
                photo(root / name / f"{i:05}.jpg", k)
        _test_photos(task, folder)
    else:
        _table(task, folder)
    sample(task, header, folder)
    return folder


def photo(path: Path, shade: int) -> None:
    """A photo of 16 pixels, a grey a class; what is no format of photos is a file of a few bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".dcm", ".npy"):
        path.write_bytes(b"no photo")
    else:
        noise = np.random.default_rng(len(str(path))).integers(-9, 10, (16, 16, 3))
        assert cv2.imwrite(str(path), np.clip(noise + 20 + 19 * shade, 0, 255).astype(np.uint8))


def vary(example: str, number: int) -> str:
    """Another value of the example's form: its last run of letters and digits is another one, its suffix stays."""
    head, _, name = example.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    stem, suffix = (stem, dot + suffix) if dot and len(suffix) < 5 and not suffix.isdigit() else (name, "")
    if re.fullmatch("[0-9a-f]{8,}", stem) and not stem.isdigit():
        new = hashlib.sha1(f"{number}".encode()).hexdigest().ljust(64, "0")[: len(stem)]
    elif match := re.search(r"\d+$", stem):
        width = len(match.group()) if match.group().startswith("0") or len(match.group()) > 4 else 0
        new = stem[: match.start()] + str(number).zfill(width)
    else:
        new = hashlib.sha1(f"{number}".encode()).hexdigest()[:8] + stem[8:]
    return f"{head}/{new}{suffix}" if head else new + suffix


def _classes(task: dict[str, str], header: list[str]) -> list[str]:
    if task["kind"] == "probabilities":
        return header[1:][:CLASSES]
    if "class in the file name" in task["train_files"]:
        return ["cat", "dog"]
    if task["kind"] == "binary_probability" or not task["classes"].strip("?").isdigit():
        return ["0", "1"]
    example = task["submission_example"].rpartition(",")[2]
    count = min(int(task["classes"].strip("?")), CLASSES)
    if example.isalpha():
        return [f"{example}_{k}" for k in range(count)]
    first = int(example.split()[0]) if example.split()[0].isdigit() else 0
    return [str(first + 7 * k) for k in range(count)]


def _columns(task: dict[str, str]) -> dict[str, str]:
    """{column: example value}, uncertain ones too."""
    pairs = (part.partition("=") for part in task["train_columns"].split(" | ") if "=" in part)
    return {name.rstrip("?"): value for name, _, value in pairs}


def _places(files: str) -> list[str]:
    return [re.sub(r"\(.*?\)|, e\.g\..*", "", part).strip() for part in files.split(";")]


def _table(task: dict[str, str], folder: Folder) -> None:
    """A train table, photos where its template says, and a test table where there is one."""
    places, columns = _places(task["train_files"]), _columns(task)
    where = next((p for p in places[1:] if "/" in p), "")
    header = next(csv.reader([task["submission_header"]]))
    keys = re.findall(r"\{(\w+)", where)
    own = [k for k in keys if k in columns and k != _label(columns, header)]
    key = own[-1] if own else next(iter(columns))
    rows = []
    for i in range(TRAIN):
        label = folder.classes[i % len(folder.classes)]
        row = {c: _cell(c, v, i) for c, v in columns.items()} | {key: vary(columns[key], i + 1)}
        row |= _labelled(task, columns, header, label, i)
        rows.append(row)
        folder.labels.append(label)
        if where:
            photo(folder.root / _fill(where, row, i), i % len(folder.classes))
    name = places[0].split(",")[0].split(" ")[0]
    if name.endswith(".csv"):
        _write(folder.root / name, rows)
    else:
        (folder.root / name).write_text(json.dumps(rows), encoding="utf-8")
    if "no table" in task["test_files"]:
        _test_photos(task, folder)
    elif name.endswith(".csv"):
        _test_table(task, folder, rows, key)


def _test_table(task: dict[str, str], folder: Folder, rows: list[dict[str, Any]], key: str) -> None:
    said = re.search(r"\((.*?)\)", task["test_files"])
    words = said.group(1) if said else ""
    whole = "as train" in words or "same columns" in words
    kept = list(rows[0]) if whole else [c.strip() for c in words.split(",")]
    kept = [c for c in kept if c not in words.partition("without ")[2].split()]
    where = next((p for p in _places(task["test_files"])[1:] if "/" in p), "")
    test = []
    for i in range(TEST):
        cells = next(csv.reader([task["submission_example"]]))
        row = dict(rows[i]) | {key: vary(cells[1 if task["submission_header"].startswith(",") else 0], i + 900)}
        test.append({c: row.get(c, "x") for c in kept})
        if where:
            photo(folder.root / _fill(where, row, i), i % len(folder.classes))
        folder.test.append((row[key], folder.classes[i % len(folder.classes)]))
    _write(folder.root / task["test_files"].split(" ")[0].rstrip(";"), test)


def _label(columns: dict[str, str], header: list[str]) -> str:
    return next((c for c in reversed(header) if c in columns), "")


def _labelled(task: dict[str, str], columns: dict[str, str], header: list[str], label: str, i: int) -> dict[str, str]:
    """The cells of a row that say its label, in the form that the task has."""
    if task["kind"] == "multi_label":
        binary = [c for c in columns if columns[c] in ("0", "1")]
        if binary:
            return {c: str(int((i + n) % 5 in (0, 1))) for n, c in enumerate(binary)}
        words = columns[header[-1]].rstrip("?").split()
        return {header[-1]: " ".join(words[: i % len(words) + 1])}
    if task["kind"] == "regression":
        return {header[-1]: str(1 + 7 * i % 100)} if header[-1] in columns else {}
    hot = [c for c in header[1:] if c in columns]
    if len(hot) > 1:
        return {c: str(int(c == label)) for c in hot}
    own = next((c for c in reversed(header) if c in columns and c != header[0]), None)
    beyond = [c for c in ("category_id", "species") if c in columns]
    return {own or beyond[0]: label} if own or beyond else {}


def _cell(column: str, example: str, i: int) -> str:
    """A value of a further column: numbers differ, words repeat."""
    value = example.rstrip("?")
    if re.fullmatch(r"0\.\d+", value):
        return f"{(i * 37 % 100) / 1e4:.4f}"
    return str(int(value) + i % 5) if value.isdigit() and not value.startswith("0") else value


def _fill(template: str, row: dict[str, Any], i: int) -> str:
    text = template.replace("{n}", "1").replace("{slice_number}", "1").replace("?", "")
    text = re.sub(r"\{\w+\|[^}]*\}", "FLAIR", text)
    text = re.sub(r"\{(\w+)\[0\]\}", lambda m: str(row[m.group(1)])[0], text)
    return re.sub(r"\{(\w+)\}", lambda m: str(row.get(m.group(1), i)), text)


def _test_photos(task: dict[str, str], folder: Folder) -> None:
    """Photos that only the sample names: `test/{id}.jpg`, its example's form."""
    where = re.sub(r"\(.*?\)", "", task["test_files"]).partition(";")[2].strip()
    for i in range(TEST):
        one = vary(task["submission_example"].split(",")[0], i + 1)
        photo(folder.root / re.sub(r"\{[^}]*\}", one, _fill_other(where), count=1), i % len(folder.classes))
        folder.test.append((one, folder.classes[i % len(folder.classes)]))


def _fill_other(where: str) -> str:
    """A template with all but the id's part filled in."""
    text = re.sub(r"\{\w+\[0\]\}", "0", where).replace("{n}", "1").replace("{slice_number}", "1").rstrip("?")
    return re.sub(r"\{\w+\|[^}]*\}", "FLAIR", text)


def _coco(task: dict[str, str], folder: Folder) -> None:
    """Annotations of photos; the test file lists photos only."""
    columns = _columns(task)
    listed = {name: {c.partition(".")[2]: v for c, v in columns.items() if c.startswith(name)}
              for name in ("images", "annotations", "categories")}  # fmt: skip
    key = "id" if "id" in listed["images"] else "image_id"
    number = "id" if "id" in listed["categories"] else "category_id"
    path = re.search(r"COCO json ([\w./]+)", task["train_files"])
    assert path is not None
    where = _places(task["train_files"])[-1]
    images, notes = [], []
    for i in range(TRAIN):
        label = folder.classes[i % len(folder.classes)]
        image = {c: _number(v) for c, v in listed["images"].items()} | {
            key: _number(vary(listed["images"][key], i + 1))
        }
        if "file_name" in image:
            image["file_name"] = vary(listed["images"]["file_name"], i + 1)
        images.append(image)
        note = {c: _number(v) for c, v in listed["annotations"].items()}
        notes.append(note | {"id": i, "image_id": image[key], "category_id": int(label)})
        folder.labels.append(label)
        photo(folder.root / _coco_place(where, image), i % len(folder.classes))
    categories = [{c: _number(v) for c, v in listed["categories"].items()} | {number: int(c), "name": f"name {c}"}
                  for c in folder.classes]  # fmt: skip
    whole = {"info": {}, "licenses": [], "images": images, "annotations": notes, "categories": categories}
    _json(folder.root / path.group(1), whole)
    if "val2019" in task["train_files"]:  # comes without its photos
        away = [{**image, "file_name": f"away/{i}.jpg", key: 5000 + i} for i, image in enumerate(images[:6])]
        _json(folder.root / "val2019.json", whole | {"images": away, "annotations": [
            {**note, "image_id": image[key]} for note, image in zip(notes, away, strict=False)]})  # fmt: skip
    _coco_test(task, folder, key, images[0])


def _coco_test(task: dict[str, str], folder: Folder, key: str, image: dict[str, Any]) -> None:
    files = task["test_files"]
    example = re.search(r"e\.g\. (\S+\.jpg)", files)
    where = _places(files)[-1]
    listed = []
    for i in range(TEST):
        one = vary(task["submission_example"].split(",")[0], i + 900)
        shown = {k: v for k, v in image.items() if k not in (key, "file_name")} | {key: _number(one)}
        if "file_name" in image:
            tail = example.group(1) if example else f"{one}.jpg"
            before = where.partition("{")[0]
            shown["file_name"] = vary(tail.removeprefix(before), i + 900)
        listed.append(shown)
        photo(folder.root / _coco_place(where, shown), i % len(folder.classes))
        folder.test.append((one, folder.classes[i % len(folder.classes)]))
    _json(folder.root / files.split(" ")[0], listed if "bare list" in files else {"images": listed, "categories": []})


def _coco_place(where: str, image: dict[str, Any]) -> str:
    return re.sub(r"\{(?:images\.)?(\w+)\}", lambda m: str(image[m.group(1)]), where)


def _number(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?(0|[1-9]\d*)", text) else text


def sample(task: dict[str, str], header: list[str], folder: Folder) -> None:
    """The sample submission: the header as it is, the answers those of the example."""
    name = task["sample_submission"].split(" ")[0]
    example = next(csv.reader([task["submission_example"]]))
    ids = [one for one, _ in folder.test] or [vary(example[0], i) for i in range(TEST)]
    place = 1 if header[0] == "" else 0
    lines = []
    for i, one in enumerate(ids):
        line = list(example)
        line[place] = one
        if place:
            line[0] = str(i)
        if task["kind"] == "single_label" and example[-1].isalpha():
            line[-1] = ""
        lines.append(line)
    with (folder.root / name).open("w", encoding="utf-8", newline="") as file:
        file.write(task["submission_header"] + "\n")
        csv.writer(file, lineterminator="\n").writerows(lines)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
