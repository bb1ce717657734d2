"""What TensorBoard costs a search: a finished run is told again to the watcher, into another folder.

Run:     python -m benchmarks.events runs/demo
Cost:    the search's pictures are all made anew: half a minute for the demo
Figures: CPU seconds of the driver's thread (what a trial waits for) and of the whole process (pictures too) beside the
         seconds that the run's epochs took; bytes of events for 200 trials, as this search ended and if all of them
         were complete and each the best so far
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.measure import finish, rounded
from search.ledger import STATES, parameters, read_trials
from search.space import DataFacts
from search.space_file import load_space
from search.watch.tensorboard import TensorBoard, known_parameters
from trainable.run import Run
from trainable.training.report import Report

TRIALS = 200


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description="What TensorBoard costs.")
    parser.add_argument("run", type=Path, metavar="RUN", help="a finished run")
    default = Path(__file__).parent / "results" / "events.json"
    parser.add_argument("--out", type=Path, default=default, metavar="PATH")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        run = beside(Run(given.run), Path(folder))
        record = told_again(run) | weighed(run)
    rows = [
        ("driver's time an epoch, ms", record["driver_ms_an_epoch"], ""),
        ("driver's time, of an epoch", f"{record['driver_share']:.2%}", "3 %"),
        ("with all pictures, of an epoch", f"{record['whole_share']:.2%}", "3 %"),
        (f"events of {TRIALS} trials as these ended, MB", record["megabytes"], 300.0),
        (f"events of {TRIALS} trials all complete, MB", record["megabytes_all_complete"], 300.0),
    ]
    finish(given.out, rows, record)


def beside(run: Run, folder: Path) -> Run:
    """The same run without its events."""
    for entry in run.root.iterdir():
        if entry != run.tensorboard:
            (folder / entry.name).symlink_to(entry)
    return Run(folder)


def told_again(run: Run) -> dict[str, float]:
    trials, space = read_trials(run.study), load_space(run.space)
    board = TensorBoard(
        run,
        lambda trial_id: parameters(trials[trial_id]),
        lambda trial_id: trials[trial_id].number + 1,
        known_parameters(space, DataFacts.of(run.manifest)),
    )
    driver, seconds, epochs, began = 0.0, 0.0, 0, time.process_time()

    def timed(work: Callable[..., None], *arguments: Any) -> None:
        nonlocal driver
        start = time.thread_time()
        work(*arguments)
        driver += time.thread_time() - start

    with board:
        for trial_id, frozen in trials.items():
            trial = run.trial(trial_id)
            timed(board.began, trial)
            for k, fold in enumerate(trial.folds()):
                for metrics in fold.epochs():
                    epoch = int(metrics["epoch"])
                    done = fold.finished and epoch == space.search.epochs
                    step = k * space.search.epochs + epoch
                    timed(board.reported, trial, Report(step, k, metrics["score"], k == 0 or done, done, metrics))
                    epochs, seconds = epochs + 1, seconds + metrics["seconds"]
            timed(board.ended, trial, STATES[frozen.state], "")
    assert not board.problems
    return {
        "epochs": epochs,
        "seconds_an_epoch": rounded(seconds / epochs),
        "driver_ms_an_epoch": rounded(1000 * driver / epochs),
        "driver_share": rounded(driver / seconds),
        "whole_share": rounded((time.process_time() - began) / seconds),
    }


def weighed(run: Run) -> dict[str, float]:
    sizes = {t.id: size(folder) for t in run.trials() if (folder := run.events(t.id))}
    return {
        "trials": len(sizes),
        "megabytes": rounded(TRIALS * sum(sizes.values()) / len(sizes) / 1e6),
        "megabytes_all_complete": rounded(TRIALS * max(sizes.values()) / 1e6),
    }


def size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


if __name__ == "__main__":
    main()
