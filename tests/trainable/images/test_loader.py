"""Batches: what they hold depends on the request alone; workers come and go with the loader."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from trainable.images.augment import POLICIES
from trainable.images.batches import Batches, centre
from trainable.images.decode import resize
from trainable.images.loader import Loader
from trainable.ring.plan import NO_AUGMENTATION, Plan, split

HERE = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
COUNT, SIZE = 40, (24, 20)
ROWS = np.array([7, 3, 3, 39, 0, 11, 25, 18, 30, 2, 5])


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pixels") / "pixels.npy"
    np.save(file, np.random.default_rng(0).integers(0, 256, (COUNT, 32, 28, 3), dtype=np.uint8))
    return file


def batches(pixels: Path, policy: str = "strong", seed: int = 1) -> Batches:
    # Rows of the manifest lie backwards in the store.
    return Batches(pixels, np.arange(COUNT)[::-1].copy(), (0.9, 0.9), SIZE, policy, seed)


def made(source: Batches, key: int, rows: np.ndarray = ROWS) -> torch.Tensor:
    return torch.from_numpy(source.make(key, rows))


def epoch(loader: Loader, number: int, batch_size: int = 4) -> torch.Tensor:
    return torch.cat([images for _, images in loader.train(ROWS, batch_size, number)])


def test_batch_holds_its_rows_in_their_order(pixels: Path) -> None:
    parts = list(Loader(batches(pixels)).predict(ROWS, 4))
    assert np.concatenate([rows for rows, _ in parts]).tolist() == ROWS.tolist()
    stored = np.load(pixels)
    images = torch.cat([images for _, images in parts])
    assert images.dtype == torch.uint8
    assert images.is_contiguous()
    for row, image in zip(ROWS, images.numpy(), strict=True):
        assert (image == resize(centre(stored[COUNT - 1 - row], (0.9, 0.9)), SIZE)).all()


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_predicted_is_never_augmented(pixels: Path, policy: str) -> None:
    plain = made(batches(pixels, "none"), 0)
    assert torch.equal(torch.cat([i for _, i in Loader(batches(pixels, policy)).predict(ROWS, 4)]), plain)
    assert torch.equal(made(batches(pixels, policy), 0), plain) == (policy == "none")


def test_image_depends_on_seed_epoch_and_row_alone(pixels: Path) -> None:
    whole = made(batches(pixels), 5)
    single = batches(pixels)
    for place in reversed(range(len(ROWS))):
        assert torch.equal(made(single, 5, ROWS[place : place + 1])[0], whole[place])
    assert not torch.equal(made(batches(pixels), 6), whole)
    assert not torch.equal(made(batches(pixels, seed=2), 5), whole)


def test_resumed_epoch_is_the_undisturbed_one(pixels: Path) -> None:
    undisturbed = Loader(batches(pixels))
    epochs = [epoch(undisturbed, number) for number in range(4)]
    assert torch.equal(epoch(Loader(batches(pixels)), 3), epochs[3])
    next(iter(undisturbed.train(ROWS, 4, 1)))  # abandoned after one batch
    assert torch.equal(epoch(undisturbed, 2), epochs[2])


def test_number_of_threads_does_not_change_a_batch(pixels: Path) -> None:
    threads = torch.get_num_threads(), cv2.getNumThreads()
    found = []
    try:
        for count in (1, 2, 4):
            source = batches(pixels)
            assert source.pixels.shape[0] == COUNT  # opened, which sets OpenCV's threads, before they are set here
            torch.set_num_threads(count)
            cv2.setNumThreads(count)
            found.append(made(source, 0))
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize(("rows", "size"), [(1, 4), (4, 4), (5, 4), (9, 4), (130, 128), (3, 100)])
def test_batches_are_nearly_equal_and_none_is_too_large(rows: int, size: int) -> None:
    parts = split(np.arange(rows), size)
    assert np.concatenate(parts).tolist() == list(range(rows))
    sizes = {len(part) for part in parts}
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    assert split(np.arange(0), size) == []


def test_a_million_rows_are_never_read(pixels: Path) -> None:
    place = np.arange(1_000_000) % COUNT
    started = time.perf_counter()
    loader = Loader(Batches(pixels, place, (1.0, 1.0), SIZE, "light", 0))
    rows, images = next(iter(loader.train(np.random.default_rng(0).permutation(1_000_000), 32, 0)))
    assert images.shape == (32, *SIZE, 3)
    assert time.perf_counter() - started < 3
    del rows


@pytest.mark.slow
def test_number_of_workers_does_not_change_a_batch_and_they_end_with_the_loader(pixels: Path) -> None:
    expected = [epoch(Loader(batches(pixels)), number) for number in range(2)]
    for workers in (1, 2):
        loader, state = Loader(batches(pixels), workers=workers), torch.get_rng_state()
        assert torch.equal(epoch(loader, 0), expected[0])
        assert torch.equal(torch.get_rng_state(), state)  # or dropout would depend on the workers
        next(iter(loader.train(ROWS, 4, 3)))  # abandoned while others are on their way
        loader.expect(Plan(0, ROWS, 4), Plan(NO_AUGMENTATION, ROWS, 4))  # and so are these
        plain = torch.cat([images for _, images in loader.predict(ROWS, 4)])
        assert torch.equal(plain, made(batches(pixels), NO_AUGMENTATION))
        assert torch.equal(epoch(loader, 1), expected[1])
        assert len(multiprocessing.active_children()) == workers
        del loader
        gc.collect()
        assert multiprocessing.active_children() == []


PARENT = """
import multiprocessing, sys, time
from pathlib import Path
import numpy as np
from trainable.images.batches import Batches
from trainable.images.loader import Loader

