"""A sampler of the user's own, any of Optuna's, in SEARCH.sampler.

Every suggestion is asked of a study made for it (see suggest), by a copy of the sampler that is seeded from
(seed, trial number, attempt): what a sampler keeps in itself is lost, what it writes into trials and studies is not.
CMA-ES, for one, keeps its state in the attributes of trials, quasi-random sequences count in those of the study. Both
go into the ledger with the trial and come back from it, so that a resumed search goes on as an undisturbed one would.

A sampler whose random numbers cannot be seeded from outside (QMCSampler draws its own seed when it is made) needs its
`seed=` in the space file for that.
"""

import copy
from collections.abc import Iterable
from typing import Any

import optuna
from optuna.samplers import BaseSampler, BruteForceSampler, GridSampler
from optuna.samplers._lazy_random_state import LazyRandomState
from optuna.trial import FrozenTrial, Trial

NAMES = ("tpe", "random")
KEPT = "sampler"  # user attribute of a trial: what its sampler counted in the study
ENUMERATING = (GridSampler, BruteForceSampler)  # nothing is to be tried beside what they list

Sampler = str | BaseSampler


def is_sampler(value: Any) -> bool:
    return isinstance(value, BaseSampler) or (isinstance(value, str) and value in NAMES)


def name_of_sampler(sampler: Sampler) -> str:
    """As a run records it: one of NAMES, or the name of its class."""
    return sampler if isinstance(sampler, str) else type(sampler).__name__


def seeded(sampler: BaseSampler, seed: int) -> BaseSampler:
    """A copy whose random numbers, and those of the samplers within it, begin at `seed`."""
    made = copy.deepcopy(sampler)
    _seed(made, seed)
    return made


def _seed(sampler: BaseSampler, seed: int) -> None:
    for part in vars(sampler).values():
        if isinstance(part, LazyRandomState):
            part.rng.seed(seed)
        elif isinstance(part, BaseSampler):
            _seed(part, seed)


def written(asked: Trial) -> tuple[dict[str, Any], dict[str, Any]]:
    """(attributes of the trial, counts of the study) that a sampler wrote while it was asked.

    Without TPE's, which repeat the parameters.
    """
    storage, study = asked.study._storage, asked.study
    attributes = storage.get_trial_system_attrs(asked._trial_id)
    counts = storage.get_study_system_attrs(study._study_id)
    return (
        {name: value for name, value in attributes.items() if not name.startswith("tpe:")},
        {name: value for name, value in counts.items() if type(value) is int},
    )


def restore(study: optuna.Study, trials: Iterable[FrozenTrial]) -> None:
    """Give a study the counts that the sampler of these trials had reached."""
    for name, value in {k: v for t in trials for k, v in t.user_attrs.get(KEPT, {}).items()}.items():
        study._storage.set_study_system_attr(study._study_id, name, value)
