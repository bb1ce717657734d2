"""Mixing: pixels and targets agree, partners are who they should be, nothing depends on anything but the key."""

import numpy as np
import pytest
import torch

from trainable.config import MixConfig
from trainable.errors import InputError
from trainable.images.mixing import MIXES, apply, build_mix, choose
from trainable.randomness import generator

SIZE = (16, 12)
LABELS = np.array([0, 0, 0, 1, 1, 2, 2, 2])
OLD = LABELS == 2


def plan_of(name, **options):
    return build_mix(name, **{"p": 1.0, "alpha": 1.0, "ratio": (0.46, 0.54), "partner": "any", **options})


def images():
    """Every pixel carries the number of its image."""
    return torch.arange(8.0).view(8, 1, 1, 1).expand(8, 3, *SIZE).clone()


@pytest.mark.parametrize("name", MIXES)
def test_shares_of_the_target_are_shares_of_the_pixels(name):
    for step in range(20):
        mix = plan_of(name)(generator(0, step), LABELS, OLD, SIZE)
        assert mix is not None
        mixed, soft = apply(images(), torch.from_numpy(LABELS), mix, 3)
        assert torch.allclose(soft.sum(1), torch.ones(8))
        own, other = torch.arange(8.0), torch.from_numpy(mix.partner).float()
        expected = mix.keep * own + (1 - mix.keep) * other
        assert torch.allclose(mixed.mean((1, 2, 3)), expected, atol=1e-5)
        for i in range(8):
            share = torch.zeros(3)
            share[LABELS[i]] += mix.keep
            share[LABELS[mix.partner[i]]] += 1 - mix.keep
            assert torch.allclose(soft[i], share, atol=1e-6)


def test_halves_cut_upright_within_the_ratio():
    cuts = set()
    for step in range(30):
        mix = plan_of("halves", ratio=(0.3, 0.7))(generator(0, step), LABELS, OLD, SIZE)
        top, bottom, left, right = mix.box
        assert (top, bottom, right) == (0, 16, 12) and 0.3 * 12 - 1 <= left <= 0.7 * 12 + 1
        cuts.add(left)
    assert len(cuts) > 3


def test_same_class_keeps_the_targets_and_mixes_pixels():
    mix = plan_of("cutmix", partner="same", alpha=1.0)(generator(0, 2), LABELS, OLD, SIZE)
    assert np.array_equal(LABELS[mix.partner], LABELS) and not np.array_equal(mix.partner, np.arange(8))
    _, soft = apply(images(), torch.from_numpy(LABELS), mix, 3)
    assert torch.equal(soft.argmax(1), torch.from_numpy(LABELS)) and torch.equal(soft.max(1).values, torch.ones(8))


def test_old_partners_are_old_and_without_any_the_batch_is_left_alone():
    assert OLD[choose(generator(0), LABELS, OLD, "age=>=60")].all()
    assert plan_of("halves", partner="age=>=60")(generator(0), LABELS, np.zeros(8, bool), SIZE) is None


def test_any_partner_is_another_order():
    assert np.array_equal(np.sort(choose(generator(0), LABELS, OLD, "any")), np.arange(8))


def test_p_is_the_share_of_batches():
    plan = plan_of("mixup", p=0.3)
    hit = [plan(generator(0, s), LABELS, OLD, SIZE) is not None for s in range(400)]
    assert 0.2 < np.mean(hit) < 0.4


def test_none_never_mixes():
    assert plan_of("none")(generator(0), LABELS, OLD, SIZE) is None


@pytest.mark.parametrize("name", MIXES)
def test_soft_targets_are_mixed_as_labels_are(name):
    mix, hard = plan_of(name)(generator(0), LABELS, OLD, SIZE), torch.from_numpy(LABELS)
    once = apply(images(), hard, mix, 3)[1]
    own = torch.nn.functional.one_hot(hard, 3).float()
    assert torch.equal(apply(images(), own, mix, 3)[1], once)
    soft = 0.8 * own + 0.2 / 3
    assert torch.allclose(apply(images(), soft, mix, 3)[1], 0.8 * once + 0.2 / 3)


def test_cutmix_leaves_the_given_images_alone():
    before = images()
    mix = plan_of("cutmix")(generator(0), LABELS, OLD, SIZE)
    apply(before, torch.from_numpy(LABELS), mix, 3)
    assert torch.equal(before, images())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "cutmixx"}, "allowed: none, cutmix, halves, mixup"),
        ({"name": "halves", "ratio": (0.6, 0.4)}, r"mix\.ratio: received \(0\.6, 0\.4\)"),
        ({"name": "cutmix", "p": 1.5}, r"mix\.p: received 1\.5; allowed: 0\.01 to 1\.0"),
        ({"name": "mixup", "partner": "same"}, "received 'same' with mixup"),
    ],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        MixConfig(**values)
