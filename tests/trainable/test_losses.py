"""One contract for all losses, and each against a formula of its own."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from trainable.config.allowed import InputError
from trainable.training.losses import LOSSES, build_loss, soft_f1

NAMES = sorted(LOSSES)


def batch(classes: int = 5, rows: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, classes, generator=generator), torch.arange(rows) % classes


@pytest.fixture(params=[*((n, 0.0) for n in NAMES), ("cross_entropy", 0.5), ("focal", 0.5)], ids=str)
def loss(request: pytest.FixtureRequest) -> Callable[[Tensor, Tensor], Tensor]:
    name, weight = request.param
    return build_loss(name, smoothing=0.1, f1_weight=weight)


@pytest.mark.parametrize("classes", [2, 3, 18, 40])
def test_every_loss_takes_any_number_of_classes(loss: Callable, classes: int) -> None:
    """The baseline's F1 loss was fixed to 3 classes."""
    logits, targets = batch(classes, rows=50)
    logits.requires_grad_()
    value = loss(logits, targets)
    value.backward()
    assert value.shape == ()
    assert value.isfinite()
    assert (logits.grad.abs().sum(1) > 0).all()


def test_better_prediction_lowers_every_loss(loss: Callable) -> None:
    logits, targets = batch()
    right = torch.nn.functional.one_hot(targets, 5).float()
    assert loss(logits + right, targets) < loss(logits, targets) < loss(logits - right, targets)


def test_order_of_the_batch_does_not_matter(loss: Callable) -> None:
    logits, targets = batch()
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(loss(logits[order], targets[order]), loss(logits, targets))


def test_soft_targets_are_the_same_as_their_classes(loss: Callable) -> None:
    logits, targets = batch()
    torch.testing.assert_close(loss(logits, torch.nn.functional.one_hot(targets, 5).float()), loss(logits, targets))


@pytest.mark.parametrize("name", NAMES)
def test_zero_smoothing_does_nothing_and_some_smoothing_does(name: str) -> None:
    """In the baseline label smoothing was on by name and 0.0 by default: nobody noticed that it did nothing."""
    logits, targets = batch()
    plain = build_loss(name)(logits, targets)
    assert torch.equal(build_loss(name, smoothing=0.0)(logits, targets), plain)
    assert (build_loss(name, smoothing=0.1)(logits, targets) - plain).abs() > 1e-3


def test_cross_entropy_with_smoothing_by_its_formula() -> None:
    logits, targets = batch()
    log_p = logits.double().log_softmax(1).numpy()
    picked = log_p[np.arange(12), targets.numpy()]
    expected = -(0.9 * picked + 0.1 * log_p.mean(1)).mean()
    assert build_loss("cross_entropy", smoothing=0.1)(logits, targets).item() == pytest.approx(expected, abs=1e-5)


def test_focal_by_its_formula_and_gamma_zero_is_cross_entropy() -> None:
    logits, targets = batch()
    p = logits.double().softmax(1).numpy()[np.arange(12), targets.numpy()]
    expected = (-((1 - p) ** 3) * np.log(p)).mean()
    assert build_loss("focal", gamma=3.0)(logits, targets).item() == pytest.approx(expected, abs=1e-5)
    plain = build_loss("cross_entropy")(logits, targets)
    torch.testing.assert_close(build_loss("focal", gamma=0.0)(logits, targets), plain)


def test_soft_f1_of_hard_predictions_is_one_minus_macro_f1() -> None:
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    targets, predicted = rng.integers(0, 6, 80), rng.integers(0, 6, 80)
    logits = torch.nn.functional.one_hot(torch.from_numpy(predicted), 6).float() * 100
    expected = 1 - f1_score(targets, predicted, average="macro")
    assert soft_f1(logits, torch.from_numpy(targets)).item() == pytest.approx(expected, abs=1e-5)


def test_soft_f1_leaves_out_classes_that_the_batch_lacks() -> None:
    logits = torch.tensor([[9.0, 0, 0, 0], [0, 9.0, 0, 0]])
    assert soft_f1(logits, torch.tensor([0, 1])).item() < 0.01


def test_unknown_loss_names_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown loss 'focl'; nearest: focal"):
        build_loss("focl")
