"""What a search would do, found out before any worker starts: valid configurations, networks, disk, epochs."""

from dataclasses import dataclass

import optuna
import torch

from search.race import milestones
from search.space import DataFacts, SpaceFile
from trainable.config import TrialConfig
from trainable.models import build_model, find_weights

DRAWS = 50


@dataclass(frozen=True)
class Plan:
    configs: list[TrialConfig]
    megabytes: dict[str, float]  # of the weights of each backbone that was drawn
    pretrained: list[str]  # backbones that ask for pretrained weights

    def lines(self, space: SpaceFile, data: DataFacts) -> list[str]:
        s = space.search
        rungs = ", ".join(map(str, milestones(s.epochs, s.grace, s.eta)))
        largest = max(self.megabytes.values())
        # Complete trials keep K weights; running ones keep a resume state of weights and two moments beside.
        disk = (s.members * 3 * s.folds + 3) * largest / 1000
        return [
            f"data: {data.rows} images of {data.groups} groups, {len(data.classes)} classes, "
            f"attributes {', '.join(data.attributes) or 'none'}",
            f"search: {s.trials} trials, {s.folds} folds of {s.epochs} epochs, {s.sampler}, seed {s.seed}",
            f"race: rungs after {rungs} epochs of fold 0, the best of every {s.eta} go on; later folds by the "
            f"{s.rule} rule against rank {s.members}",
            f"networks in {len(self.configs)} draws: {', '.join(sorted(self.megabytes))}",
            f"disk: about {disk:.2f} GB for weights if {3 * s.members} trials complete "
            f"(up to {largest:.1f} MB a fold); leftovers of stopped trials are deleted",
        ]


def make_plan(space: SpaceFile, data: DataFacts) -> Plan:
    """Draw configurations at random and build each network without memory; InputError says what is wrong."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=space.search.seed))
    for parameters in space.search.first:
        study.enqueue_trial(parameters)
    configs = [space.config(study.ask(), data) for _ in range(DRAWS)]
    megabytes: dict[str, float] = {}
    for backbone, size in dict.fromkeys((c.model.backbone, c.input.size) for c in configs):
        with torch.device("meta"):
            model = build_model(backbone, classes=len(data.classes), size=size)
        tensors = model.state_dict().values()
        megabytes[backbone] = sum(t.numel() * t.element_size() for t in tensors) / 1e6
    return Plan(configs, megabytes, sorted({c.model.backbone for c in configs if c.model.pretrained}))


def lacking(plan: Plan, folder) -> list[str]:
    """Backbones whose pretrained weights are not at hand; asks no network."""
    return [b for b in plan.pretrained if find_weights(b, folder, download=False) is None]
