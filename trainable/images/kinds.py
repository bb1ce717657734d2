"""Which files are photos, by what they hold, and what those are that cannot be read."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

# Files that end so are photos, or damaged ones, without being opened; others are if their first bytes say so.
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jfif", ".jpe", ".mpo", ".jp2",
            ".heic", ".heif", ".avif", ".ppm", ".pgm")  # fmt: skip
HEAD = 4096  # bytes that say what a file is
PICTURES = {"JPEG", "PNG", "GIF", "BMP", "TIFF", "WebP", "JPEG 2000", "HEIC", "AVIF", "portable anymap"}


def is_photo(path: Path) -> bool:
    """Whether a file is a photo by its ending or, where that says nothing, by what it holds."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(HEAD))
        if kind not in PICTURES - set(PLUG_INS):
            return kind in PICTURES
        with Image.open(path):
            return True
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return False


LITTER = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"}  # of archives, network disks and file systems


NOWHERE = "links that lead nowhere"


def walk(root: Path, others: Counter[str]) -> Iterator[tuple[str, int]]:
    """(path below `root`, size in bytes) of every photo, folder by folder; `others` counts what is passed over.

    Names that begin with a dot, and folders that machines leave behind, are passed over uncounted. Links to folders are
    followed, each folder once.
    """
    seen: set[tuple[int, int]] = set()
    todo: list[str] = [""]
    linked: list[str] = []
    while todo or linked:
        folder = todo.pop() if todo else linked.pop()
        here = (root / folder).stat()
        if (here.st_dev, here.st_ino) in seen:
            others["links to a folder that is there already"] += 1
            continue
        seen.add((here.st_dev, here.st_ino))
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.name.startswith(".") or entry.name in LITTER:
                    continue
                if entry.is_symlink() and not (root / path).exists():
                    others[NOWHERE] += 1
                elif entry.is_dir():
                    (linked if entry.is_symlink() else todo).append(path)
                elif entry.is_file() and is_photo(root / path):
                    yield path, entry.stat().st_size
                else:
                    others[os.path.splitext(entry.name)[1].lower() or "no suffix"] += 1  # noqa: PTH122


def is_file(entry: os.DirEntry) -> bool:
    """Whether an entry of a folder is a file, or a link to one; a link to itself is none."""
    try:
        return entry.is_file()
    except OSError:
        return False


def kind_of(head: bytes) -> str:
    """What a file is by its first bytes, in a word for people; "" where nothing is known."""
    for mark, kind in MARKS:
        if head.startswith(mark):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        brands = head[8 : int.from_bytes(head[:4])]
        return "AVIF" if b"avi" in brands[:4] else "HEIC" if brands[:3] in (b"hei", b"hev", b"mif", b"msf") else "video"
    text = head[:512].lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return "HTML"
    return "SVG" if text.startswith((b"<svg", b"<?xml")) and b"<svg" in head.lower() else ""


def why_unreadable(path: Path) -> str:
    """In a few words, why a file cannot be read as a photo."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = kind_of(head)
    if not head:
        return "empty"
    if kind in PLUG_INS:
        return f"{kind}, {PLUG_INS[kind]}"
    return f"{kind}, damaged or cut off" if kind in PICTURES else f"{kind}, no photo".removeprefix(", ")


MARKS = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    *((b"P%d" % i + end, "portable anymap") for i in range(1, 8) for end in (b"\n", b" ", b"\r")),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"version https://git-lfs", "Git LFS pointer"),
)
PLUG_INS = {
    "HEIC": "which needs a plug-in (pip install pillow-heif)",
    "AVIF": "which this Pillow cannot read (pip install -U pillow)",
}
