"""A contact sheet: photos in rows, a caption below each, in letters that stay readable when the sheet is shown at half
its size, as TensorBoard does."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from trainable.pictures.letters import Font, lettered

GAP, LINE = 8, 20  # pixels between photos; of a line of text
LETTERS = 18  # pixels of a letter's height, with what is above and below it
NARROWEST = 150  # pixels of a caption's width


def sheet(images: np.ndarray, captions: Sequence[str], *, columns: int = 4) -> np.ndarray:
    """uint8 [N, H, W, 3] and N captions (lines split by newlines) to one uint8 [H', W', 3]; long lines are broken."""
    count, height, width, _ = images.shape
    if len(captions) != count:
        raise ValueError(f"sheet: received {count} images and {len(captions)} captions; allowed: as many")
    columns = min(columns, count)
    lettering, wide = lettered(captions), max(width, NARROWEST)
    font = lettering.font(LETTERS)
    broken = [
        "\n".join(part for line in c.split("\n") for part in broken_lines(line, font, wide)) for c in lettering.texts
    ]
    high = height + max(c.count("\n") + 1 for c in broken) * LINE
    rows = -(-count // columns)
    canvas = Image.new("RGB", (columns * (wide + GAP) + GAP, rows * (high + GAP) + GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for place, (image, caption) in enumerate(zip(images, broken, strict=True)):
        left, top = GAP + place % columns * (wide + GAP), GAP + place // columns * (high + GAP)
        canvas.paste(Image.fromarray(image), (left, top))
        draw.multiline_text((left, top + height), caption, fill="black", font=font, spacing=LINE - LETTERS)
    return np.asarray(canvas)


def broken_lines(line: str, font: Font, width: float) -> list[str]:
    """A line as lines no wider than `width` pixels, broken at blanks or, where a word is too long, within it."""
    lines = [""]
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = lines[-1] or word
        while font.getlength(lines[-1]) > width and len(lines[-1]) > 1:
            whole = lines.pop()
            cut = max((n for n in range(1, len(whole)) if font.getlength(whole[:n]) <= width), default=1)
            lines += [whole[:cut], whole[cut:]]
    return lines
