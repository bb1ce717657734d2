"""What tests of the director share: one on a real ledger, with scores that are made up instead of trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers import SPACE, space_file
from optuna.trial import TrialState

from search.director import Director, Watcher
from search.ledger import Ledger
from search.proposals import Proposals
from search.race import Race
from search.sampler.suggest import Suggester
from search.space import DataFacts, SpaceFile, load_space
from search.watch.vote import Votes
from trainable.config import TrialConfig
from trainable.files import write_json
from trainable.run.paths import RunPaths

FACTS = DataFacts(24, 12, ("a", "b", "c"), ())
EPOCHS, FOLDS = 3, 2


def director_of(
    paths: RunPaths,
    space: SpaceFile,
    ledger: Ledger,
    data: DataFacts = FACTS,
    folds_fingerprint: str = "folds",
    *,
    race: Race | None = None,
    votes: Votes | None = None,
    watchers: Sequence[Watcher] = (),
) -> Director:
    """As search.begin puts it together, and taken over from its ledger."""
    s = space.search
    made = Director(
        paths=paths,
        search=s,
        ledger=ledger,
        race=race or space.race(),
        proposals=Proposals(paths, space, data, folds_fingerprint, ledger, Suggester(s.sampler, s.seed, s.startup)),
        votes=votes,
        watchers=list(watchers),
    )
    made.resume()
    return made


def open_director(folder: Path, text: str = SPACE, **changes: Any) -> Director:
    """The director of one run directory: again and again, as a restarted process would."""
    space = load_space(space_file(folder, text))
    values = {"trials": 6, "epochs": EPOCHS, "folds": FOLDS, "members": 1, "rule": "none", **changes}
    space = replace(space, search=replace(space.search, **values))
    paths = RunPaths(folder / "run")
    paths.root.mkdir(exist_ok=True)
    return director_of(paths, space, Ledger.open(paths.study, first=space.search.first))


def said(step: int, score: float) -> dict[str, Any]:
    fold = (step - 1) // EPOCHS
    last = step % EPOCHS == 0
    return {"step": step, "fold": fold, "score": score, "decides": fold == 0 or last, "fold_done": last, "metrics": {}}


def work(director: Director, score: Callable[[TrialConfig], float], steps: int = 10**9) -> list[str]:
    """One worker until there is nothing to do or `steps` epochs are spent; the trials it took up, in turn."""
    taken = []
    while (found := director.next_trial()) is not None:
        trial_id, config = found
        taken.append(trial_id)
        for step in range(director.told(trial_id) + 1, EPOCHS * FOLDS + 1):
            if not steps:
                return taken
            steps -= 1
            if step == EPOCHS * FOLDS:
                write_json(director.paths.trial(trial_id).result, {"oof_macro_f1": score(config)})
            if not director.report(trial_id, said(step, score(config))):
                break
    return taken


def states(director: Director) -> dict[str, TrialState]:
    return {name: trial.state for name, trial in director.ledger.named().items()}


def rate(config: TrialConfig) -> float:
    return config.optim.lr
