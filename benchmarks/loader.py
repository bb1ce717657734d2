"""How fast photos become batches, and photos become a store, on one core.

    python -m benchmarks.loader [--out benchmarks/results/loader.json] [--check]

The work: windows of 0.875 of a photo's sides cut at random and brought to 224 px, flip, brightness and contrast,
dropout. Baseline, as the official one does it: Pillow decodes JPEGs of 512x384 (height x width), torchvision
transforms, torch's DataLoader collates. Ours reads from a store at 256x256 or at 512x384. Bare: A.Compose of the same
transforms over the same mapped array, in a loop, without batches, seeds or rows.

All in one process, CPU seconds, interleaved, medians; the rows about workers (benchmarks/loader_ring.py) in wall time,
for which the machine must be idle. Photos are generated; they are smoother than most, which makes their JPEGs quick to
decode, and so the baseline fast. --check: the figures from the recorded seconds, and a third of the rounds anew.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torchvision.transforms as T
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks.loader_ring import of_the_ring, through_the_ring
from benchmarks.measure import arguments_with_check, finish, interleaved, ratio, rounded
from trainable.images import augment
from trainable.images.batches import Batches
from trainable.images.chain import A
from trainable.images.decode import read_image
from trainable.images.loader import Loader
from trainable.sample.write import generate

ROUNDS, IMAGES, SIZE, KEEP = 9, 128, (224, 224), 0.875
STORES = {"256": (256, 256), "512": (512, 384)}


def transforms(store: tuple[int, int]) -> list[A.BasicTransform]:
    shape = store[1] / store[0]
    return [
        A.RandomResizedCrop(SIZE, scale=(KEEP**2, KEEP**2), ratio=(shape, shape)),
        A.HorizontalFlip(p=0.5),
        A.RandomBrightnessContrast(p=0.5),
        A.CoarseDropout(p=0.5),
    ]


class Baseline(Dataset):
    """One JPEG a sample, decoded by Pillow and transformed by torchvision."""

    def __init__(self, files: list[Path], size: int = SIZE[0]) -> None:
        self.files = files
        self.transform = T.Compose(
            [
                T.Resize((size * 8 // 7, size * 8 // 7)),  # 256 for 224
                T.RandomCrop(size),
                T.RandomHorizontalFlip(),
                T.RandomApply([T.ColorJitter(brightness=0.2, contrast=0.2)]),
                T.ToTensor(),
                T.Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
                T.RandomErasing(),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> torch.Tensor:
        with Image.open(self.files[row]) as image:
            return self.transform(image.convert("RGB"))


TARGETS = {  # figure: (what it is, from which value on it is good)
    "ratio_vs_baseline_256": ("store 256x256 / baseline", "at least 20"),
    "ratio_vs_baseline_512": ("store 512x384 / baseline", "at least 9"),
    "ratio_vs_bare": ("ours / bare loop, the slower store", "at least 0.85"),
    "us_per_sample_overhead": ("randomness and batching, us a sample", "at most 20"),
    "decode_ratio": ("decoding the store / bare OpenCV", "at least 0.8"),
    "ring_1": ("through the ring / the loop without, 1 worker", "at least 0.9"),
    "ring_2": ("  2 workers, a worker", "at least 0.8"),
    "training_process_ms_per_batch": ("the training process itself, CPU ms a batch", "at most 0.5"),
    "epoch_with_worker": ("epoch fed by a worker / from memory, wall time", "at most 1.03"),
    "images_per_second_baseline": ("images/s a core: baseline", ""),
    "images_per_second_256": ("  store 256x256", ""),
    "images_per_second_512": ("  store 512x384", ""),
}
RATIOS = [name for name in TARGETS if name.startswith(("ratio", "decode", "ring", "epoch", "training"))]
SECONDS = "seconds"  # of each job, round by round: what the figures are computed from


def main() -> int:
    out, check = arguments_with_check("loader", __doc__)
    known = json.loads(out.read_text()) if out.exists() else {}
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(Path(folder), ROUNDS // 3 if check else ROUNDS)
        seconds |= through_the_ring(Path(folder), ROUNDS // 3 if check else ROUNDS)
    found = headline(seconds)
    if check:
        return compare(known, found)
    others = {name: value for name, value in known.items() if name.startswith("checkpoint")}  # benchmarks.checkpoints
    clock = "CPU seconds of one process; ring_1, ring_2, epoch_with_worker: wall time"
    record = {**others, **found, "clock": clock, "rounds": ROUNDS, SECONDS: seconds}
    finish(out, [(text, found[name], target) for name, (text, target) in TARGETS.items()], record)
    return 0


def compare(known: dict[str, Any], now: dict[str, float]) -> int:
    """Print recorded and measured figures; 1 where they do not follow from their seconds, or are 1.5 times off."""
    again, wrong = headline(known[SECONDS]), 0
    for name, value in again.items():
        off = max(now[name] / value, value / now[name]) if name in RATIOS else 1.0
        wrong += known[name] != value or off > 1.5
        print(f"{name:30} recorded {known[name]:<8g} from its seconds {value:<8g} now {now[name]:g}")
    return int(wrong > 0)


def measure(folder: Path, rounds: int) -> dict[str, list[float]]:
    """CPU seconds of IMAGES photos, by job."""
    generate(folder / "data", 20, 6, 0, 1)
    photos = sorted((folder / "data" / "train").rglob("*.jp*g"))
    files = [p for p in photos if not p.name.startswith(".")][:IMAGES]  # ._mask1.jpg is what macOS leaves behind
    rows, epoch = np.resize(np.arange(len(files)), IMAGES), count()
    files = [files[row] for row in rows]
    baseline = DataLoader(Baseline(files), batch_size=32, shuffle=True)
    jobs: dict[str, Callable[[], object]] = {"baseline": lambda: [None for _ in baseline]}
    for name, size in STORES.items():
        pixels = folder / f"{name}.npy"
        np.save(pixels, np.stack([_read(file, size) for file in files]))
        augment.POLICIES[name] = lambda flip=None, size=size: transforms(size)  # type: ignore[misc]
        loader = Loader(Batches(pixels, np.arange(IMAGES), (1.0, 1.0), SIZE, name, 0))
        mapped, made = np.load(pixels, mmap_mode="r"), transforms(size)
        bare = A.Compose(made)
        jobs[f"ours_{name}"] = lambda loader=loader: [None for _ in loader.train(np.arange(IMAGES), 32, next(epoch))]
        jobs[f"bare_{name}"] = lambda mapped=mapped, bare=bare: [bare(image=photo)["image"] for photo in mapped]
        jobs[f"work_{name}"] = lambda mapped=mapped, made=made: [_apply(made, photo) for photo in mapped]
    for name, size in STORES.items():
        jobs[f"decode_{name}"] = lambda size=size: [read_image(file, size) for file in files]
        jobs[f"opencv_{name}"] = lambda size=size: [_read(file, size) for file in files]
    return {name: [rounded(v, 5) for v in values] for name, values in interleaved(jobs, rounds).items()}


def headline(seconds: dict[str, list[float]]) -> dict[str, float]:
    """The figures of TARGETS."""

    def per_second(name: str) -> float:
        return rounded(IMAGES / float(np.median(seconds[name])))

    overhead = np.subtract(seconds["ours_256"], seconds["work_256"])  # the other differs by less than its noise
    return {
        "ratio_vs_baseline_256": rounded(ratio(seconds["baseline"], seconds["ours_256"])),
        "ratio_vs_baseline_512": rounded(ratio(seconds["baseline"], seconds["ours_512"])),
        "ratio_vs_bare": rounded(min(ratio(seconds[f"bare_{n}"], seconds[f"ours_{n}"]) for n in STORES)),
        "us_per_sample_overhead": rounded(float(np.median(overhead)) / IMAGES * 1e6),
        "decode_ratio": rounded(min(ratio(seconds[f"opencv_{n}"], seconds[f"decode_{n}"]) for n in STORES)),
        "images_per_second_baseline": per_second("baseline"),
        "images_per_second_256": per_second("ours_256"),
        "images_per_second_512": per_second("ours_512"),
        **of_the_ring(seconds),
    }


def _read(file: Path, size: tuple[int, int]) -> np.ndarray:
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    assert image is not None
    if image.shape[:2] != size:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _apply(made: list[A.BasicTransform], image: np.ndarray) -> np.ndarray:
    for transform in made:
        image = transform(image=image)["image"]
    return image


if __name__ == "__main__":
    sys.exit(main())
