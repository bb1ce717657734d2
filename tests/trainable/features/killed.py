"""trainable.train, killed with SIGKILL while it writes a table: python killed.py CONFIG DATA OUT

At each point, in a cache and a run of its own below OUT: the command in a process that is struck, then the same command
to its end. Prints a JSON line a point: its name, the signal that ended the first, the exit code of the second.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainable.features import blocks
from trainable.one_trial import train_one  # noqa: F401  imported once, before the processes part
from trainable.train import main

CHUNK = 5  # rows


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_call(owner: Any, name: str, number: int, strike: Callable[..., object]) -> None:
    """Let call `number` of owner.name do `strike` instead, and then die."""
    plain, calls = getattr(owner, name), [0]

    def counted(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] == number:
            strike(plain, *given)
            die()
        return plain(*given)

    setattr(owner, name, counted)


def torn(_: object, path: Path, value: Any) -> None:
    with path.open("a") as log:
        log.write(json.dumps(value)[:-5])
        log.flush()


POINTS: dict[str, Callable[[], None]] = {
    "the file is there, its log is not": lambda: in_call(blocks, "write_json_lines", 1, die),
    "half of a chunk": lambda: in_call(os, "pwrite", 3, lambda do, f, c, at: do(f, c[: len(c) // 2], at)),
    "a chunk, not its line": lambda: in_call(blocks, "append_json_line", 3, die),
    "half of a line": lambda: in_call(blocks, "append_json_line", 4, torn),
}


def command(config: str, data: str, out: Path, strike: Callable[[], None] | None) -> int:
    """How a process of its own ended: its exit code, or minus the signal."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    blocks.CHUNK = CHUNK
    os.environ["FOLDVOTE_CACHE"] = str(out / "cache")
    if strike:
        strike()
    os._exit(main([config, "--data", data, "--out", str(out / "run"), "--folds", "2"]))


if __name__ == "__main__":
    config, data, out = sys.argv[1:]
    print(json.dumps(["undisturbed", 0, command(config, data, Path(out) / "undisturbed", None)]), flush=True)
    for place, (name, strike) in enumerate(POINTS.items()):
        own = Path(out) / str(place)
        ends = [command(config, data, own, how) for how in (strike, None)]
        print(json.dumps([name, *ends]), flush=True)