batches = Batches(Path(sys.argv[1]), np.arange(40), (1.0, 1.0), (24, 20), "light", 0)
loader = Loader(batches, workers=2)
stream = loader.train(np.arange(40), 4, 0)
next(stream)
print(*(w.pid for w in multiprocessing.active_children()), flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_workers_die_with_a_killed_parent_whose_file_they_do_not_run(pixels: Path, tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, str(tmp_path / "parent.py"), str(pixels)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=HERE)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert not any("libtorch" in Path(f"/proc/{pid}/maps").read_text() for pid in pids), "490 MB each, for nothing"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.slow
def test_workers_start_inside_a_ray_actor(pixels: Path) -> None:
    ray = pytest.importorskip("ray")

    class Trial:
        def run(self, file: Path) -> tuple[torch.Tensor, bool, int]:
            import psutil

            loader = Loader(batches(file), workers=1)
            images = epoch(loader, 0)
            maps = [Path(f"/proc/{worker.pid}/maps").read_text() for worker in multiprocessing.active_children()]
            slim = len(maps) == 1 and not any("libtorch" in held or "_raylet" in held for held in maps)
            del loader
            gc.collect()
            return images, slim, len(psutil.Process().children())

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the actor cannot import a test
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        images, slim, left = ray.get(ray.remote(Trial).remote().run.remote(pixels), timeout=300)
    finally:
        ray.shutdown()
    assert torch.equal(images, epoch(Loader(batches(pixels)), 0))
    assert slim, "neither torch nor Ray is loaded to cut batches"
    assert left <= 1  # multiprocessing's resource tracker, which ends with the actor


TRIALS = """
import os, sys
from pathlib import Path
import numpy as np
from trainable.images.batches import Batches

for _ in range(4):
    if not (pid := os.fork()):  # the imports are shared; the store is opened by each trial for itself
        batches = Batches(Path(sys.argv[1]), np.arange(400), (1.0, 1.0), (64, 64), "light", 0)
        for start in range(0, 400, 50):
            batches.make(0, np.arange(start, start + 50))
        os.write(1, b"read\\n")  # in one piece: five processes share this pipe
        os._exit(0 if sys.stdin.read() else 1)
    os.write(1, b"%d\\n" % pid)
"""


@pytest.mark.slow
def test_four_trials_on_a_node_share_one_copy_of_the_store(tmp_path: Path) -> None:
    file = tmp_path / "pixels.npy"
    np.save(file, np.random.default_rng(0).integers(0, 256, (400, 128, 128, 3), dtype=np.uint8))
    command = [sys.executable, "-c", TRIALS, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=HERE) as node:
        assert node.stdout is not None
        said = [node.stdout.readline().strip() for _ in range(8)]
        shares = [_pss(int(pid), file) for pid in said if pid != "read"]
    assert len(shares) == 4
    assert sum(shares) <= 1.05 * file.stat().st_size
    assert sum(shares) >= 0.9 * file.stat().st_size  # all of it was mapped, and counted


def _pss(pid: int, file: Path) -> int:
    """Bytes of a file's mapping in a process, each page divided by the number of processes that map it."""
    found, inside = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            inside = words[-1] == str(file)
        elif inside and words[0] == "Pss:":
            found += int(words[1]) * 1024
    return found
