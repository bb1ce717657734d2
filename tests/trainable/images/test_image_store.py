"""The store of decoded photos."""

import errno
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from filelock import FileLock
from helpers import write_photo
from PIL import Image

from trainable.cache import cache_folder
from trainable.command import guarded
from trainable.errors import InputError
from trainable.images import store as images
from trainable.images.decode import read_image, resize
from trainable.images.store import open_store

NAMES = ("a.png", "b.jpg", "c.jpeg")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed, name in enumerate(NAMES):
        write_photo(tmp_path / name, 60 * seed + 40, seed)
    return tmp_path


def test_store_holds_what_opencv_decodes(photos: Path) -> None:
    store = open_store(photos, NAMES, (32, 32))
    pixels = store.pixels()
    assert pixels.shape == (3, 32, 32, 3)
    assert pixels.dtype == np.uint8
    for row, name in enumerate(NAMES):
        assert (pixels[row] == cv2.imread(str(photos / name))[..., ::-1]).all()
    assert store.bad == ()
    assert store.rows(["c.jpeg", "a.png"]).tolist() == [2, 0]


def test_store_shrinks_by_area(photos: Path) -> None:
    small = open_store(photos, NAMES, (8, 16)).pixels()
    whole = open_store(photos, NAMES, (32, 32)).pixels().astype(float)
    mean = whole.reshape(3, 8, 4, 16, 2, 3).mean((2, 4))
    assert np.abs(small - mean)[0].max() <= 1
    assert np.abs(small - mean).mean() <= 1  # JPEGs leave out their highest frequencies before decoding


def test_photo_turned_by_its_tag_is_not_reduced_below_its_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    write_photo(tmp_path / "x.jpg", 100, side=64)
    Image.open(tmp_path / "x.jpg").resize((40, 96)).save(tmp_path / "y.jpg", exif=exif)  # shown 40 high, 96 wide
    image = read_image(tmp_path / "y.jpg", (40, 20))
    whole = read_image(tmp_path / "y.jpg")
    assert image is not None and whole is not None
    assert (image == resize(whole, (40, 20))).all()


