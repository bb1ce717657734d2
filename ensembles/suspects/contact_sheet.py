"""A picture of suspects: captions with their photos, side by side as far as they fit, so that little stays white."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from trainable.files import write_atomic
from trainable.images.decode import read_image, resize
from trainable.pictures.letters import Font, lettered
from trainable.pictures.sheet import broken_lines

WIDTH, HIGH = 1410, 128  # pixels of the sheet, and of a photo's height
NARROWEST, MOST = 190, 7  # pixels of a block, so that its caption has room; photos in it
LINE, LETTERS, GAP = 16, 13, 8  # pixels
GREY = 128


@dataclass(frozen=True)
class _Block:
    lines: list[str]
    photos: list[np.ndarray]

    @property
    def width(self) -> int:
        return max(NARROWEST, sum(p.shape[1] + 2 for p in self.photos))

    @property
    def height(self) -> int:
        return HIGH + LINE * len(self.lines)


def draw_sheet(file: Path, root: Path, found: Sequence[tuple[tuple[str, str], Sequence[str]]], head: str) -> None:
    """Writes a PNG of (caption, images) under the line `head`; images are paths below `root`, unreadable ones grey."""
    lettering = lettered([head, *(line for caption, _ in found for line in caption)])
    font, said = lettering.font(LETTERS), iter(lettering.texts)
    head = next(said)
    rows: list[list[_Block]] = [[]]
    for caption, images in found:
        photos = [_photo(root / image) for image in images[:MOST]]
        room = _Block([], photos).width
        block = _Block([part for _ in caption for part in broken_lines(next(said), font, room)], photos)
        if rows[-1] and sum(b.width + GAP for b in [*rows[-1], block]) > WIDTH:
            rows.append([])
        rows[-1].append(block)
    top_lines = broken_lines(head, font, WIDTH - 2 * GAP)
    width = max([WIDTH, *(b.width + 2 * GAP for row in rows for b in row)])
    tall = [max(b.height for b in row) + GAP for row in rows]
    canvas = Image.new("RGB", (width, LINE * len(top_lines) + 2 * GAP + sum(tall)), "white")
    draw = ImageDraw.Draw(canvas)
    _write(draw, (GAP, GAP // 2), top_lines, font)
    top = LINE * len(top_lines) + 2 * GAP
    for row, high in zip(rows, tall, strict=True):
        left = GAP
        for block in row:
            _write(draw, (left, top), block.lines, font)
            place = left
            for photo in block.photos:
                canvas.paste(Image.fromarray(photo), (place, top + LINE * len(block.lines)))
                place += photo.shape[1] + 2
            left += block.width + GAP
        top += high
    write_atomic(file, lambda p: canvas.save(p, "PNG"))


def _write(draw: ImageDraw.ImageDraw, place: tuple[int, int], lines: Sequence[str], font: Font) -> None:
    draw.multiline_text(place, "\n".join(lines), fill="black", font=font, spacing=LINE - LETTERS)


def _photo(path: Path) -> np.ndarray:
    """uint8 [HIGH, w, 3] in its own proportions, at most twice as wide as high."""
    whole = read_image(path) if path.is_file() else None
    if whole is None:
        return np.full((HIGH, HIGH * 3 // 4, 3), GREY, np.uint8)
    width = round(whole.shape[1] * HIGH / whole.shape[0])
    return resize(whole, (HIGH, min(2 * HIGH, max(1, width))))
