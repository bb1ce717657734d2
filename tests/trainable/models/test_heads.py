"""Heads: products are probabilities, ordinal ages are a cumulative model, freezing freezes."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from trainable.config import HeadConfig, TrialConfig
from trainable.data.layouts.competition import MADE_OF
from trainable.errors import InputError
from trainable.models.build import build_model, build_network
from trainable.models.freezing import HeadOnly, features, freeze, train_mode
from trainable.models.heads import Ordinal, head_name, head_parameters, product_of
from trainable.models.tta import VIEWS, viewed

BACKBONES = ["test_resnet", "test_efficientnet", "test_vit", "test_convnext"]


def small(backbone="test_resnet", **options):
    torch.manual_seed(0)
    return build_model(backbone, classes=18, size=(64, 64), made_of=MADE_OF, **options).eval()


def test_ordinal_is_the_cumulative_model():
    head, unit = Ordinal(3), torch.linspace(-60, 60, 41)[:, None]
    thresholds = [-1.0, -1.0 + np.log1p(np.exp(2.0))]
    above = [1 / (1 + np.exp(-(unit[:, 0].double().numpy() - t))) for t in thresholds]
    expected = np.stack([1 - above[0], above[0] - above[1], above[1]], 1)
    found = head(unit)
    assert np.allclose(found.exp().detach().numpy(), expected, atol=1e-6)
    assert found.isfinite().all()
    found.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize("ordinal", [False, True])
def test_product_is_the_product_of_its_heads(ordinal):
    torch.manual_seed(0)
    head = product_of(MADE_OF, ("age",) if ordinal else ())
    units = torch.randn(5, sum(head.units))
    joint = head(units).exp().view(5, 3, 2, 3)
    assert torch.allclose(joint.sum((1, 2, 3)), torch.ones(5), atol=1e-6)
    assert torch.allclose(joint.sum((2, 3)), units[:, :3].softmax(1), atol=1e-6)
    outer = joint.sum((2, 3))[:, :, None, None] * joint.sum((1, 3))[:, None, :, None] * joint.sum((1, 2))[:, None, None]
    assert torch.allclose(joint, outer, atol=1e-6)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(("head", "ordinal"), [("joint", ()), ("attributes", ()), ("attributes", ("age",))])
def test_every_head_answers_with_18_classes_and_learns(backbone, head, ordinal):
    model = small(backbone, head=head, ordinal=ordinal)
    out = model(torch.randn(2, 3, 64, 64))
    assert out.shape == (2, 18)
    out.logsumexp(1).sum().backward() if head == "joint" else out.square().sum().backward()
    assert all(p.grad is not None for p in head_parameters(model))
    again = small(backbone, head=head, ordinal=ordinal)
    again.load_state_dict(model.state_dict())


def test_single_target_age_may_be_ordinal():
    config = TrialConfig.from_dict(
        {
            "target": "age",
            "head": {"ordinal": ["age"]},
            "model": {"backbone": "test_resnet", "pretrained": False},
            "input": {"size": (64, 64)},
        }
    )
    out = build_network(config, 3)(torch.randn(2, 3, 64, 64))
    assert torch.allclose(out.exp().sum(1), torch.ones(2), atol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"target": "age", "head": {"name": "attributes"}}, "allowed: head.name joint"),
        ({"head": {"ordinal": ["age"]}}, "allowed: head.name attributes, or the target alone"),
        ({"target": "mask", "stage": {"rows": "mask=none"}}, "allowed: no first stage: its rows are one class"),
        ({"model": {"freeze": "body"}}, "allowed: augment.policy none"),
        ({"model": {"freeze": 3}}, "allowed: 0, 1, 2, body"),
        ({"head": {"name": "attributes", "weights": {"mask": 0.0}}}, r"allowed: \{column: a number from 0\.01 to 100"),
    ],
)
def test_impossible_heads_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        TrialConfig.from_dict(values)


def test_task_weights_count_for_three_heads_only():
    heavy = {"weights": {"age": 3.0}}
    ids = [
        TrialConfig(head=HeadConfig(**h, **w)).trial_id("f") for h in ({}, {"name": "attributes"}) for w in ({}, heavy)
    ]
    assert ids[0] == ids[1] and ids[2] != ids[3]


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("stages", [0, 1, 2, "body"])
def test_freezing_keeps_a_beginning_and_its_statistics(backbone, stages):
    model = small(backbone)
    freeze(model, stages)
    moving = [n for n, p in model.named_parameters() if p.requires_grad]
    total = len(list(model.named_parameters()))
    assert 0 < len(moving) <= total and (len(moving) == total) == (stages == 0)
    assert any(n.startswith(head_name(model)) for n in moving)
    train_mode(model)
    before = {n: b.clone() for n, b in model.named_buffers()}
    model(torch.randn(4, 3, 64, 64))
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            still = torch.equal(module.running_mean, before[f"{name}.running_mean"])
            assert still == (not module.weight.requires_grad)


def test_more_frozen_stages_leave_less():
    left = []
    for stages in (0, 1, 2, "body"):
        model = small()
        freeze(model, stages)
        left.append(sum(p.numel() for p in model.parameters() if p.requires_grad))
    assert left == sorted(left, reverse=True) and len(set(left)) == 4


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("head", ["joint", "attributes"])
def test_cached_features_give_the_same_answer(backbone, head):
    model, images = small(backbone, head=head), torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(HeadOnly(model, 0.3).eval()(features(model, images)), model(images), atol=1e-5)


def test_views_average_probabilities():
    model, images = small(), torch.randn(2, 3, 64, 64)
    assert viewed(model, "none") is model
    with torch.inference_mode():
        mean = (model(images).softmax(1) + model(images.flip(3)).softmax(1)) / 2
        assert torch.allclose(viewed(model, "flip")(images).softmax(1), mean, atol=1e-6)
        answers = [viewed(model, tta)(images) for tta in VIEWS]
    assert all(not torch.allclose(a, b) for a, b in pairwise(answers))
    with pytest.raises(InputError, match="unknown test-time augmentation"):
        viewed(model, "flips")