@pytest.mark.parametrize("size", [(32, 32), (17, 32), (9, 30), (8, 8), (4, 15), (48, 70), (3, 31)])
def test_resize_is_near_areas_and_fills_the_array_given(size: tuple[int, int]) -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8), (5, 5), 0)
    shrinks = size[0] < 32 or size[1] < 32
    areas = cv2.resize(smooth, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    ours = resize(smooth, size)
    assert np.abs(ours.astype(int) - areas).mean() < 4
    out = np.zeros((*size, 3), np.uint8)
    resize(smooth, size, out)
    assert (out == ours).all()


def test_second_opening_decodes_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_store(photos, NAMES, (32, 32))
    monkeypatch.setattr(images, "_build", lambda *_: pytest.fail("decoded again"))
    assert open_store(photos, NAMES, (32, 32)).folder == first.folder


def test_changed_photo_is_decoded_anew(photos: Path) -> None:
    before = open_store(photos, NAMES, (32, 32)).pixels()[0].copy()
    write_photo(photos / "a.png", 250, seed=9)
    assert (open_store(photos, NAMES, (32, 32)).pixels()[0] != before).any()


def test_photo_whose_content_changed_at_equal_size_and_time_is_decoded_anew(photos: Path) -> None:
    """Whoever began with the first content is told, on a node that does not have it."""
    path = photos / "a.png"
    first, then = open_store(photos, NAMES, (32, 32)), path.stat()
    path.write_bytes(bytes([path.read_bytes()[0], *b"no photo any more", *path.read_bytes()[18:]]))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert path.stat().st_size == then.st_size and path.stat().st_mtime_ns == then.st_mtime_ns
    now = open_store(photos, NAMES, (32, 32))
    assert now.bad == ("a.png",) and now.content != first.content and first.bad == ()
    assert now.content_of(NAMES) == now.content
    assert now.content_of(NAMES[1:]) == open_store(photos, NAMES[1:], (8, 8)).content
    assert [name for name in NAMES if now.digests()[name] != first.digests()[name]] == ["a.png"]
    assert open_store(photos, NAMES, (32, 32), content=first.content).folder == first.folder
    with pytest.raises(InputError, match=r"no photo gone\.png below .*, or --data where they lie now"):
        open_store(photos, [*NAMES, "gone.png"], (32, 32))
    shutil.rmtree(first.folder)
    with pytest.raises(InputError, match="received other content than when the run began"):
        open_store(photos, NAMES, (32, 32), content=first.content)


def test_the_same_photos_elsewhere_are_one_store(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "moved", ignore=shutil.ignore_patterns("moved"))
    assert open_store(tmp_path / "moved", NAMES, (32, 32)).folder == open_store(photos, NAMES, (32, 32)).folder


def test_what_a_crash_left_is_decoded_again(photos: Path) -> None:
    folder = open_store(photos, NAMES, (32, 32)).folder
    (folder / "index.json").unlink()
    assert open_store(photos, NAMES, (32, 32)).pixels().any()
    assert not list(folder.parent.glob("*.partial"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
@pytest.mark.parametrize("keep", [0, 2, 20, 0.5, -3])
def test_truncated_photo_is_bad_and_not_half_grey(tmp_path: Path, suffix: str, keep: float) -> None:
    """OpenCV reads a truncated JPEG without complaint."""
    path = tmp_path / f"x{suffix}"
    write_photo(path, 100, side=64)
    data = path.read_bytes()
    assert read_image(path) is not None
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    assert read_image(path) is None


def test_thumbnail_inside_a_truncated_photo_does_not_hide_it(tmp_path: Path) -> None:
    path, inner = tmp_path / "x.jpg", tmp_path / "thumbnail.jpg"
    write_photo(path, 100, side=64)
    write_photo(inner, 100, side=16)
    data, thumbnail = path.read_bytes(), inner.read_bytes()
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2) + thumbnail
    path.write_bytes(data[:2] + segment + data[2:])
    assert read_image(path) is not None
    path.write_bytes(data[:2] + segment + data[2:-40])
    assert read_image(path) is None


def test_bytes_after_the_end_of_a_photo_do_no_harm(tmp_path: Path) -> None:
    for name in NAMES:
        write_photo(tmp_path / name, 100)
        with (tmp_path / name).open("ab") as file:
            file.write(b"maker's notes" * 20)
        assert read_image(tmp_path / name) is not None


def test_all_bad_photos_are_named_and_black(photos: Path) -> None:
    (photos / "a.png").write_bytes(b"no photo")
    (photos / "c.jpeg").write_bytes((photos / "c.jpeg").read_bytes()[:-20])
    store = open_store(photos, NAMES, (32, 32))
    assert store.bad == ("a.png", "c.jpeg")
    assert not store.pixels()[[0, 2]].any()
    assert store.pixels()[1].any()


def test_photo_is_upright_by_its_exif_tag(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter
    Image.new("RGB", (40, 20)).save(tmp_path / "x.jpg", exif=exif)
    image = read_image(tmp_path / "x.jpg")
    assert image is not None
    assert image.shape == (40, 20, 3)


def test_store_that_does_not_fit_the_disk_is_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "store_bytes", lambda *_: 10**18)
    with pytest.raises(InputError, match=r"needs 1000000000\.0 GB"):
        open_store(photos, NAMES, (24, 24))


@pytest.mark.parametrize("harm", ["empty index", "cut index", "other index", "cut pixels", "empty pixels", "no pixels"])
def test_damaged_store_is_decoded_anew(photos: Path, harm: str) -> None:
    store = open_store(photos, NAMES, (32, 32))
    right, index = store.pixels().copy(), store.folder / "index.json"
    what, name = harm.split()
    file = index if name == "index" else store.pixels_file
    content = {"empty": b"", "cut": file.read_bytes()[:-40], "other": b"[]", "no": b""}[what]
    file.unlink() if what == "no" else file.write_bytes(content)
    again = open_store(photos, NAMES, (32, 32))
    assert (again.pixels() == right).all() and again.bad == ()


def test_whole_store_is_read_without_its_lock(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be another user's; without a store that user is named."""
    store = open_store(photos, NAMES, (32, 32))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert open_store(photos, NAMES, (32, 32)).folder == store.folder
    with pytest.raises(InputError, match=r"\.lock: received a file that another user owns; allowed: FOLDVOTE_CACHE"):
        open_store(photos, NAMES, (16, 16))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_room_is_taken_before_a_pixel_is_written(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    """A disk or quota that is full then is one line, where a mapped page without room would be a bus error."""

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(images, "decoded_image", lambda *_: pytest.fail("a photo was decoded"))
    before = set(cache_folder().iterdir())
    assert guarded(lambda: len(open_store(photos, NAMES, (24, 24)).names)) == 1
    line = capfd.readouterr().err
    assert line.startswith("error: no space left on the disk of ") and "pixels.npy" in line and line.count("\n") == 1
    assert {p for p in set(cache_folder().iterdir()) - before if p.suffix != ".lock"} == set()
