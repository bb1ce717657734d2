"""Face boxes and person masks: found once, kept beside the store, and what is seen follows from them."""

from __future__ import annotations

import sys
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from helpers import people

from trainable import progress
from trainable.config import TrialConfig
from trainable.data.fits import check_data
from trainable.errors import InputError
from trainable.images import faces, mtcnn
from trainable.images.batches import Batches
from trainable.images.store import ImageStore

SIZE = (128, 96)


def portrait(seed: int = 0) -> np.ndarray:
    """A drawn face that the cascade knows: skin, eyes, brows, nose, mouth, before a noisy wall."""
    rng = np.random.default_rng(seed)
    image = rng.integers(60, 110, (*SIZE, 3)).astype(np.uint8)
    image = cv2.GaussianBlur(image, (5, 5), 0)
    cv2.ellipse(image, (48, 118), (40, 30), 0, 0, 360, (40, 60, 150), -1)
    cv2.ellipse(image, (48, 56), (24, 32), 0, 0, 360, (225, 190, 165), -1)
    for x in (38, 58):
        cv2.ellipse(image, (x, 50), (6, 3), 0, 0, 360, (250, 250, 250), -1)
        cv2.circle(image, (x, 50), 3, (30, 20, 20), -1)
        cv2.line(image, (x - 7, 43), (x + 7, 43), (50, 30, 20), 2)
    cv2.line(image, (48, 52), (46, 64), (180, 140, 120), 2)
    cv2.ellipse(image, (48, 74), (10, 4), 0, 0, 360, (150, 60, 60), -1)
    return image


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    """Three faces and a blank wall, as an ImageStore that was decoded."""
    folder = tmp_path / "key"
    folder.mkdir()
    pixels = np.stack([portrait(0), portrait(1), np.full((*SIZE, 3), 90, np.uint8), portrait(2)])
    np.save(folder / "pixels.npy", pixels)
    return ImageStore(folder, ("a", "b", "c", "d"), (), folder)


def test_faces_are_found_and_the_rest_counted(store):
    table = faces.faces(store)
    assert table["found"].tolist() == [True, True, False, True]
    for top, bottom, left, right in table["boxes"][table["found"]].tolist():
        assert 10 < top < 45 and 75 < bottom < 110 and 8 < left < 35 and 60 < right < 90
    assert table["boxes"][2].tolist() == list(faces.centre_box(SIZE, faces.FALLBACK))


def test_boxes_and_masks_are_made_once(store, monkeypatch):
    first, file = faces.faces(store), faces.masks(store)
    before = file.read_bytes()
    monkeypatch.setattr(faces, "_each", lambda *_: pytest.fail("made again"))
    assert np.array_equal(faces.faces(store)["boxes"], first["boxes"])
    assert faces.masks(store).read_bytes() == before
    assert {p.name for p in store.folder.iterdir()} == {"pixels.npy", "faces.npz", "masks.npy"}


def test_margin_widens_within_the_photo_and_no_face_takes_the_centre(store):
    tight, wide, huge = (faces.regions(store, region="face", margin=m, crop=(0.5, 0.5)) for m in (0.0, 0.3, 9.0))
    found = np.array([True, True, False, True])
    assert np.array_equal(tight[found], faces.faces(store)["boxes"][found])
    assert (wide[found, ::2] < tight[found, ::2]).all() and (wide[found, 1::2] > tight[found, 1::2]).all()
    assert (huge[found] == [0, SIZE[0], 0, SIZE[1]]).all()
    assert tight[2].tolist() == wide[2].tolist() == [32, 96, 24, 72]


def test_grabcut_keeps_the_face_and_drops_the_wall(store):
    masks = np.load(faces.masks(store))
    for row in (0, 1, 3):
        person = faces.person(masks[row], SIZE)
        assert person.shape == SIZE and set(np.unique(person)) == {0, 1}
        assert person[40:75, 36:60].mean() > 0.9  # the middle of the face
        assert person[:12].mean() < 0.1 and person[30:60, :6].mean() < 0.2  # wall


def test_half_size_masks_fit_odd_sizes():
    bits = np.packbits(np.ones(faces.half_size((33, 21)), bool))
    assert faces.person(bits, (33, 21)).shape == (33, 21)


def batches(store: ImageStore, **values) -> Batches:
    config = TrialConfig.from_dict({"input": {"store": SIZE, "size": (64, 48), **values}})
    return Batches(
        pixels_file=store.pixels_file,
        place=np.arange(4),
        crop=config.input.crop,
        size=config.input.size,
        policy="none",
        seed=0,
        **faces.what_is_seen(config, store),
    )


