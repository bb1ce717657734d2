"""The network."""

from dataclasses import dataclass
from functools import cache

from trainable.config.allowed import between, check, one_of, only
from trainable.errors import unknown


@cache
def known_backbones() -> tuple[str, ...]:
    """Every network that timm builds, then every `network.tag` that it has weights for.

    Imported late because timm takes seconds to import.
    """
    import timm

    tagged = timm.list_pretrained()
    return (*timm.list_models(), *(name for name in tagged if "." in name))


@dataclass(frozen=True)
class ModelConfig:
    """`backbone`: a timm name, which stands for its first published weights, or with the tag of others.

    `convnext_small.in12k_ft_in1k_384`: the part behind the dot says what the weights were trained on.
    `freeze`: stages of the body that keep their first weights, the stem with them; in a ViT a stage is a block.
    "body" freezes all but the head, and then features are computed once a fold instead of every epoch.
    `drop_rate`: dropout before the last layer. `drop_path`: stochastic depth, the rate of the last block, which timm
    lets rise from 0 at the first (Huang 2016). `batch_norm` kept: BatchNorm goes on with the statistics that it starts
    with, so that features move only as the weights do. `wise_ft`: what is scored and saved is the network between its
    start and its end, 1 being the end (WiSE-FT, Wortsman 2022, https://arxiv.org/abs/2109.01903).
    """

    backbone: str = "resnet18"
    pretrained: bool = one_of(True, False, default=True)
    drop_rate: float = between(0.0, 0.9, default=0.0)
    drop_path: float = only(lambda c: c.drop_path and c.freeze != "body", between(0.0, 0.9, default=0.0))
    freeze: int | str = one_of(0, 1, 2, "body", default=0)
    batch_norm: str = only(
        lambda c: c.batch_norm != "batch" and c.freeze != "body", one_of("batch", "kept", default="batch")
    )
    wise_ft: float = only(lambda c: c.wise_ft < 1 and c.freeze != "body", between(0.0, 1.0, default=1.0))

    def __post_init__(self) -> None:
        check(self)
        if self.backbone not in known_backbones():
            raise unknown("backbone", self.backbone, known_backbones())
