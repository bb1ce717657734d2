"""What one trial is: a tree of frozen dataclasses, validated when made.

A trial is its resolved configuration; where it runs (device, threads, workers) does not count.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Self

from trainable.errors import InputError
from trainable.validate import between, check, one_of, sizes, unknown, where


@cache
def known_backbones() -> tuple[str, ...]:
    """Every timm model name; imported late because timm takes seconds to import."""
    import timm

    return tuple(timm.list_models())


@dataclass(frozen=True)
class ModelConfig:
    backbone: str = "resnet18"
    pretrained: bool = one_of(True, False, default=True)
    drop_rate: float = between(0.0, 0.9, default=0.0)

    def __post_init__(self) -> None:
        check(self)
        if self.backbone not in known_backbones():
            raise unknown("backbone", self.backbone, known_backbones())


def is_crop(value: Any) -> bool:
    return (
        isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, float | int) and 0 < v <= 1 for v in value)
    )


@dataclass(frozen=True)
class InputConfig:
    """`store` is the size the photos are kept at, `size` what the network sees, both (height, width) in pixels.

    `crop` is the centre that is cut out first, in shares of the photo's height and width: 320x256 of 512x384 is
    (0.625, 0.667).
    """

    store: tuple[int, int] = sizes(16, 2048, default=(512, 384))
    crop: tuple[float, float] = where(is_crop, "(height, width), each above 0 and at most 1", default=(1.0, 1.0))
    size: tuple[int, int] = sizes(16, 2048, default=(256, 192))
    normalise: str = one_of("imagenet", "backbone", "dataset", default="imagenet")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class AugmentConfig:
    policy: str = one_of("none", "light", "strong", default="light")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SamplerConfig:
    """`power`: a row is drawn in proportion to (rows of its class) ** -power; 0 is uniform, 1 balances the classes."""

    name: str = one_of("shuffle", "weighted", default="shuffle")
    power: float = between(0.0, 1.0, default=0.5)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class LossConfig:
    """`f1_weight` mixes soft macro-F1 into cross-entropy or focal loss: (1 - w) * loss + w * f1."""

    name: str = one_of("cross_entropy", "focal", "soft_f1", default="cross_entropy")
    smoothing: float = between(0.0, 0.5, default=0.0)
    gamma: float = between(0.0, 10.0, default=2.0)
    f1_weight: float = between(0.0, 1.0, default=0.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class OptimConfig:
    """`warmup` is a share of all steps; `step_every` (epochs) and `step_factor` belong to the step schedule."""

    name: str = one_of("adamw", "sgd", default="adamw")
    lr: float = between(1e-7, 10.0, default=1e-3)
    weight_decay: float = between(0.0, 1.0, default=0.02)
    momentum: float = between(0.0, 0.999, default=0.9)
    schedule: str = one_of("cosine", "step", "constant", default="cosine")
    warmup: float = between(0.0, 0.5, default=0.05)
    step_every: int = between(1, 1000, default=5)
    step_factor: float = between(0.01, 1.0, default=0.5)
    clip: float = between(0.0, 1000.0, default=0.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class TrialConfig:
    """`epochs` counts epochs of one fold; all trials of a run share it, or rungs could not be compared."""

    model: ModelConfig = field(default_factory=ModelConfig)
    input: InputConfig = field(default_factory=InputConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    epochs: int = between(1, 10_000, default=12)
    batch_size: int = between(2, 65_536, default=32)
    precision: str = one_of("auto", "fp32", "bf16", default="auto")
    seed: int = where(lambda v: type(v) is int and 0 <= v < 2**31, "a whole number from 0 to 2**31 - 1", default=0)

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from nested dicts, as a space or config.json gives them; InputError names what is unknown."""
        return _build(cls, values, path="")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def trial_id(self, folds_fingerprint: str) -> str:
        """12 hex digits: the hash of the resolved configuration and of the folds it is scored on."""
        text = json.dumps([self.to_dict(), folds_fingerprint], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _build(cls: Any, values: Any, path: str) -> Any:
    if not isinstance(values, dict):
        raise InputError(f"{path or 'configuration'}: received {values!r}; allowed: a dict of fields")
    parts = {f.name: f for f in fields(cls)}
    arguments = {}
    for name, value in values.items():
        if name not in parts:
            raise unknown("configuration key", f"{path}{name}", [f"{path}{p}" for p in parts])
        kind = parts[name].type
        arguments[name] = _build(kind, value, f"{path}{name}.") if is_dataclass(kind) else value
    return cls(**arguments)
