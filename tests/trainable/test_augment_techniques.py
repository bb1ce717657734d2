"""Every augmentation technique: it changes the image when it is on, and does nothing when it is off."""

from dataclasses import asdict, fields

import numpy as np
import pytest

from trainable.config import AugmentConfig
from trainable.images.augment import Augmentation, build_augment

SETTINGS = {"policy", "p", "hole_size", "rand_magnitude", "hflip_old"}
TECHNIQUES = [f.name for f in fields(AugmentConfig) if f.name not in SETTINGS]


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 215, (8, 6, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), np.uint8))  # 64 x 48, with edges


def augment_of(seed=0, old=None, **options):
    values = asdict(AugmentConfig(**{"policy": "none", **options}))
    return build_augment(Augmentation(values.pop("policy"), values, old), seed)


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


def test_only_people_of_60_and_over_are_flipped(image):
    augment = augment_of(hflip_old=1.0, old=np.array([True, False]))
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
