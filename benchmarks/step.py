"""What an epoch costs beyond its arithmetic.

    python -m benchmarks.step [--out benchmarks/results/step.json]

CPU: one epoch of training (store, augmentation "light", batches of 21, the step as trials run it) against the same
epoch with batches that lie in memory already, at 96 px on one thread; CPU seconds, interleaved, medians.
What a GPU is kept busy with is `benchmarks.device`.
"""

import os
import tempfile
from pathlib import Path

import torch

from benchmarks.device_parts import epochs
from benchmarks.measure import arguments, finish, interleaved, ratio, rounded
from benchmarks.step_parts import Held, config_of, trainer
from trainable.images.loader import Loader
from trainable.run import Run, prepare
from trainable.sample.write import generate
from trainable.training.batches import training_batches

ROUNDS = {
    "test_resnet": 61,
    "test_vit": 81,
    "resnet18": 21,
}  # of 42 images: many short ones, since the machine's pace drifts
TARGETS = {"test_resnet": 1.05, "test_vit": 1.05, "resnet18": 1.02}


def on_cpu(folder: Path) -> dict[str, float]:
    """Epoch time from the store over epoch time from memory, by network."""
    generate(folder / "data", 12, 6, 0, 1)
    run = Run(folder / "run")
    experiment = prepare(folder / "data", folds=2, seed=0, store_size=(96, 96), skip_bad_images=True)
    run.begin(experiment, command=["benchmarks.step"], settings={})
    device, found = torch.device("cpu"), {}
    held = Held(torch.randint(0, 256, (32, 96, 96, 3), dtype=torch.uint8))
    for backbone in TARGETS:
        config = config_of(backbone, 96, 32)
        loaders = {"store": Loader(training_batches(config, run.experiment)), "memory": held}
        jobs = {name: epochs(trainer(run, config, loader, device)) for name, loader in loaders.items()}
        seconds = interleaved(jobs, ROUNDS[backbone])
        found[backbone] = rounded(ratio(seconds["store"], seconds["memory"]), 4)
    return found


def main() -> None:
    out = arguments("step", __doc__)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FOLDVOTE_CACHE"] = f"{folder}/cache"
        torch.set_num_threads(1)
        ratios = on_cpu(Path(folder))
    rows = [(f"CPU, 96 px, {name}: epoch / in memory", ratios[name], f"at most {TARGETS[name]}") for name in TARGETS]
    finish(out, rows, {"epoch_ratio": ratios, "clock": "CPU seconds, one thread"})


if __name__ == "__main__":
    main()
