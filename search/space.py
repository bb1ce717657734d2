"""What a space file is written with: `Search`, how it is walked, and `DataFacts`, what it may know of the data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from search.sampler.own import Sampler, is_sampler, name_of_sampler
from trainable.config import JOINT, is_target
from trainable.config.allowed import between, check, one_of, sizes, where
from trainable.data.manifest import Manifest
from trainable.metrics import MACRO_F1, Asked, check_asked, name_of


@dataclass(frozen=True)
class Search:
    """How to walk a space.

    epochs: of one fold. store_size: (height, width) the photos are decoded to, the largest that a trial can ask for.
    grace: the first rung, in epochs of fold 0; each further rung doubles it. 0 takes what is known
    (search.race.first_rung): an eighth of the epochs where all networks that the space draws start pretrained, since
    these tell early (decision 025), half of them elsewhere (021).
    eta: of how many trials at a rung one goes on once all have begun; before, one of eta^2 at the first (search.race).
    members: complete trials the ensemble wants; later folds race against the one of this rank.
    metric: what the search is about: a name of trainable.metrics (see README), or a function of labels int64[N] and
    probabilities float32 [N, C] that answers with a number, higher is better.
    sampler: "tpe", "random", or any of Optuna's samplers (search.sampler.own); recorded by the name of its class.
    rule, margin: how later folds race ("none": all run); see search.race. startup: trials drawn at random before TPE
    models.
    prior: whether trials before TPE models are drawn in the order of what published fine-tuning says of networks that
    start pretrained (search.prior).
    target: what all trials predict: "joint", or one attribute, whose runs ensembles.build multiplies.
    hang_minutes: a trial that finishes no epoch for so long is ended.
    first: parameters of trials to run before any suggestion (the defaults, a recipe).
    features: whether a search of pretrained networks begins with heads on their features, see search.first_heads; sides
    in pixels: it does, and looks at photos of these sizes too, since a pass costs what two epochs of a fold do.
    """

    trials: int = between(1, 1_000_000, default=100)
    folds: int = between(2, 100, default=5)
    epochs: int = between(1, 10_000, default=12)
    seed: int = between(0, 2**31 - 1, default=0)
    store_size: tuple[int, int] = sizes(16, 2048, default=(512, 384))
    sampler: Sampler = where(is_sampler, "tpe, random, or a sampler of Optuna", default="tpe")  # noqa: RUF009
    startup: int = between(1, 10_000, default=10)
    prior: bool = one_of(True, False, default=True)
    grace: int = between(0, 10_000, default=0)
    eta: int = between(2, 100, default=4)
    members: int = between(1, 1000, default=10)
    metric: Asked = MACRO_F1
    rule: str = one_of("paired", "none", default="paired")
    margin: float = between(0.0, 10.0, default=1.0)
    target: str = where(is_target, "joint, or the name of one attribute", default=JOINT)
    hang_minutes: float = between(0.001, 100_000.0, default=120.0)
    first: tuple[dict[str, Any], ...] = where(
        lambda v: isinstance(v, tuple) and all(isinstance(p, dict) for p in v), "a tuple of dicts", default=()
    )
    features: bool | tuple[int, ...] = where(
        lambda v: isinstance(v, bool) or (isinstance(v, tuple) and all(type(s) is int and 16 <= s <= 2048 for s in v)),
        "True, False, or sides in pixels (16 to 2048), as in (224,)",
        default=True,
    )

    def __post_init__(self) -> None:
        check(self)
        check_asked(self.metric)

    def settings(self) -> dict[str, Any]:
        """Field by field, as a run records them: a metric and a sampler by their names."""
        named = replace(self, sampler="tpe")  # asdict would copy the sampler
        return {**asdict(named), "metric": name_of(self.metric), "sampler": name_of_sampler(self.sampler)}

    def apart(self, trials: int) -> Self:
        """For so many trials apart from the search's own: they do not race, all of them run all their folds."""
        return replace(self, trials=trials, members=trials, grace=self.epochs, rule="none", first=())


@dataclass(frozen=True)
class DataFacts:
    """What a space may know of the data: it leaves out choices that the data cannot carry.

    attributes: names of the columns that classes are made of; ordered: those whose values have an order. cuts: {column
    of numbers: where the data cut it}.
    """

    rows: int
    groups: int
    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    ordered: tuple[str, ...] = ()
    cuts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest) -> "DataFacts":
        groups = manifest.frame.loc[manifest.scored, "group"].nunique()
        made_of = manifest.made_of
        ordered = tuple(part.name for part in made_of if part.ordered)
        cuts = {part.name: part.cuts for part in made_of if part.cuts}
        return cls(len(manifest.frame), int(groups), manifest.classes, manifest.attributes, ordered, cuts)
