"""Any of Optuna's samplers in SEARCH.sampler: asked anew for every trial, and taken up again where a search was cut."""

import json
from collections.abc import Callable

import optuna
import pytest
from directing import rate, states, work
from helpers import SPACE
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    CmaEsSampler,
    GPSampler,
    GridSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)

from search.director import Director
from search.sampler.own import name_of_sampler
from search.space import Search

GRID = [1e-3, 2e-3, 3e-3, 4e-3]
TWO = SPACE.replace(
    '"optim": {"lr": trial.suggest_float("lr", 1e-3, 1e-2, log=True)}',
    '"optim": {"lr": trial.suggest_float("lr", 1e-3, 1e-2, log=True), '
    '"weight_decay": trial.suggest_float("wd", 0.0, 0.1)}',
)
MADE: dict[str, Callable[[], BaseSampler]] = {
    "TPESampler": lambda: TPESampler(n_startup_trials=3),
    "RandomSampler": RandomSampler,
    "CmaEsSampler": lambda: CmaEsSampler(n_startup_trials=1, popsize=4),
    "GPSampler": lambda: GPSampler(n_startup_trials=3),
    "NSGAIISampler": lambda: NSGAIISampler(population_size=3),
    "QMCSampler": lambda: QMCSampler(seed=5, warn_independent_sampling=False),
    "GridSampler": lambda: GridSampler({"lr": GRID, "wd": [0.0, 0.05]}),
}
quiet = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def suggested(director: Director) -> list[tuple[float, ...]]:
    return [tuple(t.params.values()) for t in director.ledger.named().values()]


@quiet
@pytest.mark.parametrize("name", MADE)
def test_search_is_walked_and_resumed_as_if_nothing_had_happened(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from directing import open_director

    assert TWO != SPACE
    whole, cut = (tmp_path_factory.mktemp(part) for part in ("whole", "cut"))
    undisturbed = open_director(whole, TWO, sampler=MADE[name](), trials=8, rule="none", eta=2)
    work(undisturbed, rate)
    found = suggested(undisturbed)
    assert len(set(found)) == 8
    for steps in (4, 9, 10**9):  # each time another process, with a sampler made anew
        director = open_director(cut, TWO, sampler=MADE[name](), trials=8, rule="none", eta=2)
        work(director, rate, steps)
    assert suggested(director) == found


@quiet
def test_quasi_random_sequence_goes_on_and_cma_keeps_its_state(direct: Callable[..., Director]) -> None:
    director = direct(TWO, sampler=QMCSampler(seed=5, warn_independent_sampling=False), trials=6)
    work(director, rate)
    counts = [next(iter(t.user_attrs["sampler"].values())) for t in list(director.ledger.named().values())[1:]]
    assert counts == sorted(set(counts))


@quiet
def test_cma_learns_from_trials_of_earlier_suggestions(direct: Callable[..., Director]) -> None:
    director = direct(TWO, sampler=CmaEsSampler(n_startup_trials=1, popsize=4), trials=14, eta=2)
    work(director, rate)
    generations = {v for t in director.ledger.named().values() for k, v in t.system_attrs.items() if "generation" in k}
    assert max(generations) >= 2


def test_grid_is_walked_to_its_end_and_nothing_beside_it(direct: Callable[..., Director]) -> None:
    director = direct(sampler=GridSampler({"lr": GRID}), trials=20)
    work(director, rate)
    assert sorted(t.params["lr"] for t in director.ledger.named().values()) == GRID
    assert len(states(director)) == 4 and "exhausted" in director.proposals.note


def test_seeds_follow_the_search_not_the_sampler(tmp_path_factory: pytest.TempPathFactory) -> None:
    from directing import open_director

    def begun(seed: int) -> list[tuple[float, ...]]:
        folder = tmp_path_factory.mktemp("seeds")
        director = open_director(folder, TWO, sampler=RandomSampler(), trials=3, seed=seed)
        work(director, rate)
        return suggested(director)

    assert begun(0) == begun(0) != begun(1)


@quiet
def test_settings_name_the_class() -> None:
    settings = Search(sampler=BruteForceSampler()).settings()
    assert json.loads(json.dumps(settings))["sampler"] == "BruteForceSampler"
    assert name_of_sampler("tpe") == Search().settings()["sampler"] == "tpe"
    assert isinstance(Search(sampler=RandomSampler()).sampler, optuna.samplers.BaseSampler)
