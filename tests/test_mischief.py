"""Tables and folders of the mischief that people's data hold: nothing makes scores dishonest, and nothing a traceback.

Labels here are drawn a group, and colours too, so that only memory of a group tells a label: whatever scores better
than a clean copy of the data has leaked. Scores are of a head on colours: the label of the nearest training photo.
"""

from __future__ import annotations

import csv
import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import listing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from trainable.config import TrialConfig
from trainable.data.flags import Flags
from trainable.data.folds import Folds, make_folds
from trainable.data.layouts import plan_lines, read_manifest
from trainable.data.manifest import Manifest
from trainable.data.rows import training_rows
from trainable.errors import InputError
from trainable.images.decode import read_image

GROUPS, EACH = 20, 4
LEAKS = 0.7  # of 20 groups whose labels are coin tosses; memory alone reaches 1


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As cases/leak.py: each group has a colour and a label drawn at random."""
    root, rng = tmp_path_factory.mktemp("clean"), np.random.default_rng(3)
    (root / "i").mkdir()
    lines = [("path", "label", "group")]
    labels = rng.permutation(np.arange(GROUPS) % 2)
    for g in range(GROUPS):
        colour = rng.integers(20, 236, 3)
        for k in range(EACH):
            pixels = np.clip(colour + rng.normal(0, 6, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / f"i/{g:02}_{k}.png")
            lines.append((f"i/{g:02}_{k}.png", "ab"[labels[g]], f"persón{g}"))
    write(root, "manifest.csv", lines)
    return root


def write(root: Path, name: str, lines: list[tuple[str, ...]], mark: str = ",", encoding: str = "utf-8") -> None:
    with (root / name).open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=mark, lineterminator="\n").writerows(lines)


def table_of(root: Path) -> list[tuple[str, ...]]:
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


def copy(clean: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    (to / "i").mkdir(parents=True)
    for file in (clean / "i").iterdir():
        os.link(file, to / "i" / file.name)
    shutil.copy(clean / "manifest.csv", to)
    return to


def score(manifest: Manifest) -> tuple[float, list[int]]:
    """Accuracy out of fold of the label of the nearest training photo by mean colour; and the folds of scored rows."""
    colours = np.array([_colour(str(manifest.root / name)) for name in manifest.frame["image"]])
    folds: Folds = make_folds(manifest, 3, 0)
    right = 0
    for k in range(3):
        training, valid = training_rows(TrialConfig(), manifest, folds, k), folds.valid_rows(k)
        far = ((colours[valid][:, None] - colours[training.rows][None]) ** 2).sum(2)
        right += int((training.labels[training.rows][far.argmin(1)] == manifest.labels[valid]).sum())
    return right / int(manifest.scored.sum()), folds.fold[manifest.scored].tolist()


_colours: dict[tuple[int, int], np.ndarray] = {}


def _colour(path: str) -> np.ndarray:
    state = os.stat(path)  # noqa: PTH116
    if (key := (state.st_ino, state.st_mtime_ns)) not in _colours:
        image = read_image(Path(path))
        assert image is not None
        _colours[key] = image.mean((0, 1))
    return _colours[key]


def spoil_header(draw: st.DrawFn, name: str) -> str:
    case = draw(st.sampled_from([str, str.upper, str.title]))
    blank = draw(st.sampled_from(["", " ", "\u3000", "\t"]))
    return draw(st.sampled_from(["", "\ufeff"])) * (name == "path") + case(name) + blank


def spoil_value(draw: st.DrawFn, value: str) -> str:
    form = draw(st.sampled_from(["NFC", "NFD"]))
    return (
        draw(st.sampled_from(["", " ", "\u3000"]))
        + unicodedata.normalize(form, value)
        + draw(st.sampled_from(["", "  "]))
    )


@st.composite
def joined(draw: st.DrawFn) -> dict[str, object]:
    """What the contract joins, and what is found however it is written."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    return {
        "headers": tuple(spoil_header(draw, name) for name in ("path", "label", "group")),
        "spelt": [spoil_value(draw, "{}") for _ in range(6)],
        "form": draw(st.sampled_from(["NFC", "NFD"])),
        "rows": rng.integers(0, 6, (GROUPS * EACH, 2)),
        "path": draw(st.sampled_from(["plain", "absolute", "backslash", "upper", "dot", "blank"])),
        "mark": draw(st.sampled_from([",", ";", "\t"])),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])),
        "further": draw(st.booleans()),
        "empty": draw(st.integers(0, 3)),
        "extra": draw(st.sampled_from(["none", "copies", "grouped", "wrong", "anew", "nan"])),
    }


