"""The network."""

from dataclasses import dataclass
from functools import cache

from trainable.config.allowed import between, check, one_of
from trainable.errors import unknown


@cache
def known_backbones() -> tuple[str, ...]:
    """Every timm model name; imported late because timm takes seconds to import."""
    import timm

    return tuple(timm.list_models())


@dataclass(frozen=True)
class ModelConfig:
    """`freeze`: stages of the body that keep their first weights, the stem with them; in a ViT a stage is a block.

    "body" freezes all but the head, and then features are computed once a fold instead of every epoch.
    """

    backbone: str = "resnet18"
    pretrained: bool = one_of(True, False, default=True)
    drop_rate: float = between(0.0, 0.9, default=0.0)
    freeze: int | str = one_of(0, 1, 2, "body", default=0)

    def __post_init__(self) -> None:
        check(self)
        if self.backbone not in known_backbones():
            raise unknown("backbone", self.backbone, known_backbones())
