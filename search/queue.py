"""Queue a configuration into a search, also while it runs.

    python -m search.queue RUN key=value [key=value ...]

The keys are parameters of the run's space, as in leaderboard.csv; what is left out is drawn at random.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainable.command import Parser, check_runs, guarded
from trainable.commands import spoken
from trainable.errors import InputError


def parser() -> argparse.ArgumentParser:
    made = Parser(prog=spoken("queue"), description="Queue a configuration into a search.")
    made.add_argument("run", type=Path, metavar="RUN", help="the run of the search")
    made.add_argument("values", nargs="+", metavar="key=value", help="parameters, as in leaderboard.csv: lr=0.001")
    return made


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    return guarded(lambda: command(given.run, given.values))


def command(place: Path, words: list[str]) -> int:
    check_runs([place])
    from search.ledger import enqueue, own_trials
    from search.plan import try_parameters
    from search.space import DataFacts
    from search.space_file import load_space
    from trainable.locks import held
    from trainable.run import Run

    run = Run.open(place)
    values = dict(_pair(word) for word in words)
    space = replace(load_space(run.space), kept=run.kept_input)
    try_parameters(space, DataFacts.of(run.manifest), values)
    enqueue(run.study, values)
    begun, planned = len(own_trials(run.study)), run.settings["trials"]
    print(f"queued {values} in {run.root}: the next new trial")
    goes_on = held(run.lock)
    if goes_on and begun < planned:
        print(f"the search goes on: it takes this one by itself\nnext: {spoken('report', run.root)}")
        return 0
    if begun >= planned:
        when = "only when it has ended" if goes_on else "so"
        print(f"all {planned} trials of this search are begun: {when} the command below trains this one")
    trials = max(planned, begun + 1)
    more = ["--trials", trials] if trials != space.search.trials else []
    small = ["--smoke"] if run.settings["epochs"] != space.search.epochs else []
    again = spoken("search", run.space, "--out", run.root.parent, "--name", run.name, *small, "--resume", *more)
    print(f"next: {again}")
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
