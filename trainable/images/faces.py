"""Where the face of a photo is, and what of it is the person; found once a node and kept beside the ImageStore.

<cache>/<key>/faces.npz   boxes int32 [N, 4] (top, bottom, left, right; pixels of the store), found bool[N]
<cache>/<key>/masks.npy   uint8 [N, h * w / 8], bits: person or not, at half the store's size

Those of another detector than OpenCV's cascade carry its name (faces_mtcnn.npz). `look` makes them on the driver
before trials start, with a progress bar; on other nodes the first that needs them makes them, under a lock.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.files import read_npz, write_atomic, write_npz
from trainable.images import mtcnn
from trainable.images.store import ImageStore
from trainable.locks import waiting_for
from trainable.progress import tracked

CASCADE = "cascade"
FALLBACK = (0.5, 0.55)  # shares of height and width: where the face is in most photos of the competition
_local = threading.local()


def look(configs: Iterable[TrialConfig], store: ImageStore) -> None:
    """Find what these trials will see of the store's photos, with a progress bar, unless this node has it already."""
    seen = {(c.input.detector, c.input.background == "removed") for c in configs if looks_for_faces(c)}
    for detector, cut_out in sorted(seen):
        faces(store, detector, show=True)
        if cut_out:
            masks(store, detector, show=True)


def looks_for_faces(config: TrialConfig) -> bool:
    return config.input.region == "face" or config.input.background == "removed"


def check_detector(detector: str) -> None:
    """InputError when what a detector needs is not installed here."""
    if detector == CASCADE and not hasattr(cv2, "CascadeClassifier"):
        raise InputError(
            f"input.detector: received 'cascade', which OpenCV {cv2.__version__} no longer has; allowed: an older one "
            "(pip install 'opencv-python-headless<5'), or input.region centre and input.background keep"
        )
    mtcnn.check_installed(detector)


def faces(store: ImageStore, detector: str = CASCADE, *, show: bool = False) -> dict[str, np.ndarray]:
    """{"boxes": int32 [N, 4], "found": bool[N]}; a photo without a face found has the middle of the photo.

    The largest face of a photo, by OpenCV's frontal cascade (Viola 2001) or by MTCNN.
    """
    file = store.folder / f"faces{_mark(detector)}.npz"
    with waiting_for(f"{store.folder}.faces.lock", "finds faces in the same photos"):
        if not file.exists():
            pixels = store.pixels()
            find = DETECTORS[detector]
            found = _each(len(pixels), lambda row: find(pixels[row]), "find faces" if show else "")
            middle = centre_box(pixels.shape[1:3], FALLBACK)
            boxes = np.array([middle if box is None else box for box in found], np.int32).reshape(-1, 4)
            write_npz(file, boxes=boxes, found=np.array([box is not None for box in found], bool))
    return read_npz(file)


def regions(
    store: ImageStore, *, region: str, margin: float, crop: tuple[float, float], detector: str = CASCADE
) -> np.ndarray:
    """int32 [N, 4] (top, bottom, left, right): what is cut out of each photo of the store.

    "face": the face box, widened by `margin` of its size on every side within the photo; "centre", and photos
    without a face found: the middle, `crop` being its shares of height and width.
    """
    size = store.pixels().shape[1:3]
    middle = np.array(centre_box(size, crop), np.int32)
    if region == "centre":
        return np.broadcast_to(middle, (len(store.names), 4))
    table = faces(store, detector)
    top, bottom, left, right = table["boxes"].T
    down, across = np.round((bottom - top) * margin), np.round((right - left) * margin)
    wide = np.stack(
        [
            np.maximum(top - down, 0),
            np.minimum(bottom + down, size[0]),
            np.maximum(left - across, 0),
            np.minimum(right + across, size[1]),
        ],
        1,
    )
    return np.where(table["found"][:, None], wide, middle).astype(np.int32)


def what_is_seen(config: TrialConfig, store: ImageStore) -> dict[str, Any]:
    """The arguments of `Batches` for face crops and removed backgrounds; none where the middle is cut out."""
    seen = config.input
    found: dict[str, Any] = {}
    if seen.region == "face":
        found["cuts"] = regions(store, region="face", margin=seen.margin, crop=seen.crop, detector=seen.detector)
    if seen.background == "removed":
        found["masks_file"] = masks(store, seen.detector)
    return found


