"""Augmentation: one stream for all transforms of a sample, albumentations' own answers, and every technique.

A technique changes the image when it is on, and does nothing when it is off.
"""

from dataclasses import asdict, fields
from functools import partial

import albumentations as A
import cv2
import numpy as np
import pytest

from trainable.config import AugmentConfig
from trainable.errors import InputError
from trainable.images.affine import Affine
from trainable.images.augment import POLICIES, Augmentation, build_augment
from trainable.images.chain import chain
from trainable.images.decode import resize
from trainable.randomness import SampleRandom

PHOTO = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)


def crop_first() -> list[A.BasicTransform]:
    return [A.RandomResizedCrop((64, 48), scale=(0.5, 1)), A.OneOf([A.InvertImg(p=1), A.ToGray(p=1)], p=0.5)]


@pytest.mark.parametrize("make", [POLICIES["light"], POLICIES["strong"], crop_first])
def test_chain_answers_as_compose_does(make: partial) -> None:
    ours, theirs = SampleRandom(), SampleRandom()
    run, compose = chain(make(), ours, PHOTO.shape[:2]), A.Compose(make())
    compose.set_random_state(theirs.numpy, theirs)
    for row in range(40):
        ours.key(1, 2, row)
        theirs.key(1, 2, row)
        assert (run(PHOTO) == compose(image=PHOTO)["image"]).all()
        assert ours.random() == theirs.random()


def test_same_arguments_same_answer_whatever_came_before() -> None:
    one, other = build_augment("strong", 5), build_augment("strong", 5)
    expected = {row: one(PHOTO, 3, row) for row in range(12)}
    for row in reversed(expected):
        assert (other(PHOTO, 3, row) == expected[row]).all()
    assert any((one(PHOTO, 4, row) != expected[row]).any() for row in expected)
    assert any((build_augment("strong", 6)(PHOTO, 3, row) != expected[row]).any() for row in expected)


def test_decisions_of_transforms_are_uncorrelated() -> None:
    """Compose.set_random_seed gives every transform the same stream: their decisions then agree every time."""
    stream = SampleRandom()
    run = chain([A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5), A.InvertImg(p=0.5)], stream)
    photo = np.array([[10, 20], [30, 40]], np.uint8)[..., None].repeat(3, -1)
    table = []
    for epoch in range(2):
        for row in range(1000):
            stream.key(0, epoch, row)
            corner = int(run(photo)[0, 0, 0])
            invert = corner > 100
            corner = 255 - corner if invert else corner
            table.append([corner in (20, 40), corner in (30, 40), invert])
    decisions = np.array(table, float)
    assert np.abs(decisions.mean(0) - 0.5).max() < 4 * 0.5 / np.sqrt(2000)
    correlations = np.corrcoef(decisions.T)
    assert np.abs(correlations[~np.eye(3, dtype=bool)]).max() < 4 / np.sqrt(2000)
    epochs = decisions.reshape(2, 1000, 3)
    for k in range(3):
        assert abs(np.corrcoef(epochs[0, :, k], epochs[1, :, k])[0, 1]) < 4 / np.sqrt(1000)


def test_photo_comes_to_its_size_before_anything_but_a_crop() -> None:
    stream = SampleRandom()
    assert (chain([], stream, (32, 24))(PHOTO) == resize(PHOTO, (32, 24))).all()
    invert = chain([A.InvertImg(p=1)], stream, (32, 24))
    assert (invert(PHOTO) == 255 - resize(PHOTO, (32, 24))).all()
    cut = chain([A.RandomCrop(32, 24, p=1)], stream, (32, 24))(PHOTO)
    windows = np.lib.stride_tricks.sliding_window_view(PHOTO, (32, 24, 3)).reshape(-1, 32, 24, 3)
    assert (windows == cut).all((1, 2, 3)).any()


def test_photo_given_is_left_as_it_was() -> None:
    photo = PHOTO.copy()
    photo.flags.writeable = False  # as pages of the store are
    augment = build_augment("strong", 0)
    for row in range(30):
        augment(photo, 0, row)
    assert (photo == PHOTO).all()


@pytest.mark.parametrize("shape", [(64, 48), (33, 70)])
def test_affine_is_that_of_albumentations(shape: tuple[int, int]) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    options = {
        "translate_percent": (-0.1, 0.1),
        "scale": (0.8, 1.2),
        "rotate": (-20, 20),
        "shear": {"x": (-15, 15), "y": (-10, 10)},
        "border_mode": cv2.BORDER_REFLECT,
        "p": 0.8,
    }
    streams = SampleRandom(), SampleRandom()
    ours, theirs = chain([Affine(**options)], streams[0]), chain([A.Affine(**options)], streams[1])
    for row in range(200):
        for stream in streams:
            stream.key(0, 0, row)
        assert (ours(photo) == theirs(photo)).all()
        assert streams[0].random() == streams[1].random()


