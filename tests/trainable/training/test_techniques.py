"""Every value of every choice: built, trained for two steps, predicted, and shown to change what it should.

A choice is a field of the configuration. Each has changes that stand for all its values; what is compared is the
state after two steps, the predictions, or what goes in (rows, labels, pixels). A silent no-op fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from techniques import Trained, merged

from trainable.config import TrialConfig
from trainable.config.head import FITTED
from trainable.errors import InputError
from trainable.run import Experiment


@pytest.fixture(scope="module")
def trained(experiment: Experiment):
    """Train a configuration once; the same one is not trained again."""

    @cache
    def run(trial_id: str) -> Trained:
        return Trained(known[trial_id], experiment)

    known: dict[str, TrialConfig] = {}

    def train(*changes: dict[str, Any]) -> Trained:
        config = merged(*changes)
        known[config.trial_id("techniques")] = config
        return run(config.trial_id("techniques"))

    return train


# Per field: (what must be set for it to count, its values). The first value is what the others must differ from.
CHOICES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "target": ({}, ["joint", "mask", "gender", "age"]),
    "model.backbone": ({}, ["test_resnet", "test_efficientnet"]),
    "model.drop_rate": ({}, [0.0, 0.5]),
    "model.drop_path": ({}, [0.0, 0.5]),
    "model.freeze": ({}, [0, 1, 2, "body"]),
    "model.batch_norm": ({}, ["batch", "kept"]),
    "model.wise_ft": ({}, [1.0, 0.5]),
    "head.name": ({}, ["joint", "attributes"]),
    "head.ordinal": ({"head": {"name": "attributes"}}, [(), ("age",)]),
    "head.init": ({}, ["random", "frozen"]),
    "head.weights": ({"head": {"name": "attributes"}}, [{}, {"mask": 3.0}, {"gender": 3.0}, {"age": 3.0}]),
    "input.region": ({}, ["centre", "face"]),
    "input.detector": ({"input": {"region": "face"}}, ["cascade", "mtcnn"]),
    "input.margin": ({"input": {"region": "face"}}, [0.4, 0.0]),
    "input.crop": ({}, [(1.0, 1.0), (0.625, 0.667)]),
    "input.background": ({}, ["keep", "removed"]),
    "input.size": ({}, [(32, 32), (32, 24)]),
    "input.normalise": ({"model": {"backbone": "test_vit"}}, ["imagenet", "backbone", "dataset"]),
    "rows.cuts": ({}, [{}, *({"age": (young, old)} for young, old in ((29, 60), (28, 60), (30, 58), (30, 56)))]),
    "rows.drop": ({}, [{}, *({"age": widths} for widths in ((1, 0), (3, 0), (0, 1), (0, 3)))]),
    "rows.drop_side": ({"rows": {"drop": {"age": (1, 0)}}}, ["below", "both"]),
    "rows.corrections": ({}, ["none", "core"]),
    "stage.rows": ({}, ["", "mask=none"]),
    "stage.share": ({"stage": {"rows": "mask=none"}, "epochs": 3}, [0.3, 0.7]),
    "augment.policy": ({}, ["none", "light", "strong"]),
    "augment.hflip_only": ({"augment": {"hflip": 1.0}}, ["", "age=>=60"]),
    "augment.p": ({"augment": {"brightness": 0.4}}, [0.5, 1.0]),
    "augment.hole_size": ({"augment": {"holes": 2}}, [0.1, 6.0]),
    "augment.rand_magnitude": ({"augment": {"rand_ops": 2}}, [5.0, 9.0]),
    **{
        f"augment.{f.name}": ({}, [f.default, 2 if isinstance(f.default, int) else min(f.metadata["range"][1], 10.0)])
        for f in fields(TrialConfig.__dataclass_fields__["augment"].type)  # type: ignore[arg-type]
        if f.name not in ("policy", "hflip_only", "p", "hole_size", "rand_magnitude")
    },
    "mix.name": ({"mix": {"p": 1.0}}, ["none", "cutmix", "halves", "mixup"]),
    "mix.p": ({"mix": {"name": "mixup"}, "batch_size": 16}, [0.01, 1.0]),
    "mix.alpha": ({"mix": {"name": "cutmix", "p": 1.0}}, [1.0, 0.2]),
    "mix.ratio": ({"mix": {"name": "halves", "p": 1.0}}, [(0.46, 0.54), (0.2, 0.3)]),
    "mix.partner": ({"mix": {"name": "cutmix", "p": 1.0}}, ["any", "same", "age=>=60"]),
    "sampler.name": ({}, ["shuffle", "weighted", "effective", "balanced"]),
    "sampler.power": ({"sampler": {"name": "weighted"}}, [0.5, 0.0, 1.0]),
    "sampler.beta": ({"sampler": {"name": "effective"}}, [0.999, 0.5]),
    "loss.name": ({}, ["cross_entropy", "focal", "soft_f1"]),
    "loss.smoothing": ({}, [0.0, 0.1]),
    "loss.gamma": ({"loss": {"name": "focal"}}, [2.0, 0.5, 5.0]),
    "loss.f1_weight": ({}, [0.0, 0.5]),
    "loss.leave_out": ({}, [0, 6]),
    "loss.class_weights": ({}, ["none", "power", "effective"]),
    "loss.weight_power": ({"loss": {"class_weights": "power"}}, [0.5, 1.0]),
    "loss.weight_beta": ({"loss": {"class_weights": "effective"}}, [0.999, 0.5]),
    "optim.name": ({}, ["adamw", "adam", "radam", "sgd"]),
    "optim.lr": ({}, [1e-2, 1e-3]),
    "optim.head_factor": ({}, [1.0, 10.0]),
    "optim.layer_decay": ({}, [1.0, 0.7]),
    "optim.weight_decay": ({}, [0.02, 0.5]),
    "optim.momentum": ({"optim": {"name": "sgd"}}, [0.9, 0.0]),
    "optim.second": ({}, ["none", "sgd"]),
    "optim.second_share": ({"optim": {"second": "sgd"}, "epochs": 3}, [0.3, 0.7]),
    "optim.second_lr": ({"optim": {"second": "sgd"}}, [1e-3, 1e-2]),
    "optim.schedule": ({}, ["cosine", "restarts", "one_cycle", "step", "multistep", "constant"]),
    "optim.warmup": ({}, [0.0, 0.3]),
    "optim.step_every": ({"optim": {"schedule": "step"}}, [5, 1]),
    "optim.step_factor": ({"optim": {"schedule": "multistep"}}, [0.5, 0.1]),
    "optim.milestones": ({"optim": {"schedule": "multistep"}}, [(0.5, 0.75), (0.3,)]),
    "optim.cycles": ({"optim": {"schedule": "restarts"}}, [2, 3]),
    "optim.cycle_decay": ({"optim": {"schedule": "restarts"}}, [0.5, 0.9]),
    "optim.clip": ({}, [0.0, 0.01]),
    "optim.accumulate": ({"optim": {"lr": 1e-2}, "batch_size": 16}, [1, 2]),
    "optim.ema": ({}, [0.0, 0.9]),
    "epochs": ({}, [2, 3]),
    "batch_size": ({}, [36, 24]),
    "keep": ({"epochs": 4, "optim": {"lr": 0.3, "schedule": "constant"}}, ["last", "best", "soup"]),
    "soup_share": ({"keep": "soup", "epochs": 4}, [0.3, 0.6]),
    "patience": ({"keep": "best", "epochs": 4, "optim": {"lr": 1e-7}}, [0, 1]),
    "tta": ({}, ["none", "flip", "crops"]),
    "precision": ({}, ["auto", "bf16"]),
    "seed": ({}, [0, 1]),
}
NOT_HERE = {
    "model.pretrained": "needs files of weights",
    "input.store": "the experiment's, not a trial's",
    "compile": "takes half a minute: test_compile.py",
    **dict.fromkeys(
        ("head.shrinkage", "head.neighbours", "head.parts", "head.calibrate", "features.beside", "features.of"),
        "of heads that are fitted, not trained: test_frozen.py",
    ),
}
UNTOUCHED_WEIGHTS = {"tta"}  # these change predictions alone
QUICK = (
    "target=mask head.name=attributes rows.cuts={'age':(30,58)} mix.name=halves sampler.name=balanced loss.name=focal"
)
QUICK += " optim.second=sgd optim.ema=0.9 stage.rows=mask=none tta=flip loss.leave_out=6"
QUICK += " model.freeze=body augment.hflip_only=age=>=60 head.init=frozen model.wise_ft=0.5"
CASES = [
    pytest.param(name, needs, values[0], value, id=f"{name}={value}", marks=marks)
    for name, (needs, values) in CHOICES.items()
    for value in values[1:]
    for marks in [() if f"{name}={value}".replace(" ", "") in QUICK.split() else pytest.mark.slow]
]


def names(config: Any = TrialConfig, prefix: str = "") -> Iterator[str]:
    for f in fields(config):
        yield from names(f.type, f"{f.name}.") if is_dataclass(f.type) else [f"{prefix}{f.name}"]


def field_of(name: str) -> Any:
    section, _, key = name.rpartition(".")
    owner: Any = TrialConfig if not section else TrialConfig.__dataclass_fields__[section].type
    return owner.__dataclass_fields__[key]


def as_change(name: str, value: Any) -> dict[str, Any]:
    section, _, key = name.rpartition(".")
    change: dict[str, Any] = {section: {key: value}} if section else {key: value}
    return {**change, "augment": {"policy": "none"}} if name == "model.freeze" else change


def test_no_choice_is_forgotten() -> None:
    assert set(names()) == set(CHOICES) | set(NOT_HERE)


@pytest.mark.parametrize("name", CHOICES)
def test_every_listed_value_is_walked(name: str) -> None:
    allowed = field_of(name).metadata.get("allowed", ())
    elsewhere = {"precision": ("fp32",), "head.name": FITTED}  # on a CPU "auto" is fp32; test_frozen.py
    walked = [*CHOICES[name][1], *elsewhere.get(name, ())]
    assert all(value in walked for value in allowed)


@pytest.mark.parametrize(("name", "needs", "usual", "value"), CASES)
def test_choice_trains_and_changes_what_it_should(trained, name, needs, usual, value) -> None:
    before, after = trained(needs, as_change(name, usual)), trained(needs, as_change(name, value))
    for run in (before, after):
        guesses = run.valid.probabilities
        assert np.isfinite(guesses).all() and np.allclose(guesses.sum(1), 1, atol=1e-4)
        assert all(np.isfinite(m["loss"]) for m in run.metrics)
        assert np.array_equal(run.valid.index, before.valid.index)
    if name == "patience":
        assert before.skipped == 0 < after.skipped  # hardly anything gets better at a rate of 1e-7
        return
    assert before.guesses != after.guesses, f"{name}={value!r} predicts as {usual!r} does: a silent no-op"
    assert (before.weights == after.weights) == (name in UNTOUCHED_WEIGHTS)


CONDITIONAL = [n for n, (needs, _) in CHOICES.items() if needs and "only" in field_of(n).metadata and n != "keep"]


@pytest.mark.parametrize("name", CONDITIONAL)
def test_trial_id_ignores_what_does_not_count(name: str) -> None:
    """A field with a condition makes no difference where its condition does not hold."""
    off = [merged(as_change(name, value)).trial_id("f") for value in CHOICES[name][1]]
    on = [merged(CHOICES[name][0], as_change(name, value)).trial_id("f") for value in CHOICES[name][1]]
    assert len(set(off)) == 1 and len(set(on)) == len(on)


def test_what_is_ignored_is_said_aloud() -> None:
    config = merged({"loss": {"gamma": 3.0}, "optim": {"cycles": 5}, "patience": 2})
    assert [sentence.split(":")[0] for sentence in config.cautions()] == ["loss.gamma", "optim.cycles", "patience"]
    assert merged({"loss": {"name": "focal", "gamma": 3.0}}).cautions() == []


def test_whole_and_fractional_numbers_are_one_value() -> None:
    ids = {merged({"optim": {"clip": c}, "input": {"crop": (c, c)}}).trial_id("f") for c in (1, 1.0)}
    assert len(ids) == 1


def test_json_gives_the_same_trial(tmp_path: Path) -> None:
    for name, (needs, values) in CHOICES.items():
        for value in values:
            config = merged(needs, as_change(name, value))
            again = TrialConfig.from_dict(json.loads(json.dumps(config.to_dict())))
            assert again == config and again.trial_id("f") == config.trial_id("f")


def test_corrections_of_a_file_train_other_labels(trained, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(
        "path_or_id,field,value\n005005_x,gender,male\n005007_x,swap,incorrect_mask normal\n"
    )
    before, after = trained(), trained({"rows": {"corrections": str(tmp_path / "mine.csv")}})
    assert before.guesses != after.guesses and before.weights != after.weights
    assert np.array_equal(before.valid.label, after.valid.label)


@pytest.mark.parametrize("name", [n for n in names() if "range" in field_of(n).metadata])
def test_values_out_of_range_are_refused_with_the_range(name: str) -> None:
    low, high = field_of(name).metadata["range"]
    needs = CHOICES.get(name, ({}, []))[0]
    pair = isinstance(field_of(name).default, tuple)
    for wrong in (low - 1, high + 1):
        received = (wrong, wrong) if pair else wrong
        with pytest.raises(InputError) as said:
            merged(needs, as_change(name, received))
        assert f"{name.rpartition('.')[2]}: received {received!r}; allowed: " in str(said.value)
        assert f"{low} to {high}" in str(said.value)


@pytest.mark.parametrize("name", [n for n in names() if n not in ("target", "model.backbone")])
def test_bad_values_are_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name.rpartition('.')[2]}: received .*; allowed: "):
        merged(as_change(name, "nonsense") if name != "model.freeze" else {"model": {"freeze": 7}})