def test_loader_cuts_out_the_face(store):
    seen = batches(store, region="face", margin=0.0).photo(0)
    top, bottom, left, right = faces.faces(store)["boxes"][0]
    assert np.array_equal(seen, store.pixels()[0][top:bottom, left:right])


def test_loader_blackens_the_background(store):
    plain, cut = batches(store), batches(store, background="removed")
    rows = np.array([0, 3])
    seen, dark = plain.make(-1, rows), cut.make(-1, rows)
    assert (dark[:, :5] == 0).mean() > 0.9 and (seen[:, :5] > 0).all()
    assert np.array_equal(dark[:, 24:34, 20:28], seen[:, 24:34, 20:28])


def test_nothing_is_computed_where_the_middle_is_cut_out(store):
    batches(store, crop=(0.5, 0.5))
    assert not (store.folder / "faces.npz").exists()


# --- MTCNN, whose library can only be optional --------------------------------------------------------------------


class FakeMTCNN:
    """Answers as facenet-pytorch 2.6 does: boxes [n, 4] (x0, y0, x1, y1), an array of objects, or None."""

    def __init__(self, *, min_face_size: int, keep_all: bool, device: str) -> None:
        assert (min_face_size, keep_all, device) == (20, True, "cpu")

    def detect(self, image: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | list[None]]:
        assert image.dtype == np.uint8 and image.shape == (*SIZE, 3)
        if image.std() < 1:
            return None, [None]
        boxes = np.array([[2.0, 3.0, 12.0, 13.0], [24.4, 20.6, 70.4, 130.2]], object)  # the second leaves the photo
        return boxes, np.array([0.99, 0.98])


@pytest.fixture
def facenet(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("facenet_pytorch")
    module.__spec__ = ModuleSpec("facenet_pytorch", None)
    module.MTCNN = FakeMTCNN  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "facenet_pytorch", module)
    monkeypatch.setattr(mtcnn, "_local", threading.local())


def looking(detector: str) -> TrialConfig:
    seen = {"store": SIZE, "size": (64, 48), "region": "face", "margin": 0.0, "background": "removed"}
    return TrialConfig.from_dict({"input": {**seen, "detector": detector}})


def test_mtcnn_takes_the_cascades_place(store, facenet):
    cascade, other = looking("cascade"), looking("mtcnn")
    assert cascade.trial_id("f") != other.trial_id("f")
    faces.look([cascade, other], store)
    names = {"faces.npz", "masks.npy", "faces_mtcnn.npz", "masks_mtcnn.npy"}
    assert {p.name for p in store.folder.iterdir()} == {"pixels.npy", *names}
    table = faces.faces(store, "mtcnn")
    assert table["found"].tolist() == [True, True, False, True]
    assert table["boxes"][0].tolist() == [21, SIZE[0], 24, 70]  # the largest, within the photo
    seen = faces.what_is_seen(other, store)
    assert seen["cuts"][0].tolist() == [21, SIZE[0], 24, 70] and seen["masks_file"].name == "masks_mtcnn.npy"
    assert faces.photos_without_face(other, store) == 1
    assert not np.array_equal(seen["cuts"], faces.what_is_seen(cascade, store)["cuts"])


def test_mtcnn_without_its_library_is_one_sentence(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)  # as if it were not installed
    message = (
        "input.detector: received 'mtcnn', and facenet-pytorch cannot be imported; allowed: 'cascade', or pip install"
    )
    with pytest.raises(InputError, match=message):
        check_data(looking("mtcnn"), people())
    check_data(looking("cascade"), people())
    check_data(TrialConfig.from_dict({"input": {"detector": "mtcnn"}}), people())  # nothing looks for faces


def test_boxes_and_masks_are_made_before_trials_start_and_counted(store, capsys, monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 0.0)
    plain = TrialConfig.from_dict({"input": {"store": SIZE}})
    faces.look([plain], store)
    assert capsys.readouterr().out == "" and not (store.folder / "faces.npz").exists()
    faces.look([plain, looking("cascade")], store)
    out = capsys.readouterr().out
    assert "find faces" in out and "cut out people" in out and out.count(": 4 of 4 in ") == 2
    faces.look([looking("cascade")], store)
    assert capsys.readouterr().out == ""
