"""What an epoch costs beyond its arithmetic.

    python -m benchmarks.step [--out benchmarks/results/step.json]

CPU: one epoch of training (store, augmentation "light", batches of 21, the step as trials run it) against the same
epoch with batches that lie in memory already, at 96 px on one thread; CPU seconds, interleaved, medians.
GPU, when there is one (benchmarks/step_gpu.py): images/s of training at 224 px from a store of 256 px with workers,
against the same step on one batch that lies on the device, against that step compiled, and against fp32, contiguous,
fed by Pillow and torchvision; and four trials that share the GPU against the four one after another.
"""

import os
import tempfile
from pathlib import Path

import torch

from benchmarks.measure import NOT_MEASURED, arguments, finish, interleaved, ratio, rounded
from benchmarks.step_gpu import Scale, epochs, on_gpu
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
    out, scale, there = arguments("step", __doc__), Scale(), torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FOLDVOTE_CACHE"] = f"{folder}/cache"
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        ratios = on_cpu(Path(folder))
        torch.set_num_threads(threads)
        nothing = {"gpu": NOT_MEASURED, "gpu_four_trials_together": NOT_MEASURED}
        measured = on_gpu(Path(folder), torch.device("cuda"), scale) if there else nothing
    rows = [(f"CPU, 96 px, {name}: epoch / in memory", ratios[name], f"at most {TARGETS[name]}") for name in TARGETS]
    for name in scale.networks:
        own = measured["gpu"][name] if there else {}
        for key, what, target in (
            ("ratio_vs_held", "images/s / batch on the device", "at least 0.95"),
            ("ratio_vs_baseline", "images/s / baseline", "at least 3"),
            ("ratio_compiled", "the step / compiled", ""),
            ("compile_seconds", "first epoch, compiled, s", ""),
        ):
            rows.append((f"GPU, 224 px, {name}: {what}", own.get(key, NOT_MEASURED), target))
    rows.append(("GPU, four trials one after another / at once", measured["gpu_four_trials_together"], "at least 1.3"))
    device = torch.cuda.get_device_name() if there else "cpu"
    finish(out, rows, {"epoch_ratio": ratios, "device": device, "clock": "CPU seconds, one thread", **measured})


if __name__ == "__main__":
    main()
