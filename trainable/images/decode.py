"""One photo file as pixels: read whole, upright, at the size asked for, seen as a person sees it.

OpenCV reads plain JPEG and PNG, which nearly all photos are; Pillow whatever else there is, or a plug-in of it.
Transparency lies on white, numbers beyond 8 bits are scaled, of several pictures in a file the first counts.
"""

import io
import warnings
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# A JPEG is decoded to 1/2, 1/4 or 1/8 of its size at a fraction of the cost, by its own lowest frequencies.
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of the segment that holds a JPEG's size
ORIENTATION = 0x0112  # number of the EXIF tag
MOST_PIXELS = 2**30  # as OpenCV; more is no photo but a bomb
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners keep in 16

with suppress(ImportError):  # HEIC, where somebody has installed its plug-in
    import pillow_heif

    pillow_heif.register_heif_opener()
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # MOST_PIXELS holds instead


def read_image(path: Path, size: tuple[int, int] | None = None) -> np.ndarray | None:
    """RGB uint8 [H, W, 3], upright by its EXIF tag; None when the file is unreadable or truncated.

    Shrinking averages areas; photos of another shape are stretched, so that no part is lost.
    """
    return decoded(path.read_bytes(), size)


def decoded(data: bytes, size: tuple[int, int] | None = None) -> np.ndarray | None:
    """The same, of a file's content."""
    if not whole(data):
        return None
    if not _plain(data):
        image = _as_seen(data)
        return image if image is None or size is None else resize(image, size)
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


def _plain(data: bytes) -> bool:
    """Whether OpenCV sees what a person sees: a JPEG, or a PNG of 8 bits without transparency or further frames."""
    if data.startswith(b"\xff\xd8"):
        return True
    if not data.startswith(b"\x89PNG") or data[24] > 8 or data[25] not in (0, 2, 3):
        return False
    before = data[: data.find(b"IDAT")]
    return b"tRNS" not in before and b"acTL" not in before


def _decode(data: bytes, how: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:  # a header that asks for more pixels than OpenCV allows
        return None


def _as_seen(data: bytes) -> np.ndarray | None:
    """RGB uint8 [H, W, 3] of any file that Pillow or OpenCV can open."""
    try:
        with Image.open(io.BytesIO(data)) as file:
            if file.width * file.height > MOST_PIXELS:
                return None
            if data.startswith(b"\x89PNG") and data[24] > 8:  # of 16 bits a colour Pillow keeps 8
                return _of_opencv(data, file.getexif().get(ORIENTATION, 1))
            file.load()
            return of_pillow(file)
    except UnidentifiedImageError:
        return _of_opencv(data, 1)
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError):
        return None  # Pillow's plug-ins raise all of these for damaged files
    except (Image.DecompressionBombError, MemoryError):
        return None


def _of_opencv(data: bytes, orientation: int) -> np.ndarray | None:
    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    seen = Image.fromarray(_on_white(image))
    seen.getexif()[ORIENTATION] = orientation
    return np.array(ImageOps.exif_transpose(seen))


def of_pillow(image: Image.Image) -> np.ndarray:
    """RGB uint8 [H, W, 3], upright by its EXIF tag, of an image that Pillow opened; raises its errors."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(_scaled(np.asarray(image))[:, :, None], 3, 2)
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, seen)
    return np.array(image.convert("RGB"))


def _on_white(image: np.ndarray) -> np.ndarray:
    """What OpenCV read unchanged, grey, BGR or BGRA of any numbers, as RGB uint8 [H, W, 3]."""
    if image.ndim == 2:
        image = image[:, :, None]
    colours = _scaled(image[:, :, :3] if image.shape[2] > 2 else image[:, :, :1])
    colours = np.repeat(colours, 3, 2) if colours.shape[2] == 1 else colours[:, :, ::-1]
    if image.shape[2] in (2, 4):
        top = np.iinfo(image.dtype).max if image.dtype.kind in "iu" else 1.0
        share = image[:, :, -1:].astype(np.float32) / top
        colours = np.round(colours * share + 255 * (1 - share)).astype(np.uint8)
    return np.ascontiguousarray(colours)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Numbers of any kind as uint8: whole ones by the bits that hold them, shares of 1 and others by their range."""
    if values.dtype in (np.uint8, np.bool_):
        return values.astype(np.uint8) * (255 if values.dtype == np.bool_ else 1)
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        top = 1.0
    elif low >= 0 and high < 2 ** DEPTHS[-1]:
        top = next(2**bits - 1.0 for bits in DEPTHS if high <= 2**bits - 1)
    else:
        numbers, top = numbers - low, high - low
    return np.round(numbers * (255 / top if top else 0.0)).astype(np.uint8)
