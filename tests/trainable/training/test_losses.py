"""Losses against independent formulas, against torch and scikit-learn, and a contract over the whole family."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss
from sklearn.utils.class_weight import compute_class_weight

from trainable.data.attributes import Attribute, Attributes
from trainable.data.layouts.competition import MADE_OF
from trainable.errors import InputError
from trainable.training.losses import LOSSES, build_loss, soften, sum_tasks
from trainable.training.losses.tasks import Part, Task, tasks_of
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
def test_soft_targets(batch, name, f1):
    """What losses make of shares of classes: the mean of what they make of each class; soft F1 by its formula."""
    logits, hard = batch
    shares = 0.7 * soften(hard, C, 0.0) + 0.3 * torch.randn(24, C).mul(3).softmax(1)
    loss = build_loss(name, f1_weight=f1)
    logits.requires_grad_(True)
    value = loss(logits, shares)
    value.backward()
    assert (
        value.ndim == 0 and value.isfinite() and logits.grad.isfinite().all() and (logits.grad.abs().sum(1) > 0).all()
    )
    order = torch.randperm(24)
    assert torch.allclose(loss(logits[order], shares[order]), value, atol=1e-6)
    nearer = logits.detach() - 0.05 * (logits.detach().softmax(1) - shares)
    assert loss(nearer, shares) < value
    if name == "soft_f1" or f1:
        p, q = logits.detach().softmax(1).double().numpy(), shares.double().numpy()
        there = np.minimum(q.sum(0), 1)  # a class of less than a photo counts for so much
        expected = 1 - (there * 2 * (p * q).sum(0) / (p.sum(0) + q.sum(0))).sum() / there.sum()
        assert build_loss("soft_f1")(logits, shares).item() == pytest.approx(expected, abs=1e-6)
    else:
        one_by_one = [[loss(logits[i : i + 1], torch.tensor([c])).item() for c in range(C)] for i in range(24)]
        assert value.item() == pytest.approx((np.array(one_by_one) * shares.numpy()).sum(1).mean(), rel=1e-5)


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


FRUIT = Attributes(
    (Attribute("sort", ("apple", "pear")), Attribute("size", ("s", "m", "l")), Attribute("ripe", ("no", "yes"))),
    cells=(0, 1, 2, 5, 6, 8, 11),
)


@pytest.mark.parametrize("made_of", [MADE_OF, FRUIT])
def test_parts_are_marginals(made_of):
    """Against sums over classes one by one; products that no class has are not told apart."""
    torch.manual_seed(0)
    count = made_of.grid.classes
    logits, hard, names = torch.randn(24, count), torch.arange(24) % count, made_of.names
    values = np.stack(list(made_of.decode(np.arange(count)).values()), 1)
    for keep in [(names[0],), (names[2],), names[1:], names]:
        own = [tuple(v) for v in values[:, [names.index(k) for k in keep]].tolist()]
        told = sorted(set(own))
        part, p = Part(keep, made_of, torch.device("cpu")), logits.softmax(1)
        expected = torch.stack([p[:, [o == t for o in own]].sum(1) for t in told], 1)
        assert part.size == len(told) and torch.allclose(part.logits(logits).exp(), expected, atol=1e-6)
        assert part.targets(hard).tolist() == [told.index(own[c]) for c in hard.tolist()]
        assert torch.equal(part.targets(soften(hard, count, 0.0)).argmax(1), part.targets(hard))
    logits.requires_grad_()
    build_loss("cross_entropy", smoothing=0.1)(part.logits(logits), part.targets(hard)).backward()
    assert logits.grad.isfinite().all() and logits.grad.any()


def parts_of(tasks, made_of=MADE_OF):
    ce = build_loss("cross_entropy")
    return sum_tasks([(task.weight, Part(task.keep, made_of, torch.device("cpu")), ce) for task in tasks])


def test_heads_of_weight_one_are_the_joint_cross_entropy_of_the_product():
    torch.manual_seed(0)
    heads = [torch.randn(6, n).log_softmax(1) for n in (3, 2, 3)]
    joint = (heads[0][:, :, None, None] + heads[1][:, None, :, None] + heads[2][:, None, None, :]).flatten(1)
    hard, names = torch.randint(0, 18, (6,)), MADE_OF.names
    ce = build_loss("cross_entropy")
    total = parts_of(tasks_of("attributes", {}, names, "", "joint"))
    assert torch.allclose(total(joint, hard), ce(joint, hard), atol=1e-6)
    weighted = parts_of(tasks_of("attributes", {"gender": 2.0, "age": 3.0}, names, "", "joint"))
    given = [torch.from_numpy(v) for v in MADE_OF.decode(hard.numpy()).values()]
    expected = sum(w * ce(h, g) for w, h, g in zip((1, 2, 3), heads, given, strict=True))
    assert torch.allclose(weighted(joint, hard), expected, atol=1e-6)


def test_a_first_stage_tells_the_other_attributes():
    names = ("mask", "gender", "age")
    assert [t.keep for t in tasks_of("attributes", {}, names, "mask", "joint")] == [("gender",), ("age",)]
    assert tasks_of("joint", {}, names, "mask", "joint") == [Task(("gender", "age"))]
    assert tasks_of("joint", {}, names, "mask", "age") == [Task()]
    assert tasks_of("joint", {}, names, "site", "joint") == [Task()]  # rows by a column that no class is made of
    assert tasks_of("joint", {}, (), "site", "joint") == [Task()]


@pytest.mark.parametrize(("name", "f1"), FAMILY)
@pytest.mark.parametrize("soft", [False, True])
def test_weights_of_rows_are_so_many_copies(batch, name, f1, soft):
    """Against the same rows repeated; a row of weight 0 is as if it were not there."""
    logits, hard = batch
    times = torch.arange(24) % 4
    hard, loss = torch.arange(24) // 6, build_loss(name, f1_weight=f1)
    targets = soften(hard, C, 0.0) if soft else hard
    copies = torch.repeat_interleave(torch.arange(24), times)
    one = loss(logits, targets, times.float() * 24 / times.sum())
    if name == "soft_f1":
        assert torch.allclose(one, loss(logits[copies], targets[copies]), atol=1e-6)
    elif not f1:
        assert torch.allclose(one, loss(logits[copies], targets[copies]), atol=1e-5)
    assert torch.allclose(loss(logits, targets, torch.ones(24)), loss(logits, targets), atol=1e-6)


@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_the_largest_losses_are_left_out(batch, name):
    logits, hard = batch
    one_by_one = torch.stack([build_loss(name)(logits[i : i + 1], hard[i : i + 1]) for i in range(24)])
    for k in (1, 5, 23):
        left = one_by_one.sort().values[: 24 - k].mean()
        assert torch.allclose(build_loss(name, leave_out=k)(logits, hard), left, atol=1e-6)
    logits.requires_grad_()
    build_loss(name, leave_out=5)(logits, hard).backward()
    assert (logits.grad.abs().sum(1) == 0).sum() == 5  # these teach nothing