def photos_without_face(config: TrialConfig, store: ImageStore) -> int:
    """How often the middle was cut out instead; 0 for a trial that does not look for faces."""
    if not looks_for_faces(config):
        return 0
    return int((~faces(store, config.input.detector)["found"]).sum())


def masks(store: ImageStore, detector: str = CASCADE, *, show: bool = False) -> Path:
    """The file of person masks; made now unless this node has it. `person` reads a row of it."""
    file = store.folder / f"masks{_mark(detector)}.npy"
    table = faces(store, detector)
    with waiting_for(f"{store.folder}.masks.lock", "cuts people out of the same photos"):
        if not file.exists():
            pixels = store.pixels()
            title = "cut out people" if show else ""
            found = _each(len(pixels), lambda row: np.packbits(grabcut(pixels[row], table["boxes"][row])), title)
            write_atomic(file, lambda path: _save(path, np.stack(found)))
    return file


def person(bits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W], 0 or 1, from a row of that file and the store's (height, width)."""
    half = half_size(size)
    cover = np.unpackbits(bits, count=half[0] * half[1]).reshape(half)
    return cv2.resize(cover, size[::-1], interpolation=cv2.INTER_NEAREST)


def detect(image: np.ndarray) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) of the largest face in uint8 [H, W, 3]; None when there is none."""
    factor = max(1.0, max(image.shape[:2]) / 320)  # faces fill these photos: more pixels only take time
    small = cv2.resize(image, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    least = max(20, round(0.2 * min(grey.shape)))
    found = _cascade().detectMultiScale(grey, 1.1, 4, minSize=(least, least))
    if not len(found):
        return None
    x, y, w, h = max(np.asarray(found).tolist(), key=lambda b: b[2] * b[3])
    (height, width), (top, bottom, left, right) = image.shape[:2], (round(v * factor) for v in (y, y + h, x, x + w))
    return top, min(bottom, height), left, min(right, width)


def grabcut(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """bool [H / 2, W / 2]: the person, grown by GrabCut (Rother 2004) from the face, hair and body around `box`.

    When nothing is left (a photo of one colour) all of it counts as the person.
    """
    half = half_size(image.shape[:2])
    small = cv2.resize(image, half[::-1], interpolation=cv2.INTER_AREA)
    top, bottom, left, right = (np.asarray(box) / 2).round().astype(int)
    height, width = max(bottom - top, 1), max(right - left, 1)
    cover = np.full(half, cv2.GC_BGD, np.uint8)
    body = max(top - round(0.6 * height), 0), max(left - round(0.6 * width), 0), right + round(0.6 * width)
    cover[body[0] :, body[1] : body[2]] = cv2.GC_PR_FGD
    cover[:2], cover[:, :2], cover[:, -2:] = cv2.GC_BGD, cv2.GC_BGD, cv2.GC_BGD
    cover[top + height // 6 : bottom - height // 6, left + width // 6 : right - width // 6] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    cv2.grabCut(small, cover, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    found = (cover == cv2.GC_FGD) | (cover == cv2.GC_PR_FGD)
    return found if found.any() else np.ones(half, bool)


def half_size(size: tuple[int, ...]) -> tuple[int, int]:
    return max(1, size[0] // 2), max(1, size[1] // 2)


def centre_box(size: tuple[int, ...], crop: tuple[float, float]) -> tuple[int, int, int, int]:
    keep = max(1, round(size[0] * crop[0])), max(1, round(size[1] * crop[1]))
    top, left = (size[0] - keep[0]) // 2, (size[1] - keep[1]) // 2
    return top, top + keep[0], left, left + keep[1]


def _cascade() -> Any:
    """OpenCV's CascadeClassifier, one a thread: it cannot be shared."""
    if not hasattr(_local, "cascade"):
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        _local.cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
    return _local.cascade


DETECTORS: dict[str, Callable[[np.ndarray], tuple[int, int, int, int] | None]] = {
    CASCADE: detect,
    "mtcnn": mtcnn.detect,
}


def _mark(detector: str) -> str:
    return "" if detector == CASCADE else f"_{detector}"


def _each(count: int, work: Callable[[int], object], title: str) -> list:
    """The answers for all rows; with a title there is a progress bar."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with ThreadPoolExecutor() as pool:
            found = pool.map(work, range(count))
            return list(tracked(found, title, count) if title else found)
    finally:
        cv2.setNumThreads(threads)


def _save(path: Path, values: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, values)
