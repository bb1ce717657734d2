"""What people have, decoded to what a person sees; and which files are photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from trainable.data.layouts.written import find_written
from trainable.errors import InputError
from trainable.images.decode import read_image
from trainable.images.kinds import NOWHERE, is_photo, kind_of, walk, why_unreadable

H, W = 32, 48
rows, columns = np.mgrid[:H, :W]
PHOTO = np.stack([columns * 5, rows * 7, 255 - columns * 5], 2).astype(np.uint8)
PHOTO[4:8, 4:12] = 255  # says which way is up
GREY = PHOTO[:, :, 0]
CLEAR = np.where(columns < 30, 255, 0).astype(np.uint8)
SHOWN = np.where(CLEAR[:, :, None] == 255, PHOTO, 255)
HIDDEN = np.dstack([np.where(CLEAR[:, :, None] == 255, PHOTO, (255, 0, 255)), CLEAR]).astype(np.uint8)


def pillow(array: np.ndarray, suffix: str, mode: str = "", **options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        image = Image.fromarray(array)
        (image.convert(mode) if mode else image).save(folder / f"x{suffix}", **options)
        return folder / f"x{suffix}"

    return write


def opencv(array: np.ndarray, suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        assert cv2.imwrite(str(folder / f"x{suffix}"), array)
        return folder / f"x{suffix}"

    return write


def animated(suffix: str, **options: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        first, then = Image.fromarray(PHOTO), Image.fromarray(255 - PHOTO)
        first.save(folder / f"x{suffix}", save_all=True, append_images=[then], **options)
        return folder / f"x{suffix}"

    return write


def turned(orientation: int, suffix: str, **options: object) -> Callable[[Path], Path]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return pillow(PHOTO, suffix, exif=exif, **options)


def trns(folder: Path) -> Path:
    """A palette, one colour of which is transparent."""
    drawn = Image.fromarray((columns // 16).astype(np.uint8), "L")
    image = Image.fromarray(np.asarray(drawn)).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 0, 0])
    image.save(folder / "x.png", transparency=2)
    return folder / "x.png"


RIGHT = np.rot90(PHOTO, -1)  # orientation 6: the camera lay on its side
BGR16 = PHOTO[:, :, ::-1].astype(np.uint16)
THIRDS = np.choose(columns[:, :, None] // 16, [np.array([10, 20, 30]), np.array([200, 100, 50]), np.array([255] * 3)])
KINDS = {
    "png": (pillow(PHOTO, ".png"), PHOTO),
    "bmp": (pillow(PHOTO, ".bmp"), PHOTO),
    "tif": (pillow(PHOTO, ".tif"), PHOTO),
    "webp": (pillow(PHOTO, ".webp", lossless=True), PHOTO),
    "avif": (pillow(PHOTO, ".avif", quality=95), PHOTO),
    "jpg": (pillow(PHOTO, ".jpg", quality=98, subsampling=0), PHOTO),
    "CMYK": (pillow(PHOTO, ".jpg", "CMYK", quality=98, subsampling=0), PHOTO),
    "CMYK tif": (pillow(PHOTO, ".tif", "CMYK"), PHOTO),
    "grey": (pillow(GREY, ".png"), np.dstack([GREY] * 3)),
    "1 bit": (pillow((GREY > 99) * np.uint8(255), ".png", "1"), np.dstack([(GREY > 99) * np.uint8(255)] * 3)),
    "palette": (trns, THIRDS),
    "EXIF jpg": (turned(6, ".jpg", quality=98, subsampling=0), RIGHT),
    "EXIF png": (turned(6, ".png"), RIGHT),
    "EXIF webp": (turned(6, ".webp", lossless=True), RIGHT),
    "EXIF tif": (turned(6, ".tif"), RIGHT),
    "RGBA png": (pillow(HIDDEN, ".png"), SHOWN),
    "RGBA tif": (pillow(HIDDEN, ".tif"), SHOWN),
    "RGBA webp": (pillow(HIDDEN, ".webp", lossless=True, exact=True), SHOWN),
    "black on nothing": (
        pillow(np.dstack([PHOTO * 0, CLEAR]), ".png"),
        np.where(CLEAR[:, :, None], 0, 255).repeat(3, 2),
    ),
    "half": (pillow(np.dstack([GREY, GREY * 0 + 51]), ".png"), np.dstack([np.round(GREY * 0.2 + 204)] * 3)),
    "16 bits": (opencv(GREY.astype(np.uint16) * 257, ".png"), np.dstack([GREY] * 3)),
    "12 in 16": (opencv(GREY.astype(np.uint16) * 16, ".tif"), np.dstack([GREY * (4080 / 4095) // 1] * 3)),
    "16 bits colour": (opencv(BGR16 * 257, ".png"), PHOTO),
    "16 bits tif": (opencv(BGR16 * 257, ".tif"), PHOTO),
    "16 bits clear": (opencv(np.dstack([BGR16, CLEAR.astype(np.uint16)]) * 257, ".png"), SHOWN),
    "float": (pillow(GREY.astype(np.float32) / 255, ".tif"), np.dstack([GREY] * 3)),
    "float levels": (pillow(GREY.astype(np.float32), ".tif"), np.dstack([GREY] * 3)),
    "int32": (pillow(GREY.astype(np.int32), ".tif"), np.dstack([GREY] * 3)),
    "apng": (animated(".png", duration=9), PHOTO),
    "animated webp": (animated(".webp", lossless=True, duration=9), PHOTO),
    "pages": (animated(".tif"), PHOTO),
    "mpo": (animated(".mpo", quality=98, subsampling=0), PHOTO),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_is_seen_as_a_person_sees_it(tmp_path: Path, kind: str) -> None:
    write, shown = KINDS[kind]
    path = write(tmp_path)
    lossy = path.suffix in (".jpg", ".mpo", ".avif")
    for name in (path.name, "without_ending", "another.jpg"):
        seen = read_image(path.rename(tmp_path / name))
        path = tmp_path / name
        assert seen is not None and seen.dtype == np.uint8 and seen.shape == shown.shape, (kind, name)
        far = np.abs(seen.astype(int) - shown)
        assert far.mean() < 1.5 if lossy else far.max() <= 1, (kind, name, far.mean())
        assert is_photo(path)
    small = read_image(path, (8, 12))
    assert small is not None and small.shape == (8, 12, 3)


def test_a_gif_shows_its_first_picture(tmp_path: Path) -> None:
    path = animated(".gif", duration=9)(tmp_path)
    seen = read_image(path)
    assert seen is not None and np.abs(seen.astype(int) - PHOTO).mean() < 12  # 256 colours


def test_what_cannot_be_read_is_named_for_what_it_is(tmp_path: Path) -> None:
    heic = (24).to_bytes(4) + b"ftypheic" + b"\0\0\0\0mif1heic" + b"\0" * 40
    whole = pillow(PHOTO, ".png")(tmp_path).read_bytes()
    kinds = {
        "a.jpg": (b"<!DOCTYPE html><html>403</html>", "HTML, no photo"),
        "b.heic": (heic, "HEIC, which needs a plug-in"),
        "c.png": (whole[:90], "PNG, damaged or cut off"),
        "d.jpg": (b"", "empty"),
        "e.jpg": (b"PK\x03\x04abc", "ZIP archive, no photo"),
        "f.jpg": (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer, no photo"),
        "g.tif": (b"x,label", "no photo"),
    }
    for name, (content, words) in kinds.items():
        (tmp_path / name).write_bytes(content)
        assert read_image(tmp_path / name) is None
        assert why_unreadable(tmp_path / name).startswith(words)
    assert kind_of(b"\0" * 12) == ""


def test_one_list_of_photos_by_content_links_followed_once(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "d", tmp_path / "elsewhere"
    for folder in (root / "a", elsewhere):
        folder.mkdir(parents=True)
    for folder, suffix in ((root, ".webp"), (root / "a", ".tif"), (elsewhere, ".bmp")):
        pillow(PHOTO, suffix)(folder)
    pillow(PHOTO, ".png")(root).rename(root / "no_ending")
    (root / "a" / "table.txt").write_text("BMI,label\n22,a\n")
    (root / "bmi").write_text("BM")
    (root / ".hidden.png").write_bytes(b"x")
    (root / "link").symlink_to(elsewhere)
    (root / "a" / "back").symlink_to(root)
    (root / "loop.png").symlink_to("loop.png")
    others: Counter[str] = Counter()
    assert sorted(name for name, _ in walk(root, others)) == ["a/x.tif", "link/x.bmp", "no_ending", "x.webp"]
    assert others == {".txt": 1, "no suffix": 1, "links to a folder that is there already": 1, NOWHERE: 1}
    assert find_written(root, ["x.webp"], root).images == ["x.webp"]
    with pytest.raises(InputError, match=r"loop\.png not found below"):
        find_written(root, ["loop.png"], root)
