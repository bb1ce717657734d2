"""What is known of a pretrained network before it is trained: a small table of facts, kept in the package.

ImageNet top-1 is timm's (results-imagenet.csv, Apache 2.0); the other columns are computed from the networks
(benchmarks.prior_networks). They describe networks that no table of fine-tuning curves holds.
"""

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("networks.csv")
COLUMNS = (
    "network",
    "stands_for_bare_name",
    "top1",
    "parameters",
    "multiply_adds",
    "more_data",
    "batch_norm",
    "attention",
)


@dataclass(frozen=True)
class Facts:
    """top1: per cent on ImageNet. parameters: millions. multiply_adds: billions a photo, at the size of pretraining.

    more_data: pretrained on more than ImageNet's 1,000 classes. batch_norm: normalises by batches, mostly. attention:
    has self-attention.
    """

    top1: float
    parameters: float
    multiply_adds: float
    more_data: bool
    batch_norm: bool
    attention: bool

    def properties(self) -> dict[str, float]:
        """Numbers of about 1 in size, as the prior takes them."""
        return {
            "top1": (self.top1 - 80) / 5,
            "parameters": math.log10(self.parameters) - 1.3,
            "multiply_adds": math.log10(self.multiply_adds) - 1,
            "more_data": float(self.more_data),
            "batch_norm": float(self.batch_norm),
            "attention": float(self.attention),
        }


@cache
def known_networks() -> dict[str, Facts]:
    """Facts by network; a name without a tag stands for the weights that timm takes for it."""
    found: dict[str, Facts] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            top1, parameters, multiply_adds = (float(row[n]) for n in ("top1", "parameters", "multiply_adds"))
            more_data, batch_norm, attention = (row[n] == "1" for n in ("more_data", "batch_norm", "attention"))
            facts = Facts(top1, parameters, multiply_adds, more_data, batch_norm, attention)
            found[row["network"]] = facts
            if row["stands_for_bare_name"] == "1":
                found[row["network"].partition(".")[0]] = facts
    return found
