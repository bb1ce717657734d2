"""Queue a configuration into a search, also while it runs.

    python -m search.queue RUN key=value [key=value ...]

The keys are parameters of the run's space, as in leaderboard.csv; what is left out is drawn at random.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from search.ledger import STUDY
from search.plan import try_parameters
from search.space import DataFacts, load_space
from trainable.command import guarded
from trainable.errors import InputError
from trainable.run.experiment import open_experiment
from trainable.run.paths import RunPaths


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m search.queue", description="Queue a configuration into a search.")
    made.add_argument("run", type=Path)
    made.add_argument("values", nargs="+", metavar="key=value")
    return made


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    return guarded(lambda: command(given.run, given.values))


def command(run: Path, words: list[str]) -> int:
    experiment = open_experiment(run)
    paths = RunPaths(run)
    values = dict(_pair(word) for word in words)
    try_parameters(load_space(paths.space), DataFacts.of(experiment.manifest), values)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Optuna's own lock file lets two processes append; the driver sees the trial when it next asks.
    backend = JournalFileBackend(str(paths.study), lock_obj=JournalFileOpenLock(str(paths.study)))
    optuna.load_study(study_name=STUDY, storage=JournalStorage(backend)).enqueue_trial(values)
    print(f"queued {values} in {paths.root}; it is the next new trial")
    print(f"next: python -m search.run {paths.space} --out {paths.root.parent} --name {paths.root.name} --resume")
    return 0


def _pair(word: str) -> tuple[str, Any]:
    key, equals, text = word.partition("=")
    if not equals:
        raise InputError(f"received {word!r}; allowed: key=value")
    try:
        return key, json.loads(text)
    except json.JSONDecodeError:
        return key, text


if __name__ == "__main__":
    raise SystemExit(main())
