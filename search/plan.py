"""What a search would do, found out before any worker starts: valid configurations, networks, disk, epochs."""

import warnings
from dataclasses import dataclass
from typing import Any

import optuna
import torch

from search.space import DataFacts, SpaceFile
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.models import build_model, find_weights

DRAWS = 50


@dataclass(frozen=True)
class Plan:
    configs: list[TrialConfig]
    megabytes: dict[str, float]  # of the weights of each backbone that was drawn
    pretrained: list[str]  # backbones that ask for pretrained weights

    def lines(self, space: SpaceFile, data: DataFacts) -> list[str]:
        s = space.search
        race = space.race()
        rungs = ", ".join(map(str, race.rungs))
        full = s.trials * s.folds * s.epochs
        largest = max(self.megabytes.values())
        # Complete trials keep K weights; a trial at a rung keeps its state, the weights and two moments.
        waiting = min(s.trials, 2 * s.members)
        disk = (2 * s.members * s.folds + 3 * waiting) * largest / 1000
        return [
            f"data: {data.rows} images of {data.groups} groups, {len(data.classes)} classes, "
            f"attributes {', '.join(data.attributes) or 'none'}",
            f"search: {s.trials} trials, {s.folds} folds of {s.epochs} epochs, {s.sampler}, seed {s.seed}",
            f"race: rungs after {rungs} epochs of fold 0, the best of every {s.eta} go on, {s.members} at least; "
            f"later folds by the {s.rule} rule",
            f"cost: about {race.expected_epochs()} epochs of one fold; full cross-validation of all trials: {full}",
            f"networks in {len(self.configs)} draws: {', '.join(sorted(self.megabytes))}",
            f"disk: about {disk:.2f} GB for {2 * s.members} complete trials and {waiting} that wait at a rung "
            f"(weights up to {largest:.1f} MB a fold); leftovers of stopped trials are deleted",
        ]


def make_plan(space: SpaceFile, data: DataFacts) -> Plan:
    """Draw configurations at random and build each network without memory; InputError says what is wrong."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    first = [try_parameters(space, data, values) for values in space.search.first]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=space.search.seed))
    configs = [*first, *(space.config(study.ask(), data) for _ in range(DRAWS - len(first)))]
    megabytes: dict[str, float] = {}
    for backbone, size in dict.fromkeys((c.model.backbone, c.input.size) for c in configs):
        with torch.device("meta"):
            model = build_model(backbone, classes=len(data.classes), size=size).eval()
            _try_size(model, backbone, size)
        tensors = model.state_dict().values()
        megabytes[backbone] = sum(t.numel() * t.element_size() for t in tensors) / 1e6
    return Plan(configs, megabytes, sorted({c.model.backbone for c in configs if c.model.pretrained}))


def try_parameters(space: SpaceFile, data: DataFacts, values: dict[str, Any]) -> TrialConfig:
    """The configuration of a queued trial, what is left open drawn at random; InputError names what space() ignores."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=space.search.seed))
    study.enqueue_trial(values)
    trial = study.ask()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a value out of range: said below, as an error
        config = space.config(trial, data)
    strange = [f"{k}={v!r}" for k, v in values.items() if k not in trial.params or trial.params[k] != v]
    if strange:
        known = ", ".join(f"{k} ({d})" for k, d in trial.distributions.items())
        raise InputError(f"{space.path}: queued parameters: received {', '.join(strange)}; allowed: {known}")
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