def written(path: str, how: str, root: Path) -> str:
    return {
        "plain": path,
        "absolute": str(root / path),
        "backslash": path.replace("/", "\\"),
        "upper": path.upper(),
        "dot": f"./{path}",
        "blank": f" {path} ",
    }[how]


def spoil(root: Path, how: dict) -> None:
    rows = table_of(root)[1:]
    lines: list[tuple[str, ...]] = [(*how["headers"], *(["Gruppe 2"] if how["further"] else []))]
    for (path, label, group), (a, b) in zip(rows, how["rows"].tolist(), strict=True):
        spelt = [how["spelt"][n].format(unicodedata.normalize(how["form"], v)) for n, v in ((a, label), (b, group))]
        lines.append((written(path, how["path"], root), *spelt, *(["x"] if how["further"] else [])))
    lines += [tuple("" for _ in lines[0])] * how["empty"]
    write(root, "manifest.csv", lines, how["mark"], how["encoding"])
    if how["extra"] != "none":
        (root / "more").mkdir()
        more = [("path", "label", "group")] if how["extra"] in ("grouped", "wrong", "nan") else [("path", "label")]
        for n, (path, label, group) in enumerate(rows[::3]):
            source, name = root / path, f"more/{n}.png" if how["extra"] != "anew" else f"more/{n}.bmp"
            Image.open(source).save(root / name) if how["extra"] == "anew" else shutil.copy(source, root / name)
            said = {"grouped": (f" {group}",), "wrong": ("somebody",), "nan": ("nan",)}.get(how["extra"], ())
            more.append((name, label, *said))
        write(root, "extra.csv", more)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(how=joined())
def test_what_is_joined_or_copied_scores_as_a_clean_copy_of_the_data(
    how: dict, clean: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    honest, folds = score(read_manifest(clean))
    root = copy(clean, tmp_path_factory.getbasetemp() / "mischief")
    spoil(root, how)
    before = listing(root)
    manifest = read_manifest(root)
    plan_lines(manifest)
    found, made = score(manifest)
    assert made == folds
    assert found <= LEAKS if how["extra"] != "none" else found == honest, how
    assert listing(root) == before


@st.composite
def wrong(draw: st.DrawFn) -> bytes:
    """A table that nobody can be sure of."""
    lines = [
        ["path", "label", "group"],
        *([f"i/{g:02}_{k}.png", "ab"[g % 2], f"p{g}"] for g in range(6) for k in range(2)),
    ]
    for _ in range(draw(st.integers(1, 4))):
        row, cell = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, 2))
        lines[row][cell] = draw(
            st.sampled_from(
                ["", "nan", "group", "groups", "lable", "p1", "P1", "1.0", "07", "../x", "/etc/passwd", "a b"]
            )
            | st.text(max_size=6)
        )
    mark = draw(st.sampled_from([",", ";", "\t", "|"]))
    text = "\n".join(mark.join(line) for line in lines)
    data = text.encode(draw(st.sampled_from(["utf-8", "utf-16", "cp949", "latin-1"])), "replace")
    return data[: draw(st.integers(len(data) // 2, len(data)))] if draw(st.booleans()) else data


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(table=wrong(), extra=st.booleans(), flags=st.sampled_from([{}, {"group": "group"}, {"merge_duplicates": True}]))
def test_any_table_is_read_or_refused_in_one_line(
    table: bytes, extra: bool, flags: dict, clean: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = copy(clean, tmp_path_factory.getbasetemp() / "wrong")
    (root / ("extra.csv" if extra else "manifest.csv")).write_bytes(table)
    before = listing(root)
    try:
        manifest = read_manifest(root, Flags(**flags))
        plan_lines(manifest)
        folds = make_folds(manifest, 2, 0)
        pairs = pd.DataFrame({"group": manifest.frame["group"], "fold": folds.fold})[manifest.scored]
        assert pairs.groupby("group")["fold"].nunique().max() == 1
    except InputError as error:
        assert "\n" not in str(error) and "allowed" in str(error)
    assert listing(root) == before
