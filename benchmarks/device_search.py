"""Part `search`: the real command with a deadline; how busy it keeps the GPU, and how much of its time is training."""

import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pynvml
import torch

from benchmarks.device_parts import Record, Scale, photos
from benchmarks.measure import CLOTHING, COLUMNS
from trainable.run import Run

SPACE = Path(__file__).with_name("device_space.py")
TOGETHER = 5
TRAINED = re.compile(r"trained (\d+)% of it")


def search(folder: Path, device: torch.device, scale: Scale, record: Record) -> None:
    """Trials by fifths of a GPU, and no features before them; on a CPU in this machine's own processes, a few."""
    words = [str(SPACE), "--out", str(folder / "runs"), "--name", "search"]
    if CLOTHING.is_dir() and not scale.smoke:
        words += ["--data", str(CLOTHING), *COLUMNS]
    else:
        words += ["--data", str(photos(folder, scale).manifest.root)]
    if scale.smoke:
        words += ["--smoke", "--executor", "inline", "--trials", "2"]
    else:
        words += ["--hours", str(scale.hours), "--gpus-per-trial", str(1 / TOGETHER), "--no-features"]
    began, busy = time.monotonic(), Busy()
    with busy:
        done = subprocess.run([sys.executable, "-m", "search.run", *words], capture_output=True, text=True, check=False)
    wall = time.monotonic() - began
    found = TRAINED.search(done.stdout)
    if done.returncode or found is None:
        record.put("search_error", (done.stderr or done.stdout).strip().splitlines()[-1:])
        return
    record.put("search_not_training", 1 - int(found[1]) / 100)
    if busy.shares:
        record.put("search_utilisation", sum(busy.shares) / len(busy.shares))
    if not scale.smoke:
        record.put("search_overrun_seconds", wall - scale.hours * 3600)
    run = Run.open(folder / "runs" / "search")
    record.put("search_complete", sum(trial.finished for trial in run.trials()))


class Busy:
    """How busy the first GPU says it is, 0 to 1, twice a second; nothing where it may not be asked."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            card = pynvml.nvmlDeviceGetHandleByIndex(0)
            while not self._over.wait(0.5):
                self.shares.append(pynvml.nvmlDeviceGetUtilizationRates(card).gpu / 100)
