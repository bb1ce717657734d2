"""A picture of rows: a caption of two lines each, and its photos."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from trainable.files import write_atomic
from trainable.images.decode import read_image

PHOTO, TEXT, MOST = (128, 96), 34, 7  # pixels (height, width), pixels, photos a row


def draw_sheet(file: Path, root: Path, rows: Sequence[tuple[tuple[str, str], Sequence[str]]]) -> None:
    """Writes a PNG; images are paths below `root`, unreadable ones stay grey."""
    height, width = PHOTO
    sheet = np.full((len(rows) * (height + TEXT), MOST * width, 3), 255, np.uint8)
    for number, (caption, images) in enumerate(rows):
        top = number * (height + TEXT)
        for line, text in enumerate(caption):
            plain = text.encode("ascii", "replace").decode()  # OpenCV's font knows no other letters
            cv2.putText(
                sheet, plain, (4, top + 13 + 15 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA
            )
        for place, image in enumerate(images[:MOST]):
            photo = read_image(root / image, PHOTO)
            left = place * width
            sheet[top + TEXT : top + TEXT + height, left : left + width] = 128 if photo is None else photo
    encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
    write_atomic(file, lambda p: p.write_bytes(encoded.tobytes()))
