"""A build of 20 members x 5 folds on generated test photos: its time, interrupted half-way and run again.

python -m benchmarks.build RUN [--members 20]

RUN is a run on generated data with at least one complete trial; its first is copied, each copy with weights a little
different, into a run of its own below a temporary folder. One JSON line.
"""

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

import ensembles.predict_members
from ensembles.build import main as build
from trainable.run import Run


def copies(source: Run, target: Run, count: int) -> None:
    """A run of `count` trials: copies of the first, weights and predictions slightly changed, each in its own way."""
    target.begin(source.experiment, command=source.info.command, settings=source.settings)
    first = next(trial for trial in source.trials() if trial.finished)
    for number in range(count):
        random = np.random.default_rng(number)
        trial = target.trial(f"{number:012x}")
        shutil.copytree(first.root, trial.root)
        oof = trial.oof()
        noisy = oof.probabilities * np.exp(random.normal(0, 1, oof.probabilities.shape))
        oof = replace(oof, probabilities=(noisy / noisy.sum(1, keepdims=True)).astype(np.float32))
        trial.finish(oof, replace(trial.result, trial=trial.id))
        for fold in trial.folds():
            weights = load_file(fold.weights)
            floats = {k: v * random.normal(1, 0.01, v.shape).astype(v.dtype) for k, v in weights.items() if v.ndim > 1}
            result = {name: value for name, value in vars(fold.result).items() if name != "weights_sha256"}
            fold.finish(save({**weights, **floats}), fold.validation(), **result)


def timed(*arguments: str) -> tuple[int, float]:
    start = time.perf_counter()
    code = build(list(arguments))
    return code, round(time.perf_counter() - start, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--members", type=int, default=20)
    given = parser.parse_args()
    predict, predicted = ensembles.predict_members.predict_member, []

    def watched(*arguments: object, **options: object) -> np.ndarray:
        if stop_at is not None and len(predicted) == stop_at:
            raise KeyboardInterrupt
        predicted.append(1)
        return predict(*arguments, **options)

    ensembles.predict_members.predict_member = watched
    with tempfile.TemporaryDirectory(prefix="foldvote-build-") as folder:
        run = Run(Path(folder) / "run")
        copies(Run.open(given.run), run, given.members)
        arguments = (str(run.root), "--method", "bagged_greedy", "--name", "twenty", "--no-persons")
        stop_at: int | None = None
        whole = timed(*arguments)
        members = len(predicted)
        reference = run.ensemble("twenty").test()["vote"]
        predicted.clear()
        shutil.rmtree(run.ensemble("twenty").root)
        stop_at = members // 2
        stopped = timed(*arguments)
        stop_at = None
        before = len(predicted)
        again = timed(*arguments)
        same = bool((run.ensemble("twenty").test()["vote"] == reference).all())
    print(
        json.dumps(
            {
                "members_predicted": members,
                "seconds_whole": whole[1],
                "interrupted_after": before,
                "exit_code_interrupted": stopped[0],
                "members_predicted_again": len(predicted) - before,
                "seconds_again": again[1],
                "same_votes": same,
            }
        )
    )


if __name__ == "__main__":
    main()
