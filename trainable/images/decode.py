"""One photo file as pixels: read whole, upright, at the size asked for."""

from pathlib import Path

import cv2
import numpy as np

# A JPEG is decoded to 1/2, 1/4 or 1/8 of its size at a fraction of the cost, by its own lowest frequencies.
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of the segment that holds a JPEG's size


def read_image(path: Path, size: tuple[int, int] | None = None) -> np.ndarray | None:
    """RGB uint8 [H, W, 3], upright by its EXIF tag; None when the file is unreadable or truncated.

    Shrinking averages areas; photos of another shape are stretched, so that no part is lost.
    """
    data = path.read_bytes()
    if not whole(data):
        return None
    factor = reduction(data, size)
    image = _decode(data, REDUCED.get(factor, cv2.IMREAD_COLOR))
    if factor > 1 and image is not None and size is not None and (image.shape[0] < size[0] or image.shape[1] < size[1]):
        image = _decode(data, cv2.IMREAD_COLOR)  # lies on its side by its tag: reduced too far
    if image is None:
        return None
    return cv2.cvtColor(image if size is None else resize(image, size), cv2.COLOR_BGR2RGB)


def resize(image: np.ndarray, size: tuple[int, int], out: np.ndarray | None = None) -> np.ndarray:
    """uint8 [h, w, 3] to uint8 [*size, 3], into `out` when given.

    Halved by exact averages while both sides are at least twice too long, then bilinear: as near to INTER_AREA as one
    grey level, in a fifth of its time, since OpenCV's areas are only fast at exactly one half.
    """
    while image.shape[0] >= 2 * size[0] and image.shape[1] >= 2 * size[1]:
        half = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * half[0], : 2 * half[1]]
        image = cv2.resize(even, half[::-1], dst=out if half == size else None, interpolation=cv2.INTER_AREA)
        if half == size:
            return image
    if image.shape[:2] != size:
        skips = image.shape[0] >= 3 * size[0] or image.shape[1] >= 3 * size[1]  # pixels that bilinear never looks at
        return cv2.resize(image, size[::-1], dst=out, interpolation=cv2.INTER_AREA if skips else cv2.INTER_LINEAR)
    if out is None:
        return image
    out[:] = image
    return out


def whole(data: bytes) -> bool:
    """Whether a JPEG or PNG reaches its end mark: OpenCV reads a truncated JPEG as if the rest were grey."""
    if data.startswith(b"\x89PNG"):
        return b"IEND" in data[-64:] or b"IEND\xaeB`\x82" in data
    if not data.startswith(b"\xff\xd8"):
        return bool(data)
    # A thumbnail in a segment may hold an end mark, the scan cannot: there 0xff is escaped.
    return data.rfind(b"\xff\xd9", _segments(data)[0]) > 0


def reduction(data: bytes, size: tuple[int, int] | None) -> int:
    """The largest of 8, 4, 2 by which a JPEG can be reduced without falling below `size`; else 1."""
    if size is None or not data.startswith(b"\xff\xd8"):
        return 1
    _, (height, width) = _segments(data)
    return next((f for f in REDUCED if height // f >= size[0] and width // f >= size[1]), 1)


def _segments(data: bytes) -> tuple[int, tuple[int, int]]:
    """Of a JPEG: where its scan begins, and (height, width) as stored; zeros when no segment says."""
    place, size = 2, (0, 0)
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] != b"\xda":
        marker = data[place + 1] if place + 1 < len(data) else 0xFF
        if marker in FRAMES:
            size = int.from_bytes(data[place + 5 : place + 7]), int.from_bytes(data[place + 7 : place + 9])
        place += 1 if marker == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4])
    return place, size


def _decode(data: bytes, how: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:  # a header that asks for more pixels than OpenCV allows
        return None
