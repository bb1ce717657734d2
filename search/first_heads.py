"""Features first: what a search of pretrained networks begins with, found out from what its space draws.

A forward pass of every photo, then heads in closed form on what a frozen network says of it: complete trials after a
minute or two, apart from the search's own. The cheapest networks and sizes come first, so that the first vote is early.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch

from trainable.config import AugmentConfig, HeadConfig, InputConfig, LossConfig, ModelConfig, TrialConfig
from trainable.errors import InputError
from trainable.features.blocks import block_bytes
from trainable.models.build import build_model
from trainable.models.freezing import features
from trainable.models.normalise import pixel_statistics
from trainable.words import count, few

MOST = 4  # tables
HEADS = ("lda", "ridge", "logistic")
ALIKE = ("macro_f1", "balanced_accuracy")  # metrics to which a class of few photos is as much as one of many
ITERATED = 20_000  # photos up to which the logistic head, which is not in closed form, takes seconds
Pair = tuple[str, tuple[int, int]]  # a backbone, and the size (height, width) in pixels at which it sees the photos


@dataclass(frozen=True)
class FirstTable:
    """Features of one network at one size. megabytes: of them on the disk; network: of the weights in the run."""

    pair: Pair
    megabytes: float
    network: float
    configs: tuple[TrialConfig, ...]


@dataclass(frozen=True)
class FirstHeads:
    """tables: the cheapest first. dearer: those beyond MOST. refused: networks without a table, and why."""

    tables: tuple[FirstTable, ...] = ()
    dearer: tuple[Pair, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def configs(self) -> list[TrialConfig]:
        return [config for table in self.tables for config in table.configs]

    def in_turn(self, workers: int) -> list[TrialConfig]:
        """So that each worker makes a table of its own, and heads on a table that is there come before the next."""
        ahead = [table.configs[:1] for table in self.tables]
        rest = [table.configs[1:] for table in self.tables]
        parts = ahead[:workers]
        for i, others in enumerate(rest):
            parts += [others, *ahead[workers + i : workers + i + 1]]
        return [config for part in parts for config in part]

    def gigabytes(self) -> float:
        """What the stage takes on the disk: the tables in the cache, each network once in the run."""
        networks = {table.pair[0]: table.network for table in self.tables}
        return (sum(table.megabytes for table in self.tables) + sum(networks.values())) / 1000

    def lines(self) -> list[str]:
        """Of the plan; none where there is no stage."""
        if not self.tables and not self.refused:
            return []
        heads = list(dict.fromkeys(config.head.name for config in self.configs))
        found = [f"features: no table can be made: {'; '.join(self.refused)}"]
        if self.tables:
            found = [
                f"features: first {', '.join(heads)} on {few([words(table.pair) for table in self.tables], MOST)}: "
                f"{count(len(self.configs), 'complete trial')} apart from the search's own (--no-features: none)",
                f"          about {self.gigabytes():.2f} GB on the disk for "
                f"{count(len(self.tables), 'table')} and networks",
            ]
            if self.dearer:
                found.append(f"          left out, since they cost more: {few([words(pair) for pair in self.dearer])}")
            found += [f"          left out: {sentence}" for sentence in self.refused]
        return found


def words(pair: Pair) -> str:
    backbone, (height, width) = pair
    return f"{backbone} {height}x{width}"


def pair_of(config: TrialConfig) -> Pair:
    return config.model.backbone, config.input.size


def first_heads(
    configs: Iterable[TrialConfig],
    megabytes: Mapping[str, float],
    photos: int,
    metric: str = "macro_f1",
    sides: Iterable[int] = (),
) -> FirstHeads:
    """The stage for a space that drew these configurations.

    None for networks from random weights, nor for heads that are themselves fitted to features: such a search is its
    own first stage. megabytes: of each backbone's weights; with the pixels it is the order. photos: that are stored.
    metric: by name, which says how heads weigh classes. sides: in pixels, at which every network is looked at besides,
    right after the cheapest table, which gives the first vote.
    """
    drawn: dict[Pair, list[TrialConfig]] = {}
    for config in configs:
        if config.model.pretrained and not config.fitted:
            drawn.setdefault(pair_of(config), []).append(config)
    tables: list[FirstTable] = []
    refused: list[str] = []

    def cost(pair: Pair) -> tuple[float, Pair]:
        return pair[1][0] * pair[1][1] * megabytes[pair[0]], pair

    own = sorted(drawn, key=cost)
    further = _at_sides(drawn, sides)
    drawn |= further
    order = [*own[:1], *sorted(further, key=cost), *own[1:]]
    for place, pair in enumerate(order):
        if len(tables) == MOST:
            return FirstHeads(tuple(tables), tuple(order[place:]), tuple(refused))
        try:
            size = block_bytes(photos, _width(pair)) / 1e6
            tables.append(FirstTable(pair, size, megabytes[pair[0]], _heads(drawn[pair], photos, metric)))
        except InputError as error:
            refused.append(f"{words(pair)}: {error}")
    return FirstHeads(tuple(tables), (), tuple(refused))


def _at_sides(drawn: Mapping[Pair, list[TrialConfig]], sides: Iterable[int]) -> dict[Pair, list[TrialConfig]]:
    """What was drawn of each network, with square photos of these sides; pairs that were drawn are left out."""
    found: dict[Pair, list[TrialConfig]] = {}
    for (backbone, _), configs in drawn.items():
        for pair in [(backbone, (side, side)) for side in sides]:
            if pair not in drawn:
                more = [replace(config, input=replace(config.input, size=pair[1])) for config in configs]
                found.setdefault(pair, []).extend(more)
    return found


def further_tables(configs: Iterable[TrialConfig], first: FirstHeads, photos: int) -> dict[Pair, float]:
    """{network and size: megabytes on the disk} of tables that trials ask for and the stage does not make.

    Heads that are fitted ask for them, and networks that start from such heads; an InputError is left to these trials.
    """
    asked = {pair for c in configs if c.fitted for pair in c.tables}
    asked |= {pair_of(c) for c in configs if c.head.init == "frozen" and not c.fitted}
    found = {}
    for pair in sorted(asked - {table.pair for table in first.tables}):
        with suppress(InputError):
            found[pair] = block_bytes(photos, _width(pair)) / 1e6
    return found


def loss_of(head: str, metric: str) -> LossConfig:
    """How a head weighs classes: a discriminant by its priors; others so that rare ones are found, as the metric asks.

    Least squares and logistic regression pass over rare classes unless these are weighed (docs/decisions/028).
    """
    if head == "lda":
        return LossConfig()
    return LossConfig(class_weights="power", weight_power=1.0 if metric in ALIKE else 0.5)


def _heads(drawn: Sequence[TrialConfig], photos: int, metric: str) -> tuple[TrialConfig, ...]:
    """The heads on a table: they see the part of a photo that most of these configurations see, by default rows."""
    seen: Counter[InputConfig] = Counter(replace(config.input, normalise="backbone") for config in drawn)
    any_of = drawn[0]
    return tuple(
        TrialConfig(
            target=any_of.target,
            model=ModelConfig(backbone=any_of.model.backbone, freeze="body"),
            head=HeadConfig(name=name),
            input=seen.most_common(1)[0][0],
            augment=AugmentConfig(policy="none"),
            loss=loss_of(name, metric),
            epochs=any_of.epochs,
            seed=any_of.seed,
        )
        for name in HEADS
        if name != "logistic" or photos <= ITERATED
    )


def _width(pair: Pair) -> int:
    """D, found without memory; InputError where the network cannot be frozen at this size."""
    backbone, size = pair
    pixel_statistics(backbone, "backbone", ((), ()))
    with torch.device("meta"):
        model = build_model(backbone, classes=2, size=size).eval()
        try:
            shape = features(model, torch.empty(1, 3, *size)).shape
        except NotImplementedError:  # an operation without a memoryless form
            return int(model.num_features)  # type: ignore[arg-type]
        except (AttributeError, TypeError, RuntimeError) as error:
            raise InputError(f"it gives no features: {' '.join(str(error).split())}; allowed: --no-features") from None
    if len(shape) != 2:
        raise InputError(f"received features of shape {tuple(shape)}; allowed: one row a photo")
    return int(shape[1])
