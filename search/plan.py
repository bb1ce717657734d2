"""What a search would do, found out before any worker starts: valid configurations, networks, disk, epochs."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import torch

from search.first_heads import FirstHeads, Pair, first_heads, further_tables, words
from search.metric import check_metric, order_said
from search.prior import published_prior
from search.proposals import AT_RANDOM
from search.sampler.own import name_of_sampler
from search.space import DataFacts, Search
from search.space_file import SpaceFile
from search.stretch import stretched
from search.suggested import span
from trainable.config import RowsConfig, TrialConfig
from trainable.config.allowed import relevant
from trainable.data.corrections import unseen_said
from trainable.data.fits import check_data, check_folds_train
from trainable.data.folds import Folds
from trainable.data.layouts.competition import MADE_OF
from trainable.data.manifest import Manifest
from trainable.data.rows import target_classes
from trainable.errors import InputError
from trainable.metrics import Metric
from trainable.models.build import build_network
from trainable.models.normalise import pixel_statistics
from trainable.models.weights import find_weights
from trainable.words import count, few

DRAWS = 50
NO_STATISTICS = ((0.0,) * 3, (1.0,) * 3)
SHOWN = 3  # of the configurations drawn, in a dry run


@dataclass(frozen=True)
class Plan:
    configs: list[TrialConfig]
    megabytes: dict[str, float]  # of the weights of each backbone that was drawn
    pretrained: list[str]  # backbones that ask for pretrained weights
    left_out: list[str]  # parameters that the data cannot carry
    cautions: list[str]  # choices that are ignored, or allowed and costly
    metric: Metric
    first: FirstHeads  # what the search begins with
    tables: dict[Pair, float]  # megabytes of further tables of features that its trials ask for

    def lines(self, space: SpaceFile, data: DataFacts) -> list[str]:
        s = space.search
        race = space.race()
        rungs, one_in = ", ".join(map(str, race.rungs)), s.eta**2
        full = s.trials * s.folds * s.epochs
        return [
            f"data: {data.rows} images of {data.groups} groups, {len(data.classes)} classes, "
            f"attributes {', '.join(data.attributes) or 'none'}",
            f"search: {s.trials} trials, {s.folds} folds of {count(s.epochs, 'epoch')}, {name_of_sampler(s.sampler)}, "
            f"seed {s.seed}, by {self.metric.shown}",
            f"race: while trials begin, the best of every {one_in} after {count(race.lowest, 'epoch')} of fold 0",
            f"      go on; then the best of every {s.eta} after {rungs}, {s.members} at least; later folds "
            f"{'all run' if s.rule == 'none' else 'race against the one of that rank'}",
            *self._start(s),
            f"cost: about {race.expected_epochs()} epochs of one fold; full cross-validation of all trials: {full}",
            f"networks, as {len(self.configs)} draws of the space met them: {few(sorted(self.megabytes))}",
            f"disk: about {self.gigabytes(s):.2f} GB for {count(_complete(s), 'complete trial')} and {_waiting(s)} "
            f"that wait at a rung (up to {max(self.megabytes.values()):.1f} MB a fold)",
            *self.first.lines(),
            *self._tables(),
            *self._left_out(),
            *(f"note: {sentence}" for sentence in self.cautions),
        ]

    def _left_out(self) -> list[str]:
        names = few(self.left_out, 20)
        return [f"parameters left out, as labels are not made of attributes: {names}"] if self.left_out else []

    def _start(self, search: Search) -> list[str]:
        """A line where the prior has something to say."""
        if not (search.prior and search.sampler == "tpe" and any(published_prior().knows(c) for c in self.configs)):
            return []
        first = f"the first {search.startup} trials of networks that start pretrained"
        return [f"start: {first} are drawn in the order of published fine-tuning, one in {AT_RANDOM} at random"]

    def _tables(self) -> list[str]:
        """A line where trials need tables that the stage does not make."""
        if not self.tables:
            return []
        size = sum(self.tables.values()) / 1000
        return [f"tables: about {size:.2f} GB of features in the cache for {few([words(p) for p in self.tables])}"]

    def gigabytes(self, search: Search) -> float:
        """What the run may take: complete trials keep K weights, one at a rung its weights and two moments."""
        networks = _complete(search) * search.folds + 3 * _waiting(search)
        tables = sum(self.tables.values()) / 1000
        return networks * max(self.megabytes.values()) / 1000 + self.first.gigabytes() + tables

    def too_large(self, search: Search, place: Path) -> list[str]:
        """A warning where the disk of `place` (which may not exist yet) has less room than that."""
        there = next(p for p in (place, *place.parents) if p.exists())
        free = shutil.disk_usage(there).free / 1e9
        if free >= self.gigabytes(search):
            return []
        return [
            f"warning: only {free:.2f} GB are free in {there}; a search that fills the disk ends, and goes on with "
            "--resume once there is room"
        ]


def _complete(search: Search) -> int:
    """Trials that run all their folds: the best, and those that were among the best for a while."""
    return min(search.trials, 2 * search.members)


def _waiting(search: Search) -> int:
    """Trials that may wait at a rung at a time; who could have no place there in the end is stopped at once."""
    return min(search.trials, max(search.trials // search.eta, search.members))


def brief(config: TrialConfig) -> str:
    """What a configuration sets otherwise than the defaults, of what counts: `model.backbone=resnet18, ...`."""
    usual = dict(_leaves(relevant(TrialConfig())))
    return ", ".join(f"{k}={v}" for k, v in _leaves(relevant(config)) if usual.get(k) != v)


def _leaves(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        yield from _leaves(value, f"{path}{name}.") if isinstance(value, dict) else [(f"{path}{name}", value)]


def make_plan(space: SpaceFile, manifest: Manifest) -> Plan:
    """Draw configurations at random and build each network without memory; InputError says what is wrong."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data = DataFacts.of(manifest)
    measure = check_metric(space, manifest)
    first = [try_parameters(space, data, values) for values in space.search.first]
    drawn, parameters = draw(space, data, DRAWS - len(first))
    configs = [*first, *drawn]
    for config in configs:
        check_data(config, manifest, space.search.folds)
        pixel_statistics(config.model.backbone, config.input.normalise, NO_STATISTICS)
    megabytes: dict[str, float] = {}
    for config in {(c.model.backbone, c.input.size, c.head): c for c in configs}.values():
        with torch.device("meta"):
            classes = len(target_classes(manifest, config.target))
            model = build_network(config, classes, made_of=manifest.made_of).eval()
            _try_size(model, config.model.backbone, config.input.size)
        size = sum(t.numel() * t.element_size() for t in model.state_dict().values()) / 1e6
        megabytes[config.model.backbone] = max(size, megabytes.get(config.model.backbone, 0.0))
    left_out = set()
    if not data.attributes:  # spaces that come with foldvote ask for the competition's
        left_out = draw(space, replace(data, attributes=MADE_OF.names), DRAWS)[1] - parameters
    photos = len(manifest.frame)
    asked = space.search.features
    sides = asked if isinstance(asked, tuple) else ()
    stage = first_heads(configs, megabytes, photos, measure.name, sides) if asked is not False else FirstHeads()
    return Plan(
        configs,
        megabytes,
        sorted({b for c in configs if c.model.pretrained for b in c.backbones}),
        sorted(left_out),
        [
            *sorted({sentence for c in configs for sentence in c.cautions()}),
            *[said for source in sorted({c.rows.corrections for c in configs}) for said in unseen_said(source)],
            *stretched(configs, manifest),
            *order_said(measure, target_classes(manifest, space.search.target)),
        ],
        measure,
        stage,
        further_tables(configs, stage, photos),
    )


