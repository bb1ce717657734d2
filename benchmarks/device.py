"""What a GPU is kept busy with.

Run:     python -m benchmarks.device [step] [pack] [memory] [search] [--out benchmarks/results/device.json]
Cost:    8 minutes of a GPU for all, no part above 3; each figure is printed and written as it comes
What:    step    by network: images/s of training from the store with workers, over the same step on a batch that lies
                 on the device, over fp32, contiguous, fed by Pillow and torchvision; one launch a step over one after
                 another; and that batches and losses are right
         pack    four trials that share the GPU against the four one after another
         memory  a step in parts where the memory is full
         search  `search.run --hours` with five trials at once on `../shared/data/clothing`, else on generated photos
Without a GPU every figure reads "not measured", with the date. A machine without a network lacks some packages:
`../shared/offline-gpu/pack.sh` packs them.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks.device_memory import memory
from benchmarks.device_pack import pack
from benchmarks.device_parts import Record, Scale
from benchmarks.device_search import search
from benchmarks.device_step import step
from benchmarks.measure import NOT_MEASURED

Part = Callable[[Path, torch.device, Scale, Record], None]
PARTS: dict[str, Part] = {"step": step, "pack": pack, "memory": memory, "search": search}
FIGURES = {
    "step": ("store_over_held", "over_baseline", "graph_speedup"),
    "pack": ("four_together",),
    "memory": ("memory_loss_difference",),
    "search": ("search_not_training", "search_utilisation"),
}
OUT = Path(__file__).parent / "results" / "device.json"


def measure(folder: Path, device: torch.device, scale: Scale, record: Record, parts: Sequence[str]) -> None:
    """Run the parts; one that raises is noted, and the next one begins."""
    for name in parts:
        try:
            PARTS[name](folder, device, scale, record)
        except Exception as error:
            record.put("error", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", name)
        if device.type == "cuda":
            torch.cuda.empty_cache()


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE")
    given = parser.parse_args(words)
    if strange := set(given.parts) - set(PARTS):
        parser.error(f"PART: received {', '.join(sorted(strange))}; allowed: {', '.join(PARTS)}")
    parts, there = given.parts or [*PARTS], torch.cuda.is_available()
    record = Record(given.out, json.loads(given.out.read_text()) if given.out.exists() else {})
    today = datetime.now(tz=UTC).date().isoformat()
    if not there:
        for name in (figure for part in parts for figure in FIGURES[part]):
            if record.values.get(name, NOT_MEASURED) == NOT_MEASURED:
                record.put(name, NOT_MEASURED)
        if not record.values.get("measured_on", {}).get("card"):
            record.put("measured_on", {"card": None, "date": today})
        return 0
    record.put("measured_on", {"card": torch.cuda.get_device_name(), "date": today, "torch": torch.__version__})
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FOLDVOTE_CACHE"] = f"{folder}/cache"
        measure(Path(folder), torch.device("cuda"), Scale(), record, parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
