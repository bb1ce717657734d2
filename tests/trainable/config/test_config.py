"""Configurations: valid or refused when made, and known by their hash."""

import json
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest
import timm

from trainable.config import InputConfig, LossConfig, ModelConfig, OptimConfig, TrialConfig, known_backbones
from trainable.errors import InputError


def test_json_gives_the_same_configuration_and_id() -> None:
    config = TrialConfig.from_dict({"input": {"size": (64, 48), "crop": (0.5, 1.0)}, "optim": {"lr": 0.003}})
    again = TrialConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert again.trial_id("folds") == config.trial_id("folds")


def test_id_follows_what_is_resolved_and_the_folds() -> None:
    spelt = TrialConfig.from_dict({"optim": {"lr": 1e-3}, "epochs": 12})
    assert spelt.trial_id("f") == TrialConfig().trial_id("f")
    assert TrialConfig(epochs=13).trial_id("f") != TrialConfig().trial_id("f")
    assert TrialConfig().trial_id("g") != TrialConfig().trial_id("f")
    assert len(TrialConfig().trial_id("f")) == 12


def test_configurations_share_nothing_and_do_not_change() -> None:
    """The baseline kept its lists as class attributes, which all its data sets shared."""
    one, other = TrialConfig(), TrialConfig()
    assert one == other
    for part in fields(TrialConfig):
        assert is_dataclass(getattr(one, part.name)) <= (getattr(one, part.name) is not getattr(other, part.name))
    with pytest.raises(FrozenInstanceError):
        one.optim.lr = 1.0  # type: ignore[misc]
    one.to_dict()["optim"]["lr"] = 1.0
    assert one.optim.lr == 1e-3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"optim": {"lr": 0.0}}, "optim.lr: received 0.0; allowed: 1e-07 to 10.0"),
        ({"optim": {"lr": "fast"}}, "optim.lr: received 'fast'; allowed: a number"),
        ({"optim": {"lr": float("nan")}}, "optim.lr: received nan"),
        ({"optim": {"lr": True}}, "optim.lr: received True"),
        ({"epochs": 2.0}, "trial.epochs: received 2.0; allowed: a whole number from 1"),
        ({"epochs": 0}, "trial.epochs: received 0"),
        ({"seed": -1}, "trial.seed: received -1"),
        ({"input": {"size": (64,)}}, "input.size: received (64,); allowed: (height, width)"),
        ({"input": {"size": [64, 8]}}, "input.size: received (64, 8)"),
        ({"input": {"crop": (0.0, 1.0)}}, "input.crop: received (0.0, 1.0)"),
        ({"loss": {"name": "focl"}}, "loss.name: received 'focl'; allowed: cross_entropy, focal"),
        ({"loss": {"smoothing": 0.9}}, "loss.smoothing: received 0.9; allowed: 0.0 to 0.5"),
        ({"model": {"pretrained": 1}}, "model.pretrained: received 1; allowed: True, False"),
        ({"model": {"backbone": "resnet5O"}}, "unknown backbone 'resnet5O'; nearest: resnet50"),
        (
            {"model": {"backbone": "convnext_small.in12k_ft_in1k_38"}},
            "unknown backbone 'convnext_small.in12k_ft_in1k_38'; nearest: convnext_small.in12k_ft_in1k_384",
        ),
        ({"model": {"backbone": "zzzzzz"}}, "unknown backbone 'zzzzzz'; known: "),
        ({"modle": {}}, "unknown configuration key 'modle'; nearest: model"),
        ({"optim": {"learning_rate": 1}}, "unknown configuration key 'optim.learning_rate'"),
        ({"optim": "adamw"}, "optim.: received 'adamw'; allowed: a dict of fields"),
        ([], "configuration: received []; allowed: a dict of fields"),
    ],
)
def test_wrong_value_is_refused_with_what_is_allowed(values: Any, words: str) -> None:
    with pytest.raises(InputError) as refusal:
        TrialConfig.from_dict(values)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_limits_themselves_are_allowed() -> None:
    assert OptimConfig(lr=10.0).lr == 10.0
    assert LossConfig(smoothing=0.5, gamma=0).gamma == 0
    assert InputConfig(size=(16, 2048)).size == (16, 2048)
    assert ModelConfig(backbone="test_vit").backbone == "test_vit"


@pytest.mark.parametrize("backbone", ["convnext_small.in12k_ft_in1k_384", "vit_small_patch16_dinov3.lvd1689m"])
def test_network_is_named_with_the_tag_of_its_weights(backbone: str) -> None:
    assert ModelConfig(backbone=backbone).backbone == backbone


def test_every_name_that_timm_has_weights_for_is_known() -> None:
    assert set(timm.list_pretrained()) <= set(known_backbones())
    assert not [name for name in known_backbones() if not timm.is_model(name)]


def test_drop_path_counts_where_it_does_something() -> None:
    """Ids of configurations from before there was one stay."""

    def named(**model: Any) -> str:
        return TrialConfig.from_dict({"model": model, "augment": {"policy": "none"}}).trial_id("folds")

    assert named() == named(drop_path=0.0) != named(drop_path=0.1)
    assert named(freeze="body") == named(freeze="body", drop_path=0.1)
