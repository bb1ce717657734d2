"""The table of facts of pretrained networks, search/networks.csv: what timm itself tells of each, computed anew.

Run:     python -m benchmarks.prior_networks
Cost:    six minutes of one core
Writes:  search/networks.csv, in which the names and `top1` stay: ImageNet top-1 of timm's results-imagenet.csv
         (huggingface/pytorch-image-models, Apache 2.0, commit 0173a139a2c66db3a41ebfe1d8ac4fb02483642e)
"""

import csv
import re

import timm
import torch
from timm.models import get_pretrained_cfg
from torch.utils.flop_counter import FlopCounterMode

from search.networks import COLUMNS, FILE
from trainable.files import write_text

MORE = re.compile(r"in2[12]k|in12k|jft|ig1b|yfcc|laion|openai|swag|merged|webli|lvd")  # tags that name larger data


def computed(name: str) -> dict[str, str]:
    """Parameters [M], multiply-adds [G] at the size the weights were trained at, and what the network is made of."""
    architecture, _, tag = name.partition(".")
    config = get_pretrained_cfg(name)
    with torch.device("meta"):
        network = timm.create_model(name).eval()
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network(torch.empty(1, *config.input_size))
    parts = [type(part).__name__ for part in network.modules()]
    batch, layer = (sum(word in part for part in parts) for word in ("BatchNorm", "LayerNorm"))
    attention = any("Att" in part and part != "SplitAttn" for part in parts)  # that one weighs channels alone
    first = get_pretrained_cfg(architecture)
    return {
        "stands_for_bare_name": str(int(first is not None and first.tag == tag)),
        "parameters": f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f}",
        "multiply_adds": f"{counter.get_total_flops() / 2e9:.3f}",
        "more_data": str(int(bool(MORE.search(tag)))),
        "batch_norm": str(int(batch > layer)),
        "attention": str(int(attention)),
    }


def main() -> None:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [",".join(COLUMNS)]
    for row in sorted(rows, key=lambda row: row["network"]):
        lines.append(",".join(({**row, **computed(row["network"])})[column] for column in COLUMNS))
        print(lines[-1], flush=True)
    write_text(FILE, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
