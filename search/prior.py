"""What published fine-tuning says of a configuration before anything ran: a ranking, never a value, never a ban.

Ridge regression on 3,254 fine-tuning curves of 24 pretrained networks on 26 data sets (Quick-Tune: Arango et al., ICLR
2024; licence beside prior.json), fitted by benchmarks.prior and kept as a few dozen numbers. A network is described by
properties that it shares with networks the curves do not hold (search.networks), a configuration by rate, schedule,
regularisation and augmentation. What it learnt from is fine-tuning: it says nothing of networks that start from random
numbers, nor of heads fitted on frozen features.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.networks import known_networks
from trainable.config import TrialConfig

FILE = Path(__file__).with_name("prior.json")
FROZEN = {0: 0.0, 1: 0.25, 2: 0.5, "body": 1.0}  # share of the body, about


def settings_of(config: TrialConfig) -> dict[str, float]:
    """What the curves varied besides the network, as numbers of about 1 in size."""
    optim, mix = config.optim, config.mix.name
    return {
        "lr": math.log10(optim.lr) + 3.5,
        "batch_size": math.log2(config.batch_size * optim.accumulate) - 4,
        "sgd": float(optim.name == "sgd"),
        "adam": float(optim.name in ("adam", "radam")),
        "layer_decay": -3 * math.log(optim.layer_decay),
        "freeze": FROZEN[config.model.freeze],
        "dropout": 5 * config.model.drop_rate,
        "weight_decay": math.log10(optim.weight_decay + 1e-5) / 2 + 1.5,
        "mixing": config.mix.p if mix != "none" else 0.0,
        "mixup": float(mix == "mixup"),
        "cutmix": float(mix in ("cutmix", "halves")),
        "smoothing": 10 * config.loss.smoothing,
        "warmup": 5 * optim.warmup if optim.schedule != "one_cycle" else 0.0,
        "cosine": float(optim.schedule in ("cosine", "restarts", "one_cycle")),
        "stepped": float(optim.schedule in ("step", "multistep")),
        "clipping": float(0 < optim.clip <= 3),
        "augmentation": float(config.augment.policy == "strong" or config.augment.rand_ops > 0),
    }


def design(numbers: Mapping[str, Any], terms: Sequence[str]) -> NDArray[np.float64]:
    """[N, len(terms)]: a term is the name of a number, or of two that are multiplied: `lr*freeze`."""
    return np.column_stack([np.prod([numbers[name] for name in term.split("*")], axis=0) for term in terms])


@dataclass(frozen=True)
class Prior:
    """weights: by term. usual: the properties of a network of which no facts are known."""

    weights: dict[str, float]
    usual: dict[str, float]

    def knows(self, config: TrialConfig) -> str:
        """ "" where the curves say nothing of a configuration, else "network", or "settings" for those alone."""
        if config.fitted or not config.model.pretrained:
            return ""
        return "network" if config.model.backbone in known_networks() else "settings"

    def rank(self, config: TrialConfig) -> float:
        """Higher is better; to be compared only among configurations that `knows` says the same of."""
        facts = known_networks().get(config.model.backbone)
        numbers = settings_of(config) | (facts.properties() if facts else self.usual)
        return float((design(numbers, [*self.weights]) @ np.array([*self.weights.values()])).item())


@cache
def published_prior() -> Prior:
    """The one that comes with the package."""
    held = json.loads(FILE.read_text(encoding="utf-8"))
    return Prior(held["weights"], held["usual"])
