"""The raylet that Ray starts on this machine: without it a search would wait for ever for a place to run a trial.

Ray ends a driver whose GCS has died, and a worker whose raylet has; the driver of a raylet that dies it leaves waiting.
"""

import time
from typing import Any

import psutil
from ray.tune import Callback

EVERY = 1.0  # seconds between two looks


class RayletDied(RuntimeError):
    """Raised between two steps of Tune's loop."""


class WatchesRaylet(Callback):
    """Raises RayletDied once this process's raylet is gone; that of a cluster which was joined is the cluster's."""

    def __init__(self) -> None:
        self._raylets = [child for child in psutil.Process().children() if child.name() == "raylet"]
        self._looked = time.monotonic()

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if time.monotonic() - self._looked < EVERY:
            return
        self._looked = time.monotonic()
        if not all(_lives(raylet) for raylet in self._raylets):
            raise RayletDied("Ray's raylet on this machine has died (out of memory?)")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
