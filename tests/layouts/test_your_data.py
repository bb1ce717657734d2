"""The examples of docs/your-data.md: each command runs on a folder as described, and prints what the page shows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from folders import photos, table
from helpers import refused

from search.run import main as search

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "your-data.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"^### (\d+)\. .*?\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL))


def ids(count: int = 24) -> range:
    return range(count)


def leaves(root: Path) -> None:
    photos(root, [f"train_images/10{i:03}.jpg" for i in ids()] + [f"test_images/9{i}.jpg" for i in ids(3)])
    table(root, "train.csv", ("image_id", "label"), [(f"10{i:03}", i % 3) for i in ids()])
    table(root, "sample_submission.csv", ("image_id", "label"), [(f"9{i}", 0) for i in ids(3)])


def clothes(root: Path) -> None:
    photos(root, [f"images/{i:03}.jpg" for i in (*ids(27), *range(900, 904))])  # one of those dropped has none
    kinds = ["Skip", "Not sure", *["Dress", "Hat"] * 12, "Skip", "Skip"]
    rows = [(f"{i:03}", f"s{i // 2}" if i < 26 else "s0", kinds[i], "False") for i in ids(28)]
    table(root, "train.csv", ("image", "sender_id", "label", "kids"), rows)
    table(root, "test.csv", ("image", "sender_id", "kids"), [(f"{i}", "s9", "True") for i in range(900, 904)])
    table(root, "sample_submission.csv", ("image", "label"), [(f"{i}", "Hat") for i in (903, 901, 902, 900)])


def pets(root: Path) -> None:
    names = [
        f"{part}/{name}/{i}.jpg" for part, n in (("train", 8), ("valid", 4)) for name in ("cat", "dog") for i in ids(n)
    ]
    photos(root, names + [f"test/{i}.jpg" for i in ids(3)])


def dogs(root: Path) -> None:
    photos(root, [f"train/{name}.{i}.jpg" for name in ("cat", "dog") for i in ids(12)] + ["test/1.jpg", "test/2.jpg"])
    table(root, "sample_submission.csv", ("id", "label"), [(1, 0.5), (2, 0.5)])


def cameras(root: Path) -> None:
    photos(root, [f"train/{i}.jpg" for i in ids()] + [f"test/t{i}.jpg" for i in ids(3)])
    images = [{"id": f"i{i}", "file_name": f"{i}.jpg", "location": i // 3} for i in ids()]
    notes = [{"id": i, "image_id": f"i{i}", "category_id": i % 3} for i in ids()]
    kinds = [{"id": i, "name": f"kind {i}"} for i in ids(3)]
    (root / "train.json").write_text(json.dumps({"images": images, "annotations": notes, "categories": kinds}))
    (root / "test.json").write_text(json.dumps({"images": [{"id": f"x{i}", "file_name": f"t{i}.jpg"} for i in ids(3)]}))
    table(root, "sample_submission.csv", ("Id", "Category"), [(f"x{i}", 0) for i in ids(3)])


def apples(root: Path) -> None:
    photos(root, [f"images/Train_{i}.jpg" for i in ids()] + ["images/Test_0.jpg"])
    rows = [(f"Train_{i}", *(int(i % 3 == c) for c in ids(3))) for i in ids()]
    table(root, "train.csv", ("image_id", "healthy", "rust", "scab"), rows)
    header = ("image_id", "healthy", "mildew", "rust", "scab")
    table(root, "sample_submission.csv", header, [("Test_0", 0.25, 0.25, 0.25, 0.25)])


def hotels(root: Path) -> None:
    photos(root, [f"train_images/{i // 3}/{i:016x}.jpg" for i in ids()] + ["test_images/ff.jpg"])
    table(root, "train.csv", ("image", "chain", "hotel_id"), [(f"{i:016x}.jpg", i // 3, 36300 + i % 3) for i in ids()])
    table(root, "sample_submission.csv", ("image", "hotel_id"), [("ff.jpg", "36363 53586 18807")])


def trees(root: Path) -> None:
    for part, count in (("train", 24), ("test", 3)):
        photos(root, [f"{part}/{i:04}.png" for i in ids(count)])
        rows = [{"file_name": f"{i:04}.png", "label": ("fir", "oak")[i % 2], "site": f"s{i // 2}"} for i in ids(count)]
        (root / part / "metadata.jsonl").write_text("\n".join(json.dumps(row) for row in rows))


def katzen(root: Path) -> None:
    photos(root, [f"fotos/photo_{i}.png" for i in ids()])
    rows = [f"photo_{i}.png;{('Kätzchen', 'Hündchen')[i % 2]};Süd {i // 2};{'ABC'[i // 8]}" for i in ids()]
    (root / "liste.csv").write_bytes("\r\n".join(["Datei;Klasse;Standort;Teil", *rows]).encode("cp1252"))


def own(root: Path) -> None:
    photos(root, [f"images/{i}.png" for i in ids()] + ["later/1.png"])
    rows = [(f"images/{i}.png", "ab"[i % 2], f"g{i // 2}", "north") for i in ids()]
    table(root, "manifest.csv", ("path", "label", "group", "site"), rows)
    table(root, "test.csv", ("path",), [("later/1.png",)])


MADE: dict[str, Callable[[Path], None]] = {
    made.__name__: made for made in (leaves, clothes, pets, dogs, cameras, apples, hotels, trees, katzen, own)
}


def test_there_are_ten_examples() -> None:
    assert list(EXAMPLES) == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("number", EXAMPLES)
def test_example(
    number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last command of an example prints what stands below it; one before it is refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spaces").symlink_to(ROOT / "spaces")
    commands = [shlex.split(line)[2:] for line in re.findall(r"^foldvote search .*$", EXAMPLES[number], re.MULTILINE)]
    name = Path(commands[0][commands[0].index("--data") + 1]).name
    (tmp_path / "data").mkdir()
    MADE[name](tmp_path / "data" / name)
    for command in commands[:-1]:
        refused(capfd, search, *command)
    assert search(commands[-1]) == 0
    printed = capfd.readouterr().out
    (shown,) = re.findall(r"^```text\n(.*?)^```", EXAMPLES[number], re.MULTILINE | re.DOTALL)
    for line in shown.splitlines():
        assert re.search(f"^{re.escape(line)}", printed, re.MULTILINE), f"{line!r} not in\n{printed}"
