"""What this machine has, what is missing, and what each means for a search: `foldvote doctor`.

A line a fact: `ok`, `note` (it works, with a limit) or `bad` (a search would fail); 1 where something is bad.
"""

import os
import platform
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from trainable.command import Parser, guarded
from trainable.words import extra

OK, NOTE, BAD = "ok", "note", "bad"
PACKAGES = ("torch", "torchvision", "timm", "ray", "optuna", "opencv-python-headless", "albumentations")
GIGABYTE = 1e9
SHARED_MEMORY, DISK = 1.0, 5.0  # gigabytes that a search is at ease with


@dataclass(frozen=True)
class Finding:
    state: str
    fact: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.state:5} {self.fact}: {self.meaning}"


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="foldvote doctor", description="Say what this machine has, and what that means for a search.")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given.weights))


def command(weights: Path | None = None) -> int:
    bad = False
    for finding in findings(weights):
        print(finding, flush=True)
        bad |= finding.state == BAD
    print("next: mend what is bad" if bad else "next: foldvote describe DATA, or foldvote sample data/sample")
    return int(bad)


def findings(weights: Path | None = None) -> Iterator[Finding]:
    """One after another, what is quick first."""
    yield Finding(OK, f"Python {platform.python_version()}", "3.11 or later is needed")
    yield from packages()
    yield memory()
    yield shared_memory(Path("/dev/shm"))
    yield disk("runs", Path.cwd())
    yield disk("temporary files and Ray's sessions", Path(os.environ.get("RAY_TMPDIR") or "/tmp"))
    yield loopback()
    yield from cards()
    yield network()
    yield pretrained(weights)


def packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(OK, f"{name} {version(name)}", "installed")
        except PackageNotFoundError:
            yield Finding(BAD, f"{name} is missing", "install foldvote again, as README says")


def memory() -> Finding:
    import psutil

    there, cores = psutil.virtual_memory().total / GIGABYTE, os.cpu_count()
    return Finding(OK, f"{cores} cores, {there:.0f} GB of memory", "a trial on the CPU takes a core and about 1.5 GB")


def shared_memory(place: Path) -> Finding:
    if not place.is_dir():
        return Finding(NOTE, f"no {place}", "batches travel through temporary files")
    free = shutil.disk_usage(place).free / GIGABYTE
    if free < SHARED_MEMORY:
        return Finding(
            NOTE, f"{free:.2f} GB free in {place}", "small, as in many containers: start them with --shm-size=2g"
        )
    return Finding(OK, f"{free:.1f} GB free in {place}", "enough for batches and for Ray")


def disk(what: str, place: Path) -> Finding:
    free = shutil.disk_usage(place).free / GIGABYTE
    enough = free >= DISK
    meaning = "enough" if enough else "little: the dry run of a search says what it takes"
    return Finding(OK if enough else NOTE, f"{free:.0f} GB free for {what}, in {place}", meaning)


def loopback() -> Finding:
    """Ray, TensorBoard and the dashboard talk over ports of this machine."""
    try:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        return Finding(BAD, "no port on 127.0.0.1", f"{error}: Ray cannot start; search with --executor inline")
    return Finding(OK, "ports on 127.0.0.1", "Ray and TensorBoard can start")


def cards() -> Iterator[Finding]:
    import pynvml
    import torch

    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        driver = pynvml.nvmlSystemGetDriverVersion()
        for i in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(i)
            yield Finding(
                OK, f"{card.name}, {card.total_memory / GIGABYTE:.0f} GB, driver {driver}", "trials run on it"
            )
        if not torch.cuda.is_available():
            yield Finding(BAD, f"a driver ({driver}) that this torch cannot use", "install a torch for its version")
        return
    yield Finding(
        NOTE,
        "no GPU",
        "trials run on the CPU: heads on frozen networks (foldvote search frozen), small networks (demo)",
    )


def network() -> Finding:
    """Whether the hub of pretrained weights answers."""
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return Finding(NOTE, "HF_HUB_OFFLINE is set", "weights come from --weights, packages or the hub's cache alone")
    from trainable.models.weights import hub_answers

    if not hub_answers():
        return Finding(
            NOTE,
            "the hub of pretrained weights does not answer",
            "weights come from --weights, packages or the hub's cache alone",
        )
    return Finding(OK, "the hub of pretrained weights answers", "weights are fetched when they are asked for")


def pretrained(folder: Path | None) -> Finding:
    from trainable.config import known_backbones
    from trainable.models import find_weights

    files = {name: find_weights(name, folder, download=False) for name in known_backbones()}
    found = list({path: name for name, path in reversed(files.items()) if path}.values())[::-1]  # one name a file
    if not found:
        return Finding(NOTE, "no pretrained weights here", f"--weights DIR, or {extra('weights')}")
    return Finding(OK, f"pretrained weights of {len(found)} networks", ", ".join(found))
