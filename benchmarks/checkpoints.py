"""What saving the state of a training costs.

Run:     python -m benchmarks.checkpoints [--out benchmarks/results/loader.json] [--check]
Cost:    two minutes of one core
What:    epochs of resnet18 on 1,400 photos of 96 px, batches of 32, a state after every one of them, which is more than
         any search asks for: its rungs lie at epochs 1, 2, 4, 8. The cost of a state is what the training waits for
         (the copy) and all CPU time that the writing thread takes, since on a CPU the two share their cores
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
EPOCHS, STATES, TARGET = 3, 9, 0.02
CELLS = "checkpoint_seconds"  # a list each: epochs, copies, writing (CPU), written (as a clock on the wall has it)


def trained(folder: Path) -> Epochs:
    """A network with an optimiser that has moments, on photos that lie in memory."""
    generate(folder / "data", 6, 6, 0, 1)
    run = Run(folder / "run")
    side = (SIDE, SIDE)
    experiment = prepare(folder / "data", folds=2, seed=0, store_size=side, skip_bad_images=True, say=lambda _: None)
    run.begin(experiment, command=["benchmarks.checkpoints"], settings={})
    held = Held(torch.randint(0, 256, (BATCH, SIDE, SIDE, 3), dtype=torch.uint8))
    return trainer(run, config_of("resnet18", SIDE, BATCH), held, torch.device("cpu"), PHOTOS)


def measure(folder: Path, epochs: int = EPOCHS) -> dict[str, list[float]]:
    """Seconds of each epoch, and of each state: the copy, the writing thread's CPU, and until it is on the disk."""
    training, found = trained(folder), {"epochs": [], "copies": [], "writing": [], "written": []}
    for epoch in range(epochs):
        began = time.perf_counter()
        training.train(epoch)
        found["epochs"].append(time.perf_counter() - began)
    states = Checkpoints(training.fold.files, 0, Saving(every=0), torch.device("cpu"))
    training.fold.files.root.mkdir(parents=True, exist_ok=True)
    for epoch in range(STATES + 1):
        began = time.perf_counter()
        states.after(epoch, 0.0, training.state.to_dict)
        copied, copying = time.perf_counter(), time.process_time()
        states.end()
        if epoch:  # the first makes the memory of the copy, once a fold
            found["copies"].append(copied - began)
            found["writing"].append(time.process_time() - copying)
            found["written"].append(time.perf_counter() - began)
    return found


def headline(cells: dict[str, list[float]]) -> dict[str, float]:
    """What the cells come to."""
    middle = {name: float(np.median(values)) for name, values in cells.items()}
    return {
        "checkpoint_share": rounded((middle["copies"] + middle["writing"]) / middle["epochs"]),
        "checkpoint_wait_ms": rounded(1000 * middle["copies"]),
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
        cells = measure(Path(folder), 1 if given.check else EPOCHS)
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
