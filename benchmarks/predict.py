"""Predicting test images with K fold models over one pass of the images, against one pass a model.

    python -m benchmarks.predict [--out benchmarks/results/predict.json]

Five fold models, a store of 512x384, inputs of 96 px (on a GPU 224 px, ten times the images). One thread on CPU, CPU
seconds there and seconds on a GPU, interleaved, medians. Both ways give the same probabilities to the bit, which is
checked here. What one pass saves is the loading: the more, the smaller the network.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import arguments, finish, interleaved, ratio, rounded
from trainable.device import this_device
from trainable.images.batches import Batches
from trainable.images.loader import Loader
from trainable.models.build import build_model
from trainable.models.predict import BATCH, predict, predict_together, use_bf16

ROUNDS, FOLDS, PHOTOS = 5, 5, 128
NETWORKS = {"cpu": ("test_resnet", "test_vit"), "cuda": ("resnet18", "efficientnet_b0", "convnext_tiny")}


def main() -> None:
    out = arguments("predict", __doc__)
    device = this_device()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        pixels = Path(folder) / "pixels.npy"
        np.save(pixels, np.random.default_rng(0).integers(0, 256, (PHOTOS, 512, 384, 3), dtype=np.uint8))
        found = {name: measure(pixels, name, device) for name in NETWORKS[device.type]}
    rows = [(f"{device.type}, {name}: one pass a model / one pass", v["ratio"], "above 1") for name, v in found.items()]
    clock = "seconds" if device.type == "cuda" else "CPU seconds, one thread"
    finish(out, rows, {"device": device.type, "folds": FOLDS, "clock": clock, "one_pass": found})


def measure(pixels: Path, backbone: str, device: torch.device) -> dict[str, float]:
    size, images = (96, PHOTOS) if device.type == "cpu" else (224, 10 * PHOTOS)
    rows = np.arange(images)
    loader = Loader(Batches(pixels, rows % PHOTOS, (1.0, 1.0), (size, size), "none", 0), pin=device.type == "cuda")
    models = [
        build_model(backbone, classes=18, size=(size, size)).to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        for _ in range(FOLDS)
    ]
    statistics = torch.tensor([[0.5] * 3, [0.25] * 3], device=device)
    bf16 = use_bf16("auto", device)

    def apart() -> np.ndarray:
        return np.stack([predict(m, loader.predict(rows, BATCH), statistics, bf16=bf16) for m in models])

    def together() -> np.ndarray:
        return predict_together(models, loader.predict(rows, BATCH), statistics.expand(FOLDS, 2, 3), bf16=bf16)

    assert (apart() == together()).all()
    clock: Callable[[], float] = time.process_time if device.type == "cpu" else time.perf_counter
    seconds = interleaved({"apart": apart, "together": together}, ROUNDS, clock)
    median = float(np.median(seconds["together"]))
    return {
        "ratio": rounded(ratio(seconds["apart"], seconds["together"])),
        "images_per_second": rounded(images / median),
        "images_per_second_a_model": rounded(images * FOLDS / median),
    }


if __name__ == "__main__":
    main()
