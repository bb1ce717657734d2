"""A search of 100,000 listed photos, but for the training: nothing between the table and the report may be quadratic.

Run:     python -m benchmarks.scale photos
Cost:    about ten minutes of two cores
What:    files of one colour, 16 px, in groups of 7 and 10 classes: described, planned, begun (decoded, folds made),
         10 members with made-up predictions and networks of random weights voted, reported; each a process of its own
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors.torch import save

from benchmarks.measure import rounded
from trainable.config import TrialConfig
from trainable.models.build import build_network
from trainable.run import Predictions, Run, TrialResult

PHOTOS = 100_000
CLASSES, GROUP, TEST, MEMBERS, FOLDS = 10, 7, 700, 10, 5
SECONDS, GIGABYTES = 600, 4.0  # targets: of all parts together; of each
SPACE = f"""
from search.space import Search

SEARCH = Search(trials=20, folds={FOLDS}, epochs=4, store_size=(16, 16), grace=2)


def space(trial, data):
    return {{
        "model": {{"backbone": "test_resnet", "pretrained": False}},
        "input": {{"size": (16, 16)}},
        "optim": {{"lr": trial.suggest_float("lr", 1e-4, 1e-2, log=True)}},
    }}
"""


def make_data(folder: Path, photos: int) -> None:
    """Solid squares of as many colours; a table with a label and a group for each."""
    rows = ["path,label,group"]
    for i in range(photos + TEST):
        name = f"images/{i // 1000:03}/{i}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        colour = (i & 255, i >> 8 & 255, i >> 16 & 255)
        cv2.imwrite(str(folder / name), np.full((16, 16, 3), colour, np.uint8))
        if i < photos:
            rows.append(f"{name},class{i // GROUP % CLASSES},g{i // GROUP}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    names = [f"images/{i // 1000:03}/{i}.png" for i in range(photos, photos + TEST)]
    (folder / "test.csv").write_text("\n".join(["path", *names]) + "\n")


def begin(work: Path) -> None:
    """What `search.run` does before its first worker starts."""
    from search.begin import Options, begin
    from search.space_file import load_space

    options = Options(work / "data", None, False, "inline", None, None, None, None, None, "")
    (work / "runs").mkdir()
    begin(options, load_space(work / "space.py"), Run(work / "runs" / "run"), lambda plan: print(*plan, sep="\n"))


def make_members(work: Path) -> None:
    """Complete trials whose predictions are right in half of the rows, with networks that learnt nothing."""
    run = Run.open(work / "runs" / "run")
    folds, labels, random = run.folds, run.manifest.labels, np.random.default_rng(0)
    for number in range(MEMBERS):
        config = TrialConfig.from_dict(
            {
                "model": {"backbone": "test_resnet", "pretrained": False},
                "input": {"store": (16, 16), "size": (16, 16)},
                "epochs": 4,
                "seed": number,
            }
        )
        trial = run.trial(run.identify(config))
        trial.begin(config)
        weights = save(build_network(config, CLASSES).state_dict())
        logits = random.normal(size=(len(labels), CLASSES))
        logits[np.arange(len(labels)), labels] += 1.5
        probabilities = np.exp(logits)
        probabilities = (probabilities / probabilities.sum(1, keepdims=True)).astype(np.float32)
        tables = []
        for k in range(FOLDS):
            rows = folds.valid_rows(k)
            number_of = np.full(len(rows), k, np.int8)
            tables.append(Predictions(rows, probabilities[rows], labels[rows], number_of, run.info.classes))
            trial.fold(k).finish(
                weights,
                tables[-1],
                fold=k,
                epochs=4,
                score=0.5,
                statistics=[[0.5] * 3, [0.25] * 3],
                micro_batch=32,
                seconds=1.0,
                seconds_with_setup=1.0,
            )
        scores = (0.5,) * FOLDS
        trial.finish(
            Predictions.pooled(tables),
            TrialResult(trial.id, "macro_f1", 0.5, 0.5, scores, {}, 20, 5.0, 32, "cpu", 1, ""),
        )


def part(work: Path, name: str) -> dict[str, float]:
    """Run one part in a process of its own; its wall seconds and peak memory in gigabytes."""
    run = str(work / "runs" / "run")
    inside = [sys.executable, "-m", "benchmarks.scale_photos"]
    commands = {
        "describe": [sys.executable, "-m", "trainable.describe", str(work / "data"), "--out", str(work / "seen")],
        "plan": [sys.executable, "-m", "search.run", str(work / "space.py"), "--data", str(work / "data"), "--dry-run"],
        "begin": [*inside, "begin", str(work)],
        "members": [*inside, "members", str(work)],
        "build": [sys.executable, "-m", "ensembles.build", run, "--data", str(work / "data")],
        "report": [sys.executable, "-m", "ensembles.report", run],
    }
    started, environment = time.perf_counter(), {**os.environ, "FOLDVOTE_CACHE": str(work / "cache")}
    process = subprocess.Popen(commands[name], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{name} ended with {os.waitstatus_to_exitcode(status)}"
    found = {"seconds": rounded(time.perf_counter() - started), "gigabytes": rounded(usage.ru_maxrss / 2**20)}
    print(f"{name}: {found['seconds']:g} s, {found['gigabytes']:g} GB", flush=True)
    return found


def measure(work: Path, photos: int) -> dict[str, Any]:
    make_data(work / "data", photos)
    (work / "space.py").write_text(SPACE)
    return {
        "photos": photos,
        **{name: part(work, name) for name in ("describe", "plan", "begin", "members", "build", "report")},
    }


def rows(found: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """The table that people read: (figure, value, target)."""
    parts = [value for value in found.values() if isinstance(value, dict)]
    return [
        ("seconds of all parts", rounded(sum(p["seconds"] for p in parts)), f"at most {SECONDS}"),
        ("gigabytes of the largest", rounded(max(p["gigabytes"] for p in parts)), f"at most {GIGABYTES:g}"),
    ]


if __name__ == "__main__":  # one part, in a process of its own
    {"begin": begin, "members": make_members}[sys.argv[1]](Path(sys.argv[2]))
