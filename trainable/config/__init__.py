"""What one trial is: a tree of frozen dataclasses, validated when made.

A trial is its resolved configuration; where it runs (device, threads, workers) does not count.
"""

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Self

from trainable.config.allowed import as_dict, between, check, ignored, one_of, only, relevant, where
from trainable.config.augment import AugmentConfig
from trainable.config.features import FeaturesConfig
from trainable.config.head import FITTED, HeadConfig
from trainable.config.input import InputConfig
from trainable.config.loss import LossConfig
from trainable.config.mix import MixConfig
from trainable.config.model import ModelConfig, known_backbones
from trainable.config.optim import OptimConfig
from trainable.config.rows import RowsConfig
from trainable.config.sampler import SamplerConfig
from trainable.config.stage import StageConfig
from trainable.errors import InputError, unknown

__all__ = [
    "JOINT",
    "AugmentConfig",
    "FeaturesConfig",
    "HeadConfig",
    "InputConfig",
    "LossConfig",
    "MixConfig",
    "ModelConfig",
    "OptimConfig",
    "RowsConfig",
    "SamplerConfig",
    "StageConfig",
    "TrialConfig",
    "is_target",
    "known_backbones",
]

JOINT = "joint"


def is_target(value: Any) -> bool:
    return isinstance(value, str) and value != ""


# Sections that matter only where a head is fitted, or only where a network is trained by epochs.
OF_FITTING = {"only": lambda c: c.fitted}
OF_TRAINING = {"only": lambda c: not c.fitted}


def _of_training(given: Any) -> Any:
    return only(OF_TRAINING["only"], given)