@pytest.mark.parametrize("policy", ["light", "strong"])
def test_photos_move_both_ways(policy: str) -> None:
    """A.Affine takes one number for the shift itself, not for the largest one."""
    for transform in POLICIES[policy]():
        if isinstance(transform, A.Affine):
            for low, high in transform.translate_percent.values():
                assert low == -high < 0


def test_unknown_policy_is_refused() -> None:
    with pytest.raises(InputError, match="unknown augmentation policy 'stong'"):
        build_augment("stong", 0)


# --- the techniques ---------------------------------------------------------------------------------------------------

SETTINGS = {"policy", "p", "hole_size", "rand_magnitude", "hflip_only"}
TECHNIQUES = [f.name for f in fields(AugmentConfig) if f.name not in SETTINGS]


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 215, (8, 6, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), np.uint8))  # 64 x 48, with edges


def augment_of(seed=0, flipped=None, **options):
    values = asdict(AugmentConfig(**{"policy": "none", **options}))
    del values["hflip_only"]
    return build_augment(Augmentation(values.pop("policy"), values, flipped), seed)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_each_technique_changes_the_image_and_repeats_itself(image, name):
    whole = isinstance(AugmentConfig.__dataclass_fields__[name].default, int)
    _, high = AugmentConfig.__dataclass_fields__[name].metadata["range"]
    options = {name: min(high, 3) if whole else (high if high <= 1 else high / 2), "p": 1.0}
    augment = augment_of(**options)
    made = [augment(image, 1, row) for row in range(6)]
    assert any(not np.array_equal(m, image) for m in made)
    assert all(m.dtype == np.uint8 and m.shape == image.shape for m in made)
    again = augment_of(**options)
    assert all(np.array_equal(again(image, 1, row), m) for row, m in reversed(list(enumerate(made))))


def test_nothing_on_is_the_image_itself(image):
    assert augment_of()(image, 0, 0) is image
    assert not AugmentConfig(policy="none").changes and AugmentConfig(policy="none", grey=0.1).changes


def test_flips_and_colours_are_what_they_say(image):
    assert np.array_equal(augment_of(hflip=1.0)(image, 0, 0), image[:, ::-1])
    assert np.array_equal(augment_of(vflip=1.0)(image, 0, 0), image[::-1])
    assert np.array_equal(augment_of(invert=1.0)(image, 0, 0), 255 - image)
    grey = augment_of(grey=1.0)(image, 0, 0)
    assert np.array_equal(grey[..., 0], grey[..., 1]) and np.array_equal(grey[..., 0], grey[..., 2])
    assert set(np.unique(augment_of(canny=1.0)(image, 0, 0))) == {0, 255}


def test_turns_are_right_angles_and_keep_the_shape(image):
    square = image[:48]
    augment = augment_of(turn=1.0)
    turned = {k: [np.array_equal(augment(square, 0, r), np.rot90(square, k)) for r in range(60)] for k in range(4)}
    assert all(5 < sum(found) < 30 for found in turned.values()) and sum(map(sum, turned.values())) == 60
    found = [augment(image, 0, r) for r in range(20)]
    assert all(np.array_equal(f, image) or np.array_equal(f, image[::-1, ::-1]) for f in found)


def test_resized_crop_is_a_part_of_the_photo_as_it_is_stored():
    """A picture of where its pixels are: what is left is at least half of the area, at the size that is asked for."""
    rows, columns = np.mgrid[:200, :160]
    photo = np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)
    options = asdict(AugmentConfig(policy="none", resized_crop=0.5))
    augment = build_augment(
        Augmentation(options.pop("policy"), {k: v for k, v in options.items() if k != "hflip_only"}), 0, (64, 48)
    )
    for row in range(30):
        made = augment(photo, 0, row)
        spans = np.ptp(made[..., 0].astype(int)) / 200 * np.ptp(made[..., 1].astype(int)) / 160
        assert made.shape == (64, 48, 3) and 0.45 < spans <= 1


def test_only_rows_that_are_named_are_flipped(image):
    augment = augment_of(hflip=1.0, flipped=np.array([True, False]))
    assert np.array_equal(augment(image, 0, 0), image[:, ::-1])
    assert np.array_equal(augment(image, 0, 1), image)


def test_holes_in_pixels_and_in_shares(image):
    for size, area in ((10.0, 100), (0.25, 16 * 12)):
        made = augment_of(holes=1, hole_size=size, p=1.0)(image, 0, 3)
        assert (made != image).any(2).sum() == area == (made == 0).all(2).sum()


def test_magnitude_matters(image):
    gap = []
    for magnitude in (1.0, 9.0):
        augment = augment_of(rand_ops=2, rand_magnitude=magnitude)
        gap.append(np.mean([np.abs(augment(image, 0, r).astype(int) - image).mean() for r in range(24)]))
    assert gap[1] > gap[0] * 1.3


def test_presets_keep_their_flip_and_take_another(image):
    assert np.array_equal(augment_of(policy="light", hflip=1e-9)(image, 0, 0).shape, image.shape)
    flips = [np.array_equal(augment_of(hflip=0.5)(image, 0, r), image[:, ::-1]) for r in range(40)]
    assert 8 < sum(flips) < 32
