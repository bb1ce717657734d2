"""Space files: what varies (`space`) and how it is walked (`SEARCH`)."""

import importlib.util
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import optuna

from search.race import Race
from trainable.config import TARGETS, TrialConfig
from trainable.config.allowed import between, check, one_of, sizes, where
from trainable.config.smoke import EPOCHS, STORE, smoke
from trainable.data.manifest import Manifest
from trainable.errors import InputError

FIXED = "set in SEARCH, the same for all trials, so that their scores can be compared"


@dataclass(frozen=True)
class Search:
    """How to walk a space.

    epochs: of one fold. store_size: (height, width) the photos are decoded to, the largest that a trial can ask for.
    grace, eta: the first rung, in epochs of fold 0 (half of them is a safe choice, a quarter where early epochs tell;
    each further rung doubles it), and of how many trials at a rung one goes on.
    members: complete trials the ensemble wants; later folds race against the one of this rank.
    rule, margin: how later folds race; see search.race. startup: trials drawn at random before TPE models.
    objective: what a trial is judged by after fold 0, and TPE told: its own score ("solo"), or that of its vote with
    the complete trials so far ("ensemble").
    target: what all trials predict: "joint", or one attribute, whose runs ensembles.build multiplies.
    hang_minutes: a trial that finishes no epoch for so long is ended.
    first: parameters of trials to run before any suggestion (the defaults, a recipe).
    """

    trials: int = between(1, 1_000_000, default=100)
    folds: int = between(2, 100, default=5)
    epochs: int = between(1, 10_000, default=12)
    seed: int = between(0, 2**31 - 1, default=0)
    store_size: tuple[int, int] = sizes(16, 2048, default=(512, 384))
    sampler: str = one_of("tpe", "random", default="tpe")
    startup: int = between(1, 10_000, default=10)
    grace: int = between(1, 10_000, default=6)
    eta: int = between(2, 100, default=4)
    members: int = between(1, 1000, default=10)
    rule: str = one_of("paired", "forgiving", "none", default="paired")
    margin: float = between(0.0, 10.0, default=1.0)
    objective: str = one_of("solo", "ensemble", default="solo")
    target: str = one_of(*TARGETS, default="joint")
    hang_minutes: float = between(0.001, 100_000.0, default=120.0)
    first: tuple[dict[str, Any], ...] = where(
        lambda v: isinstance(v, tuple) and all(isinstance(p, dict) for p in v), "a tuple of dicts", default=()
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class DataFacts:
    """What a space may know of the data: it leaves out choices that the data cannot carry."""

    rows: int
    groups: int
    classes: tuple[str, ...]
    attributes: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> "DataFacts":
        groups = manifest.frame.loc[manifest.scored, "group"].nunique()
        return cls(len(manifest.frame), int(groups), manifest.classes, manifest.attributes)


@dataclass(frozen=True)
class SpaceFile:
    path: Path
    text: str
    search: Search
    space: Callable[[optuna.Trial, DataFacts], dict[str, Any]]

    def race(self) -> Race:
        """The race that SEARCH asks for."""
        s = self.search
        return Race(s.epochs, s.folds, s.trials, s.grace, s.eta, s.members, s.rule, s.margin)

    def small(self) -> Self:
        """The same structure with tiny networks, photos and epochs: what `--smoke` runs."""
        big = self.space
        search = replace(self.search, epochs=EPOCHS, store_size=STORE, grace=1)
        return replace(self, search=search, space=lambda trial, data: smoke(big(trial, data)))

    def config(self, trial: optuna.trial.BaseTrial, data: DataFacts, search: Search | None = None) -> TrialConfig:
        """The resolved configuration of one suggestion; InputError names the file and what is wrong."""
        walked = search or self.search
        try:
            values = self.space(trial, data)  # type: ignore[arg-type]  # a FixedTrial suggests as well
        except InputError:
            raise
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            raise InputError(
                f"{self.path}: space() failed in line {where.lineno}: {type(error).__name__}: {_line(error)}; "
                "allowed: a function (trial, data) -> dict"
            ) from error
        return resolve(values, walked, self.path)


def resolve(values: Any, search: Search, source: Path) -> TrialConfig:
    """Add to a space's answer what SEARCH fixes for every trial."""
    if not isinstance(values, dict):
        raise InputError(f"{source}: space() returned {values!r}; allowed: a dict of configuration fields")
    inputs = values.get("input", {})
    for key, holder in (("epochs", values), ("seed", values), ("target", values), ("store", inputs)):
        if isinstance(holder, dict) and key in holder:
            raise InputError(f"{source}: space() returned {key}={holder[key]!r}; allowed: it is {FIXED}")
    if isinstance(inputs, dict):  # anything else is refused below
        inputs = {**inputs, "store": search.store_size}
    try:
        fixed = {"epochs": search.epochs, "seed": search.seed, "target": search.target, "input": inputs}
        return TrialConfig.from_dict({**values, **fixed})
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def load_space(path: Path) -> SpaceFile:
    """Run a space file and take its SEARCH and space; every mistake in it is one line."""
    if not path.is_file():
        raise InputError(f"no space file: received {path}; allowed: a Python file with SEARCH and space(trial, data)")
    spec = importlib.util.spec_from_file_location(f"space_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"space file: received {path}; allowed: a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:
        raise InputError(
            f"{path} cannot be run: {type(error).__name__}: {_line(error)}; allowed: valid Python"
        ) from error
    return SpaceFile(path, path.read_text(encoding="utf-8"), _search_of(module, path), _space_of(module, path))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _search_of(module: ModuleType, path: Path) -> Search:
    found = getattr(module, "SEARCH", None)
    if not isinstance(found, Search):
        raise InputError(f"{path}: received SEARCH = {found!r}; allowed: SEARCH = Search(trials=..., folds=..., ...)")
    return found


def _space_of(module: ModuleType, path: Path) -> Callable[[optuna.Trial, DataFacts], dict[str, Any]]:
    found = getattr(module, "space", None)
    if not callable(found):
        raise InputError(f"{path}: received space = {found!r}; allowed: def space(trial, data) -> dict")
    return found