@dataclass(frozen=True)
class TrialConfig:
    """`epochs` counts epochs of one fold; all trials of a run share it, or rungs could not be compared.

    A head that is fitted (`head.name` lda, ridge, logistic, knn) reports that many times what it came to at once.

    target: what is predicted, all classes (joint) or one attribute by its name; the same for all trials of a run.
    keep "best" keeps the epoch that scored best in validation, which inflates the score (see `cautions`); patience:
    epochs without a better one after which the rest is skipped, 0 for never. keep "soup" keeps the mean of the weights
    after the last `soup_share` of the epochs (one at least), and the rate should not have fallen to 0 before them.
    tta: views of an image whose probabilities are averaged, for out-of-fold and test predictions alike.
    precision "auto": bf16 on a GPU that has it, else fp32. compile: "auto" launches a step at once on a GPU where that
    is faster, and on a CPU leaves the network as it is; True tries torch.compile as well, and keeps it only where it is
    faster on the first batch; the measuring counts in the seconds of the first epoch (docs/decisions/031-*.md).
    """

    target: str = where(is_target, "joint, or the name of one attribute", default=JOINT)
    model: ModelConfig = field(default_factory=ModelConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    input: InputConfig = field(default_factory=InputConfig)
    rows: RowsConfig = field(default_factory=RowsConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig, metadata=OF_FITTING)
    stage: StageConfig = field(default_factory=StageConfig, metadata=OF_TRAINING)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    mix: MixConfig = field(default_factory=MixConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig, metadata=OF_TRAINING)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig, metadata=OF_TRAINING)
    epochs: int = between(1, 10_000, default=12)
    batch_size: int = _of_training(between(2, 65_536, default=32))
    keep: str = _of_training(one_of("last", "best", "soup", default="last"))
    soup_share: float = only(lambda c: c.keep == "soup" and not c.fitted, between(0.01, 1.0, default=0.3))
    patience: int = only(lambda c: c.keep == "best" and not c.fitted, between(0, 1000, default=0))
    tta: str = one_of("none", "flip", "crops", default="none")
    precision: str = one_of("auto", "fp32", "bf16", default="auto")
    compile: bool | str = only(lambda c: c.compile != "auto", one_of("auto", False, True, default="auto"))
    seed: int = only(
        lambda c: not (c.fitted and (c.model.pretrained or c.features.of)),
        where(lambda v: type(v) is int and 0 <= v < 2**31, "a whole number from 0 to 2**31 - 1", default=0),
    )

    def __post_init__(self) -> None:
        check(self)
        for wrong, received, allowed in self._conflicts():
            if wrong:
                raise InputError(f"configuration: received {received}; allowed: {allowed}")

    @property
    def fitted(self) -> bool:
        """Whether the head is fitted to features of a frozen body, with no epoch of training."""
        return self.head.name in FITTED

    @property
    def tables(self) -> tuple[tuple[str, tuple[int, int]], ...]:
        """(backbone, (height, width)) of every network whose features the head sees, side by side."""
        beside = self.features.tables if self.fitted else ()
        return ((self.model.backbone, self.input.size), *beside)

    @property
    def backbones(self) -> tuple[str, ...]:
        """Every backbone that it needs, each once."""
        return tuple(dict.fromkeys(backbone for backbone, _ in self.tables))

    def _conflicts(self) -> list[tuple[bool, str, str]]:
        heads, frozen = self.head.name == "attributes", self.model.freeze == "body"
        ordinal, first = self.head.ordinal, self.stage.rows
        return [
            (heads and self.target != JOINT, f"head.name attributes with target {self.target}", "head.name joint"),
            (
                ordinal != () and not heads and ordinal != (self.target,),
                f"head.ordinal {', '.join(ordinal)} with head.name {self.head.name} and target {self.target}",
                "head.name attributes, or the target alone",
            ),
            (
                self.target != JOINT and first.partition("=")[0] == self.target,
                f"stage.rows {first} with target {self.target}",
                "no first stage: its rows are one class",
            ),
            (
                self.epochs < 2 and (first != "" or self.optim.second != "none"),
                "stage.rows or optim.second with 1 epoch",
                "2 epochs or more: each part has one at least",
            ),
            (
                2 * self.loss.leave_out > self.batch_size and not self.fitted,
                f"loss.leave_out {self.loss.leave_out} of batches of {self.batch_size}",
                f"{self.batch_size // 2} at most, half of a batch",
            ),
            (
                self.loss.leave_out > 0 and self.loss.name == "soft_f1",
                "loss.leave_out with loss.name soft_f1",
                "cross_entropy or focal, which are sums over photos",
            ),
            (
                frozen and self.compile is True,
                "model.freeze body with compile",
                "compile auto: one layer is trained, which nothing can be compiled away from",
            ),
            (
                frozen and (self.augment.changes or self.mix.name != "none"),
                "model.freeze body with augmentation or mixing",
                "augment.policy none and mix.name none: features of a frozen body are computed once",
            ),
            *self._conflicts_of_fitted(),
            *self._conflicts_of_starts(),
        ]

    def _conflicts_of_fitted(self) -> list[tuple[bool, str, str]]:
        name = f"head.name {self.head.name}"
        return [
            (self.fitted and self.model.freeze != "body", f"{name} with a body that trains", "model.freeze body"),
            (
                self.fitted and self.input.normalise == "dataset",
                f"{name} with input.normalise dataset",
                "imagenet or backbone: all folds share one table of features",
            ),
            (self.fitted and self.tta == "crops", f"{name} with tta crops", "tta none or flip"),
            (self.fitted and self.head.ordinal != (), f"{name} with head.ordinal", "head.ordinal of no attribute"),
            (
                self.fitted and self.head.parts == "attributes" and self.target != JOINT,
                f"head.parts attributes with target {self.target}",
                "head.parts classes",
            ),
            (
                self.fitted and self.features.of != "" and (self.model.pretrained or self.features.beside != ()),
                "features.of with model.pretrained or features.beside",
                "model.pretrained false and no table beside: the weights are those of the trial's networks",
            ),
        ]

    def _conflicts_of_starts(self) -> list[tuple[bool, str, str]]:
        from_frozen = self.head.init == "frozen" and not self.fitted
        between = self.model.wise_ft < 1 and self.model.freeze != "body"
        return [
            (
                from_frozen and self.input.normalise == "dataset",
                "head.init frozen with input.normalise dataset",
                "imagenet or backbone: all folds share one table of features",
            ),
            (
                from_frozen and self.head.ordinal != (),
                "head.init frozen with head.ordinal",
                "head.ordinal of no attribute",
            ),
            (
                between and self.keep != "last" and not self.fitted,
                f"model.wise_ft {self.model.wise_ft} with keep {self.keep}",
                "keep last: two choices of what is kept",
            ),
        ]

    def cautions(self) -> list[str]:
        """Sentences about choices that are ignored, or allowed and costly; commands print them.

        Of a list of corrections, `trainable.data.corrections.unseen_said` tells.
        """
        found = ignored(self)
        if self.keep == "best" and not self.fitted:
            found.append("keep best: the epoch is chosen on the rows it is scored on, so scores are too high")
        if self.tta == "flip" and self.augment.vflip and not self.augment.hflip:
            found.append("tta flip mirrors left to right, and training flips only top to bottom")
        return found

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from nested dicts, as a space or a file gives them; InputError names what is unknown."""
        return _build(cls, values, path="")

    def to_dict(self) -> dict[str, Any]:
        return as_dict(self)

    def trial_id(self, folds_fingerprint: str) -> str:
        """12 hex digits: the hash of what counts in the resolved configuration, and of the folds it is scored on."""
        text = json.dumps([relevant(self), folds_fingerprint], sort_keys=True, separators=(",", ":"))
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
