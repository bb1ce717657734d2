"""Losses against independent formulas, against torch and scikit-learn, and a contract over the whole family."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss
from sklearn.utils.class_weight import compute_class_weight

from trainable.errors import InputError
from trainable.training.losses import LOSSES, Task, build_loss, soften, sum_tasks
from trainable.training.losses.tasks import part_logits, part_size, part_targets, tasks_of
from trainable.training.losses.weights import class_weights, effective_number

C = 18
FAMILY = [(name, f1) for name, f1 in itertools.product(LOSSES, (0.0, 0.5)) if not (name == "soft_f1" and f1)]


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(24, C), torch.arange(24) % C


@pytest.mark.parametrize(("name", "f1"), FAMILY)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [False, True])
def test_contract(batch, name, f1, smoothing, soft):
    logits, hard = batch
    loss = build_loss(name, smoothing=smoothing, f1_weight=f1)
    targets = torch.nn.functional.one_hot(hard, C).float() if soft else hard
    logits.requires_grad_(True)
    value = loss(logits, targets)
    value.backward()
    assert value.ndim == 0 and value.isfinite() and value > 0
    assert logits.grad is not None and logits.grad.isfinite().all() and logits.grad.abs().sum() > 0
    order = torch.randperm(24)
    assert torch.allclose(loss(logits[order], targets[order]), value, atol=1e-6)
    right = torch.nn.functional.one_hot(hard, C)
    for more in (1, 2):
        assert loss(logits.detach() + more * right, targets) < value < loss(logits.detach() - more * right, targets)
    assert torch.allclose(loss(logits, hard), value, atol=1e-6)  # a one-hot target is the label


@pytest.mark.parametrize(("name", "f1"), FAMILY)
@pytest.mark.parametrize("classes", [2, 3, 18, 40])
def test_every_loss_takes_any_number_of_classes(name, f1, classes):
    """The baseline's F1 loss was fixed to 3 classes."""
    torch.manual_seed(0)
    logits, targets = torch.randn(50, classes, requires_grad=True), torch.arange(50) % classes
    value = build_loss(name, smoothing=0.1, f1_weight=f1)(logits, targets)
    value.backward()
    assert value.shape == ()
    assert value.isfinite()
    assert (logits.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_zero_smoothing_does_nothing_and_some_smoothing_does(name):
    """In the baseline label smoothing was on by name and 0.0 by default: nobody noticed that it did nothing."""
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(12, 5, generator=generator), torch.arange(12) % 5
    plain = build_loss(name)(logits, targets)
    assert torch.equal(build_loss(name, smoothing=0.0)(logits, targets), plain)
    assert (build_loss(name, smoothing=0.1)(logits, targets) - plain).abs() > 1e-3


@pytest.mark.parametrize("name", LOSSES)
def test_targets_of_the_wrong_shape_are_refused(batch, name):
    with pytest.raises(ValueError, match=r"targets: received .*; allowed: int64 \[B\] or float \[B, 18\]"):
        build_loss(name)(batch[0], torch.rand(24, C - 1))


def test_cross_entropy_is_torchs_and_scikit_learns(batch):
    logits, hard = batch
    for smoothing in (0.0, 0.15):
        ours = build_loss("cross_entropy", smoothing=smoothing)(logits, hard)
        assert torch.allclose(ours, torch.nn.functional.cross_entropy(logits, hard, label_smoothing=smoothing))
    p = logits.softmax(1).double().numpy()
    expected = log_loss(hard.numpy(), p / p.sum(1, keepdims=True), labels=range(C))
    assert build_loss("cross_entropy")(logits, hard).item() == pytest.approx(expected, abs=1e-5)


def test_cross_entropy_with_smoothing_by_its_formula(batch):
    logits, targets = batch
    log_p = logits.double().log_softmax(1).numpy()
    picked = log_p[np.arange(24), targets.numpy()]
    expected = -(0.9 * picked + 0.1 * log_p.mean(1)).mean()
    assert build_loss("cross_entropy", smoothing=0.1)(logits, targets).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_is_its_formula(batch, gamma):
    logits, hard = batch
    p = np.exp(logits.double().numpy())
    p = (p / p.sum(1, keepdims=True))[np.arange(24), hard.numpy()]
    expected = (-((1 - p) ** gamma) * np.log(p)).mean()
    assert build_loss("focal", gamma=gamma)(logits, hard).item() == pytest.approx(expected, rel=1e-5)


def test_focal_has_finite_gradients_where_it_is_certain():
    logits = torch.tensor([[60.0, 0.0], [0.0, 60.0]], requires_grad=True)
    build_loss("focal", gamma=0.5)(logits, torch.tensor([0, 0])).backward()
    assert logits.grad is not None and logits.grad.isfinite().all()


def test_soft_f1_is_macro_f1_when_predictions_are_certain():
    rng = np.random.default_rng(1)
    true, guess = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    logits = 200.0 * torch.nn.functional.one_hot(torch.from_numpy(guess), 5)
    loss = build_loss("soft_f1")(logits.float(), torch.from_numpy(true))
    assert 1 - loss.item() == pytest.approx(f1_score(true, guess, average="macro"), abs=1e-6)


def test_soft_f1_leaves_absent_classes_out():
    certain = torch.tensor([[9.0, 0, 0, 0], [0, 9.0, 0, 0]])
    assert build_loss("soft_f1")(certain, torch.tensor([0, 1])).item() < 0.01
    logits = torch.zeros(4, 3)
    loss = build_loss("soft_f1")(logits, torch.tensor([0, 0, 1, 1]))
    assert loss.item() == pytest.approx(1 - 2 * (2 / 3) / (4 / 3 + 2))


def test_mixture_is_the_weighted_mean(batch):
    parts = [build_loss(n)(*batch) for n in ("focal", "soft_f1")]
    assert torch.allclose(build_loss("focal", f1_weight=0.3)(*batch), 0.7 * parts[0] + 0.3 * parts[1])
    assert torch.equal(build_loss("focal", f1_weight=1.0)(*batch), parts[1])


def test_class_weights_are_scikit_learns_up_to_scale():
    labels = np.repeat([0, 1, 2], [50, 10, 3])
    ours = class_weights("power", labels, 3, power=1.0, beta=0.0)
    assert np.allclose(ours, compute_class_weight("balanced", classes=np.arange(3), y=labels))
    for name in ("power", "effective"):
        made = class_weights(name, labels, 4, power=0.5, beta=0.99)  # the last class has no row
        assert made is not None and made[labels].mean() == pytest.approx(1) and np.isfinite(made).all()
        assert made[0] < made[1] < made[2]
    assert class_weights("none", labels, 3, power=1.0, beta=0.9) is None


def test_effective_number_is_its_sum():
    assert np.allclose(effective_number(np.array([1, 4]), 0.9), [1, 1 + 0.9 + 0.81 + 0.729])
    assert np.array_equal(effective_number(np.array([5]), 0.0), [1])


@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_class_weights_multiply_the_terms(batch, name):
    logits, hard = batch
    weights = torch.rand(C)
    one_by_one = torch.stack([build_loss(name)(logits[i : i + 1], hard[i : i + 1]) for i in range(24)])
    assert torch.allclose(build_loss(name, weights=weights)(logits, hard), (weights[hard] * one_by_one).mean())


def test_soft_f1_refuses_class_weights():
    with pytest.raises(InputError, match="soft_f1: received class weights"):
        build_loss("soft_f1", weights=torch.ones(C))


def test_unknown_loss_lists_the_known():
    with pytest.raises(InputError, match="unknown loss 'focl'; nearest: focal"):
        build_loss("focl")


def test_parts_are_marginals(batch):
    logits, hard = batch
    joint = logits.softmax(1).view(-1, 3, 2, 3)
    assert torch.allclose(part_logits(logits, ("age",)).exp(), joint.sum((1, 2)), atol=1e-6)
    assert torch.allclose(part_logits(logits, ("gender", "age")).exp(), joint.sum(1).flatten(1), atol=1e-6)
    assert torch.equal(part_targets(hard, ("gender", "age")), hard % 6)
    assert torch.equal(part_targets(hard, ("mask",)), hard // 6)
    for keep in (("mask",), ("age",), ("gender", "age"), ()):
        soft = soften(hard, C, 0.0)
        assert torch.equal(part_targets(soft, keep).argmax(1), part_targets(hard, keep))
        assert part_targets(soft, keep).shape[1] == part_logits(logits, keep).shape[1] == part_size(keep, C)


def test_three_heads_of_weight_one_are_the_joint_cross_entropy_of_the_product():
    torch.manual_seed(0)
    heads = [torch.randn(6, n).log_softmax(1) for n in (3, 2, 3)]
    joint = (heads[0][:, :, None, None] + heads[1][:, None, :, None] + heads[2][:, None, None, :]).flatten(1)
    hard = torch.randint(0, 18, (6,))
    ce = build_loss("cross_entropy")
    total = sum_tasks([(t, ce) for t in tasks_of("attributes", (1.0, 1.0, 1.0), False, "joint")])
    assert torch.allclose(total(joint, hard), ce(joint, hard), atol=1e-6)
    weighted = sum_tasks([(t, ce) for t in tasks_of("attributes", (1.0, 2.0, 3.0), False, "joint")])
    parts = zip((1, 2, 3), heads, ("mask", "gender", "age"), strict=True)
    expected = sum(w * ce(h, part_targets(hard, (k,))) for w, h, k in parts)
    assert torch.allclose(weighted(joint, hard), expected, atol=1e-6)
    assert [t.keep for t in tasks_of("attributes", (1, 1, 1), True, "joint")] == [("gender",), ("age",)]
    assert tasks_of("joint", (), True, "joint") == [Task(("gender", "age"))]
    assert tasks_of("joint", (), True, "age") == [Task()]
