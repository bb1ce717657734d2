"""What saving the state of a training costs.

Run:     python -m benchmarks.checkpoints [--out benchmarks/results/loader.json] [--check]
Cost:    a minute of one core
What:    a state against an epoch of resnet18 on 1,400 photos of 96 px, batches of 32, in CPU seconds: the copy and all
         that the writing thread takes, since on a CPU the two share their cores. One after every epoch is more than
         any search asks for, whose rungs lie at epochs 1, 2, 4, 8
Prints:  checkpoint_share, cost over an epoch (target .02), and the parts; they go into the JSON of benchmarks.loader
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import machine, rounded
from benchmarks.step_parts import Held, config_of, trainer
from trainable.files import write_text
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.checkpoints import Checkpoints, Saving
from trainable.training.epochs import Epochs

OUT = Path(__file__).parent / "results" / "loader.json"
PHOTOS, SIDE, BATCH = 1400, 96, 32
STATES = 9
CELLS = "checkpoint_seconds"  # lists of CPU seconds: epochs, copies, writing; and waits, on a clock on the wall


def trained(folder: Path) -> Epochs:
    """A network with an optimiser that has moments, on photos that lie in memory."""
    generate(folder / "data", 6, 6, 0, 1)
    run = Run(folder / "run")
    side = (SIDE, SIDE)
    experiment = prepare(folder / "data", folds=2, seed=0, store_size=side, skip_bad_images=True, say=lambda _: None)
    run.begin(experiment, command=["benchmarks.checkpoints"], settings={})
    held = Held(torch.randint(0, 256, (BATCH, SIDE, SIDE, 3), dtype=torch.uint8))
    return trainer(run, config_of("resnet18", SIDE, BATCH), held, torch.device("cpu"), PHOTOS)


def measure(folder: Path) -> dict[str, list[float]]:
    """CPU seconds of an epoch, and of each state: its copy and its writing; seconds that the training waits for it."""
    training, found = trained(folder), {"epochs": [], "copies": [], "writing": [], "waits": []}
    began = time.process_time()
    training.train(0)
    found["epochs"].append(time.process_time() - began)
    states = Checkpoints(training.fold.files, 0, Saving(every=0), torch.device("cpu"))
    training.fold.files.root.mkdir(parents=True, exist_ok=True)
    for epoch in range(STATES + 1):
        wall, began = time.perf_counter(), time.process_time()
        states.after(epoch, 0.0, training.state.to_dict)
        waited, copied = time.perf_counter() - wall, time.process_time()
        states.end()
        if epoch:  # the first makes the memory of the copy, once a fold
            found["waits"].append(waited)
            found["copies"].append(copied - began)
            found["writing"].append(time.process_time() - copied)
    return found


def headline(cells: dict[str, list[float]]) -> dict[str, float]:
    """What the cells come to."""
    middle = {name: float(np.median(values)) for name, values in cells.items()}
    return {
        "checkpoint_share": rounded((middle["copies"] + middle["writing"]) / middle["epochs"]),
        "checkpoint_wait_ms": rounded(1000 * middle["waits"]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.checkpoints", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="the JSON that the figures go into")
    parser.add_argument("--check", action="store_true", help="recompute what was recorded, and measure one epoch anew")
    given = parser.parse_args()
    record: dict[str, Any] = json.loads(given.out.read_text()) if given.out.exists() else {}
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FOLDVOTE_CACHE"] = f"{folder}/cache"
        cells = measure(Path(folder))
    now = headline(cells)
    for name, value in now.items():
        print(f"{name:20} {value:g}" + (" (target at most .02)" if name == "checkpoint_share" else ""))
    if given.check:
        then = headline(record[CELLS])
        same = all(record[name] == value for name, value in then.items())
        slower = now["checkpoint_share"] / record["checkpoint_share"]
        print(
            f"recorded {then}, from its cells: {'the same' if same else 'ANOTHER'}; now {slower:.2f} times the recorded"
        )
        return int(not same or slower > 1.5)
    kept = {name: [rounded(v, 4) for v in values] for name, values in cells.items()}
    record |= headline(kept) | {CELLS: kept, "checkpoint_machine": machine()}
    write_text(given.out, json.dumps(record) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
