"""How fast photos become batches, and photos become a store, on one core.

    python -m benchmarks.loader [--out benchmarks/results/loader.json]

The work: windows of 0.875 of a photo's sides cut at random and brought to 224 px, flip, brightness and contrast,
dropout. Baseline, as the official one does it: Pillow decodes JPEGs of 512x384 (height x width), torchvision
transforms, torch's DataLoader collates. Ours reads from a store at 256x256 or at 512x384. Bare: A.Compose of the same
transforms over the same mapped array, in a loop, without batches, seeds or rows.

All in one process, CPU seconds, interleaved, medians; the rows about workers (benchmarks/loader_ring.py) in wall time,
for which the machine must be idle. Photos are generated; they are smoother than most, which makes their JPEGs quick to
decode, and so the baseline fast.
"""

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
import torchvision.transforms as T
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks.loader_ring import an_epoch_with_workers, through_the_ring
from benchmarks.measure import arguments, finish, interleaved, ratio, rounded
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


def main() -> None:
    out = arguments("loader", __doc__)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        record = measure(Path(folder))
        record |= through_the_ring(Path(folder)) | an_epoch_with_workers(Path(folder))
    finish(
        out,
        [
            ("images/s a core", "", ""),
            ("  baseline", record["images_per_second_baseline"], ""),
            ("  store 256x256", record["images_per_second_256"], ""),
            ("  store 512x384", record["images_per_second_512"], ""),
            ("store 256x256 / baseline", record["ratio_vs_baseline_256"], "at least 20"),
            ("store 512x384 / baseline", record["ratio_vs_baseline_512"], "at least 9"),
            ("ours / bare loop, the slower store", record["ratio_vs_bare"], "at least 0.85"),
            ("randomness and batching, us a sample", record["us_per_sample_overhead"], "at most 20"),
            ("decoding the store / bare OpenCV", record["decode_ratio"], "at least 0.8"),
            ("through the ring / the loop without, 1 worker", record["ring_1"], "at least 0.9"),
            ("  2 workers, a worker", record["ring_2"], "at least 0.8"),
            ("the training process itself, CPU ms a batch", record["training_process_ms_per_batch"], "at most 0.5"),
            ("epoch fed by a worker / from memory, wall time", record["epoch_with_worker"], "at most 1.03"),
        ],
        record,
    )


def measure(folder: Path) -> dict[str, float | str | dict[str, float]]:
    generate(folder / "data", 20, 6, 0, 1)
    photos = sorted((folder / "data" / "train").rglob("*.jp*g"))
    files = [p for p in photos if not p.name.startswith(".")][:IMAGES]  # ._mask1.jpg is what macOS leaves behind
    rows, epoch = np.arange(len(files)), count()
    baseline = DataLoader(Baseline(files), batch_size=32, shuffle=True)
    jobs: dict[str, Callable[[], object]] = {"baseline": lambda: [None for _ in baseline]}
    for name, size in STORES.items():
        pixels = folder / f"{name}.npy"
        np.save(pixels, np.stack([_read(file, size) for file in files]))
        augment.POLICIES[name] = lambda flip=None, size=size: transforms(size)  # type: ignore[misc]
        loader = Loader(Batches(pixels, rows, (1.0, 1.0), SIZE, name, 0))
        mapped, made = np.load(pixels, mmap_mode="r"), transforms(size)
        bare = A.Compose(made)
        jobs[f"ours_{name}"] = lambda loader=loader: [None for _ in loader.train(rows, 32, next(epoch))]
        jobs[f"bare_{name}"] = lambda mapped=mapped, bare=bare: [bare(image=mapped[row])["image"] for row in rows]
        jobs[f"work_{name}"] = lambda mapped=mapped, made=made: [_apply(made, mapped[row]) for row in rows]
    for name, size in STORES.items():
        jobs[f"decode_{name}"] = lambda size=size: [read_image(file, size) for file in files]
        jobs[f"opencv_{name}"] = lambda size=size: [_read(file, size) for file in files]
    seconds = interleaved(jobs, ROUNDS)

    def per_second(name: str) -> float:
        return rounded(len(files) / float(np.median(seconds[name])))

    overhead = np.subtract(seconds["ours_256"], seconds["work_256"])  # the other differs by less than its noise
    return {
        "ratio_vs_baseline_256": rounded(ratio(seconds["baseline"], seconds["ours_256"])),
        "ratio_vs_baseline_512": rounded(ratio(seconds["baseline"], seconds["ours_512"])),
        "ratio_vs_bare": rounded(min(ratio(seconds[f"bare_{n}"], seconds[f"ours_{n}"]) for n in STORES)),
        "us_per_sample_overhead": rounded(float(np.median(overhead)) / len(files) * 1e6),
        "decode_ratio": rounded(min(ratio(seconds[f"opencv_{n}"], seconds[f"decode_{n}"]) for n in STORES)),
        "images_per_second_baseline": per_second("baseline"),
        "images_per_second_256": per_second("ours_256"),
        "images_per_second_512": per_second("ours_512"),
        "clock": "CPU seconds of one process",
        "rounds": ROUNDS,
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
    main()
