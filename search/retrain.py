"""Chosen trials once more: with other seeds, as trials of the same run, or once on all rows, for the submission.

    python -m search.run --promote RUN TRIAL... [--seeds 3]       seed-bagging: the new trials may be members
    python -m search.run --promote RUN TRIAL... --all-rows        no out-of-fold predictions, so nothing selects by it

The same command again goes on where it was interrupted, and trains nothing twice.
"""

import shutil
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from optuna.trial import FrozenTrial, TrialState

from search.all_rows import AllRows
from search.begin import Given, refuse_changed_data, walk
from search.ledger import ID, Ledger
from search.space import Search, load_space
from search.watch.leaderboard import STATES
from trainable.config import TrialConfig
from trainable.data.manifest import few
from trainable.errors import InputError
from trainable.files import read_json, write_json
from trainable.images.faces import look
from trainable.run.experiment import Experiment, open_experiment, read_info
from trainable.run.paths import RunPaths
from trainable.training.all_rows import other_seeds

SEEDS = 3


def promote(given: Given, paths: RunPaths, names: Sequence[str], seeds: int) -> int:
    """Train each trial with the next `seeds` seeds; in the ledger they are apart from the search's trials."""
    experiment, ledger, sources = _open(paths, names)
    ids = []
    for source in sources:
        for config in other_seeds(_config(paths, source.user_attrs[ID]), seeds):
            ids.append(config.trial_id(experiment.folds.fingerprint()))
            if ids[-1] not in ledger.numbers:
                write_json(paths.trial(ids[-1]).config, config.to_dict())
                ledger.promote(source, ids[-1])
    known = ledger.named()
    todo = [name for name, frozen in known.items() if frozen.state == TrialState.RUNNING]
    before = Counter(STATES[known[name].state] for name in ids if name not in todo)
    counts = "".join(f"; {n} {state} already" for state, n in before.items())
    print(f"promote: {len(todo)} trials to train{counts}", flush=True)
    if not todo:
        print(f"next: python -m ensembles.build {paths.root}")
        return 0
    look([_config(paths, name) for name in todo], experiment.store)
    search, count = _settings(paths), len(ledger.numbers)
    alone = replace(search, trials=count, members=count, grace=search.epochs, rule="none", first=())
    return walk(given, replace(load_space(paths.space), search=alone), experiment, promoted=True)


def promote_on_all_rows(given: Given, paths: RunPaths, names: Sequence[str]) -> int:
    """Train each trial on all rows, beside its folds."""
    from search.executors import ray_tune as tuner  # Ray takes seconds to import: wrong input is answered before

    experiment, _, sources = _open(paths, names)
    todo = [n for n in (s.user_attrs[ID] for s in sources) if not paths.trial(n).all_rows.finished]
    print(f"all rows: {len(todo)} trials to train; {len(sources) - len(todo)} trained already", flush=True)
    shutil.rmtree(paths.ray, ignore_errors=True)
    look([_config(paths, name) for name in todo], experiment.store)
    queue = AllRows(paths, _settings(paths), deque(todo))
    queue.interrupt.heed()
    if todo:
        tuner.connect(given.address)
        try:
            with queue.bar:
                tuner.execute(queue, tuner.share(given.cpus, given.gpus))
        except KeyboardInterrupt:
            print(f"\ninterrupted; finished epochs are kept\nnext: {given.again}")
            return 130
        finally:
            tuner.disconnect()
    for name, cause in queue.failures.items():
        print(f"failed: {name}: {cause}; see {paths.trial(name).all_rows.error}")
    if queue.failures or queue.aborted:
        print(f"next: once that is mended{f' ({queue.aborted})' if queue.aborted else ''}, {given.again}")
        return 1
    print(f"next: python -m ensembles.build {paths.root} --all-rows")
    return 0


def _open(paths: RunPaths, names: Sequence[str]) -> tuple[Experiment, Ledger, list[FrozenTrial]]:
    """The run as it was, the ledger of promoted trials, and the trials that were named, each once.

    InputError when one of them is not complete.
    """
    read_info(paths)
    if not paths.study.is_file():
        raise InputError(f"--promote: received {paths.root}, a run without a search; allowed: one of search.run")
    if not names:
        raise InputError("--promote: received no trial; allowed: --promote RUN TRIAL...")
    ledger = Ledger.open(paths.study, promoted=True)
    known = ledger.everything()
    complete = [name for name, frozen in known.items() if frozen.state == TrialState.COMPLETE]
    wrong = [name for name in names if name not in complete]
    if wrong:
        received = ", ".join(f"{n} ({STATES[known[n].state] if n in known else 'not in this run'})" for n in wrong)
        raise InputError(f"--promote: received {received}; allowed: complete trials: {few(complete)}")
    experiment = open_experiment(paths.root)
    refuse_changed_data(experiment)
    return experiment, ledger, [known[name] for name in dict.fromkeys(names)]


def _config(paths: RunPaths, name: str) -> TrialConfig:
    return TrialConfig.from_dict(read_json(paths.trial(name).config))


def _settings(paths: RunPaths) -> Search:
    """SEARCH as the run began with it."""
    return Search(**read_info(paths)["settings"])
