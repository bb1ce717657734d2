"""A contact sheet: photos in rows, a caption below each."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP, LINE = 8, 13  # pixels between photos; of a line of text


def sheet(images: np.ndarray, captions: Sequence[str], *, columns: int = 8) -> np.ndarray:
    """uint8 [N, H, W, 3] and N captions (lines split by newlines) to one uint8 [H', W', 3]."""
    count, height, width, _ = images.shape
    if len(captions) != count:
        raise ValueError(f"sheet: received {count} images and {len(captions)} captions; allowed: as many")
    columns = min(columns, count)
    font = ImageFont.load_default(size=LINE - 3)
    lines = max(c.count("\n") + 1 for c in captions)
    cell = (
        max(width, round(max(font.getlength(part) for c in captions for part in c.split("\n")))),
        height + lines * LINE,
    )
    rows = -(-count // columns)
    canvas = Image.new("RGB", (columns * (cell[0] + GAP) + GAP, rows * (cell[1] + GAP) + GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = GAP + place % columns * (cell[0] + GAP), GAP + place // columns * (cell[1] + GAP)
        canvas.paste(Image.fromarray(image), (left, top))
        draw.multiline_text((left, top + height), caption, fill="black", font=font, spacing=2)
    return np.asarray(canvas)