def training_said(configs: Sequence[TrialConfig], manifest: Manifest, folds: Folds) -> list[str]:
    """A warning for each way of choosing training rows that leaves a fold without a class, whose trials will fail.

    InputError where all configurations that were drawn have one of these.
    """
    ways = {c.rows: c for c in configs}
    broken: dict[RowsConfig, InputError] = {}
    for rows, config in ways.items():
        try:
            check_folds_train(config, manifest, folds)
        except InputError as error:
            broken[rows] = error
    if broken and len(broken) == len(ways):
        raise next(iter(broken.values()))
    return [f"warning: trials of {brief(TrialConfig(rows=rows))} will fail: {e}" for rows, e in broken.items()]


def draw(space: SpaceFile, data: DataFacts, count: int) -> tuple[list[TrialConfig], set[str]]:
    """Configurations drawn at random, and the names of all parameters that were suggested for them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=space.search.seed))
    trials = [study.ask() for _ in range(max(0, count))]
    return [space.config(t, data) for t in trials], {name for t in trials for name in t.params}


def try_parameters(space: SpaceFile, data: DataFacts, values: dict[str, Any]) -> TrialConfig:
    """The configuration of a queued trial, what is left open drawn at random; InputError names what space() ignores."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=space.search.seed))
    study.enqueue_trial(values)
    trial = study.ask()
    config = space.config(trial, data)
    unused = [f"{name}={value!r}" for name, value in values.items() if name not in trial.params]
    if unused:
        known = ", ".join(f"{name} ({span(d)})" for name, d in trial.distributions.items())
        raise InputError(f"{space.path}: queued parameters: received {', '.join(unused)}; allowed: {known}")
    return config


def _try_size(model: torch.nn.Module, backbone: str, size: tuple[int, int]) -> None:
    """Some networks (a ViT whose patches do not divide the size) are built without complaint and then refuse it."""
    try:
        model(torch.empty(1, 3, *size))
    except NotImplementedError:  # an operation without a memoryless form: nothing is known
        return
    except (AssertionError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"backbone {backbone}: received size {size}: {reason}; allowed: a size it takes") from error


def lacking(plan: Plan, folder) -> list[str]:
    """Backbones whose pretrained weights are not at hand; asks no network."""
    return [b for b in plan.pretrained if find_weights(b, folder, download=False) is None]
