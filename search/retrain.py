"""Chosen trials once more: with other seeds, as trials of the same run, or once on all rows, for the submission.

    python -m search.run --retrain RUN TRIAL... [--seeds 3]       seed-bagging: the new trials may be members
    python -m search.run --retrain RUN TRIAL... --all-rows        no out-of-fold predictions, so nothing selects by it

The same command again goes on where it was interrupted, and trains nothing twice.
"""

import shutil
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from optuna.trial import FrozenTrial, TrialState

from search.all_rows import AllRowsDriver
from search.begin import Options, executor_of, refuse_changed_data
from search.drive import drive
from search.ledger import ID, RETRAINED, STATES, Ledger
from search.space import Search
from search.space_file import load_space
from search.vote_on_all_rows import following
from trainable.commands import spoken
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.images.faces import look
from trainable.run import Run, Trial
from trainable.words import few


def retrain(options: Options, run: Run, names: Sequence[str], seeds: int) -> int:
    """Train each trial with the next `seeds` seeds; in the ledger they are apart from the search's trials."""
    ledger, sources = _open(run, names)
    ids = []
    for source in sources:
        refuse_without_chance(run.trial(source.user_attrs[ID]), run)
        for config in other_seeds(run.trial(source.user_attrs[ID]).config, seeds):
            trial = run.trial(run.identify(config))
            ids.append(trial.id)
            if trial.id not in ledger.numbers:
                trial.begin(config)
                ledger.add_apart(trial.id, source.user_attrs[ID], source)
    known = ledger.named()
    done = (TrialState.COMPLETE, TrialState.PRUNED)
    todo = [run.trial(name) for name, frozen in known.items() if frozen.state not in done]
    before = Counter(STATES[known[name].state] for name in ids if known[name].state in done)
    counts = "".join(f"; {n} {state} already" for state, n in before.items())
    print(f"retrain: {len(todo)} trials to train{counts}", flush=True)
    if not todo:
        print(f"next: {spoken('build', run.root)}")
        return 0
    look([trial.config for trial in todo], run.store)
    search = _settings(run)
    alone = search.apart(len(ledger.numbers))
    with executor_of(options, search.hang_minutes) as executor:
        return drive(options, replace(load_space(run.space), search=alone), run, executor, apart=RETRAINED)


def refuse_without_chance(trial: Trial, run: Run) -> None:
    """InputError for a trial in which nothing is drawn, so that other seeds are the same trial."""
    if any(run.identify(config) == trial.id for config in other_seeds(trial.config, 1)):
        raise InputError(
            f"--retrain: received {trial.id}, a head ({trial.config.head.name}) fitted to features, in which nothing "
            "is drawn: with other seeds it is the same trial; allowed: trials whose networks train, or --all-rows"
        )


def other_seeds(config: TrialConfig, count: int) -> list[TrialConfig]:
    """The configuration with the next `count` seeds."""
    if count < 1:
        raise InputError(f"--seeds: received {count}; allowed: 1 or more")
    return [replace(config, seed=(config.seed + i) % 2**31) for i in range(1, count + 1)]


def retrain_on_all_rows(options: Options, run: Run, names: Sequence[str]) -> int:
    """Train each trial on all rows, beside its folds."""
    _, sources = _open(run, names)
    chosen = [run.trial(s.user_attrs[ID]) for s in sources]
    todo: list[Trial] = [trial for trial in chosen if not trial.all_rows.finished]
    print(f"all rows: {len(todo)} trials to train; {len(chosen) - len(todo)} trained already", flush=True)
    shutil.rmtree(run.ray, ignore_errors=True)
    look([trial.config for trial in todo], run.store)
    search = _settings(run)
    driver = AllRowsDriver(run, search.epochs, deque(todo))
    driver.interrupt.heed()
    if todo:
        try:
            with (
                driver.bar,
                executor_of(options, search.hang_minutes) as executor,
            ):
                executor.execute(driver, run)
        except KeyboardInterrupt:
            print(f"\ninterrupted; finished epochs are kept\nnext: {options.again}")
            return 130
    for trial, cause in driver.failures.items():
        print(f"failed: {trial.id}: {cause}; see {trial.all_rows.error}")
    if driver.failures or driver.aborted:
        print(
            f"once that is mended{f' ({driver.aborted})' if driver.aborted else ''} it goes on\nnext: {options.again}"
        )
        return 1
    print("\n".join(following(run)))
    return 0


def _open(run: Run, names: Sequence[str]) -> tuple[Ledger, list[FrozenTrial]]:
    """The ledger of retrained trials, and the trials that were named, each once.

    InputError when one of them is not complete.
    """
    if not run.study.is_file():
        raise InputError(f"--retrain: received {run.root}, a run without a search; allowed: one of search.run")
    if not names:
        raise InputError("--retrain: received no trial; allowed: --retrain RUN TRIAL...")
    ledger = Ledger.open(run.study, apart=RETRAINED)
    known = ledger.everything()
    complete = [name for name, frozen in known.items() if frozen.state == TrialState.COMPLETE]
    wrong = [name for name in names if name not in complete]
    if wrong:
        received = ", ".join(f"{n} ({STATES[known[n].state] if n in known else 'not in this run'})" for n in wrong)
        raise InputError(f"--retrain: received {received}; allowed: complete trials: {few(complete)}")
    refuse_changed_data(run, run.manifest.root)
    return ledger, [known[name] for name in dict.fromkeys(names)]


def _settings(run: Run) -> Search:
    """SEARCH as the run began with it."""
    return Search(**{**run.settings, "metric": run.metric})
