"""Every place that waits for somebody else, and what ends the waiting. A new one has to be written down here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOUSE = Path(__file__).parents[1]
ROOMS = ("foldvote", "search", "trainable", "ensembles", "spaces")

WAITS = re.compile(
    r"(^|\.)(wait|acquire|shutdown|communicate|urlopen|sleep|as_completed|result|waiting_for)$"
    r"|(thread|process|worker|pool)s?\.join$|(queue|_work)\.get$"
    r"|^ray\.(get|wait|init|kill)$|^tune\.run$|^subprocess\.|Popen$|FileLock$"
    r"|(ThreadPoolExecutor|ProcessPoolExecutor|DataLoader|Pool)$"
)

OWN_WORK = "its own work: rows and files are counted beforehand, Ctrl-C"
HOLDER = "the lock's holder ends or dies (the system frees it); said each minute; Ctrl-C"
DRIVER = (
    "when no job is left; a worker that reports nothing is ended by its watchdog (SEARCH.hang_minutes); the raylet dies"
)

# file: call -> what ends it
PLACES = {
    "search/executors/ray_connect.py": {"ray.init": "a hello that is answered within ANSWER_SECONDS, then Ray's own"},
    "search/executors/ray_tune.py": {
        "ray.shutdown": "Ray kills what does not end",
        "tune.run": DRIVER,
    },
    "search/ledger.py": {"lock.acquire": "a stale lock is taken over after Optuna's grace period of 30 s"},
    "search/watch/aside.py": {
        "self._work.get": "a daemon thread: ends with the process",
        "self._thread.join": "FAREWELL, of pictures before a deadline FEW seconds",
    },
    "search/watch/log.py": {"self.over.wait": "a quarter of QUIET; a daemon thread"},
    "search/watch/tensorboard/nodes.py": {
        "self.over.wait": "EVERY; a daemon thread",
        "self.thread.join": "2 * ANSWER",
        "ray.wait": "ANSWER",
        "ray.get": "only what ray.wait found done",
    },
    "trainable/leaving.py": {"thread.join": "LEAVE, then the process ends without it"},
    "ensembles/greedy/table.py": {"ThreadPoolExecutor": OWN_WORK},
    "ensembles/members/free_heads.py": {"waiting_for": HOLDER},
    "ensembles/submissions_table.py": {"waiting_for": HOLDER},
    "trainable/features/compute.py": {"waiting_for": HOLDER},
    "trainable/models/packaged.py": {"waiting_for": HOLDER},
    "trainable/data/describe/facts.py": {"ThreadPoolExecutor": OWN_WORK},
    "trainable/images/faces.py": {"ThreadPoolExecutor": OWN_WORK, "waiting_for": HOLDER},
    "trainable/data/hashes.py": {"ThreadPoolExecutor": OWN_WORK},
    "trainable/ring/ring.py": {"self.workers.wait": "a worker that ends is named; the watchdog ends one that hangs"},
    "trainable/ring/workers.py": {"process.join": "it has been killed, or has ended"},
    "trainable/images/store.py": {"ThreadPoolExecutor": OWN_WORK, "waiting_for": HOLDER},
    "trainable/locks.py": {"FileLock": HOLDER, "held.acquire": HOLDER},
    "trainable/run/ways.py": {"waiting_for": HOLDER},
    "trainable/models/weights.py": {"urlopen": "5 s"},
    "trainable/training/checkpoints.py": {"self._thread.join": "its own work: one file, as fast as the disk takes it"},
    "trainable/sample/write.py": {"ProcessPoolExecutor": OWN_WORK, "pool.shutdown": OWN_WORK},
}


def waiting_calls(file: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {name for call in calls if WAITS.search(name := ast.unparse(call.func))}


def test_every_place_that_waits_is_listed_with_what_ends_it() -> None:
    files = {f.relative_to(HOUSE).as_posix(): f for room in ROOMS for f in sorted((HOUSE / room).rglob("*.py"))}
    found = {name: calls for name, file in files.items() if (calls := waiting_calls(file))}
    assert found == {file: set(calls) for file, calls in PLACES.items()}
    assert all(ending for calls in PLACES.values() for ending in calls.values())
