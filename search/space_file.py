"""A space file: read, run, and asked for configurations; every mistake in it is one line."""

import importlib.util
import re
import sys
import tokenize
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import optuna

from search.race import Race, first_rung
from search.space import DataFacts, Search
from search.suggested import blame, check_suggested
from trainable.config import TrialConfig
from trainable.config.smoke import EPOCHS, STORE, smoke
from trainable.errors import InputError
from trainable.run.inputs import beside_space

CODING = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)[-\w.]+")
NO_DATA = DataFacts(rows=0, groups=0, classes=(), attributes=())
DRAWS = 8  # that tell whether a space's networks start pretrained
_importable: list[Path] = []  # folders of the space that was read last
FIXED = "set in SEARCH, the same for all trials, so that their scores can be compared"


@dataclass(frozen=True)
class SpaceFile:
    """A space file that was read. kept: where a run has its copy of a file that a configuration names. beside: {path
    below its folder: text} of the modules there that it imports.
    """

    path: Path
    text: str
    search: Search
    space: Callable[[optuna.Trial, DataFacts], dict[str, Any]]
    kept: Callable[[str], str] = str
    beside: Mapping[str, str] = field(default_factory=dict)

    def race(self) -> Race:
        """The race that SEARCH asks for."""
        s = self.search
        grace = s.grace or first_rung(s.epochs, pretrained=self._all_pretrained())
        return Race(s.epochs, s.folds, s.trials, grace, s.eta, s.members, s.rule, s.margin)

    def _all_pretrained(self) -> bool:
        """Whether all of a few random draws are networks that start pretrained, for data without attributes."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=self.search.seed))
        try:
            return all(self.config(study.ask(), NO_DATA).model.pretrained for _ in range(DRAWS))
        except InputError:  # the plan says what is wrong
            return False

    def small(self) -> Self:
        """The same structure with tiny networks, photos and epochs: what `--smoke` runs."""
        big = self.space
        search = replace(self.search, epochs=EPOCHS, store_size=STORE, grace=1)
        return replace(self, search=search, space=lambda trial, data: smoke(big(trial, data)))

    def config(self, trial: optuna.trial.BaseTrial, data: DataFacts, search: Search | None = None) -> TrialConfig:
        """The resolved configuration of one suggestion; InputError names the file and what is wrong."""
        walked = search or self.search
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of choices and values: refused below
                values = self.space(trial, data)  # type: ignore[arg-type]  # a FixedTrial suggests as well
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            where = blame(error, self.path)
            allowed = "what its suggest_ call takes" if ", parameter " in where else "space(trial, data) -> dict"
            raise InputError(f"{where}: {type(error).__name__}: {_line(error)}; allowed: {allowed}") from error
        check_suggested(trial, self.path)
        return resolve(values, walked, self.path, self.kept)


def resolve(values: Any, search: Search, source: Path, kept: Callable[[str], str] = str) -> TrialConfig:
    """Add to a space's answer what SEARCH fixes for every trial; files that a run has copies of are those copies."""
    if not isinstance(values, dict):
        raise InputError(f"{source}: space() returned {values!r}; allowed: a dict of configuration fields")
    inputs = values.get("input", {})
    for key, holder in (("epochs", values), ("seed", values), ("target", values), ("store", inputs)):
        if isinstance(holder, dict) and key in holder:
            raise InputError(f"{source}: space() returned {key}={holder[key]!r}; allowed: it is {FIXED}")
    if isinstance(inputs, dict):  # anything else is refused below
        inputs = {**inputs, "store": search.store_size}
    rows = values.get("rows")
    if isinstance(rows, dict) and isinstance(rows.get("corrections"), str):
        values = {**values, "rows": {**rows, "corrections": kept(rows["corrections"])}}
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
    folders = [path.parent.absolute(), beside_space(path.parent.absolute())]
    _make_importable(folders)
    try:
        spec.loader.exec_module(module)
        text = _text_of(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (Exception, SystemExit) as error:
        raise InputError(
            f"{blame(error, path)} cannot be run: {type(error).__name__}: {_line(error)}; allowed: valid Python, in "
            "UTF-8"
        ) from error
    search, space = _search_of(module, path), _space_of(module, path)
    return SpaceFile(path, text, search, space, beside=_modules_in(folders))


def _make_importable(folders: Sequence[Path]) -> None:
    """Modules beside a space can be imported, behind all others: one called random.py is in nobody's way."""
    for name in [name for name, _ in _siblings([*_importable, *folders]) if "." not in name]:
        del sys.modules[name]  # of another space, or changed since
    for folder in _importable:
        sys.path.remove(str(folder))
    _importable[:] = [folder for folder in folders if folder.is_dir() and str(folder) not in sys.path]
    sys.path.extend(map(str, _importable))
    importlib.invalidate_caches()


def _siblings(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """(name, file) of the modules that were imported from folders."""
    files = [(name, getattr(module, "__file__", None)) for name, module in list(sys.modules.items())]
    return [
        (name, Path(file))
        for name, file in files
        if file and name != "__main__" and Path(file).parent in folders and Path(file).stem != "__init__"
    ]


def _modules_in(folders: Sequence[Path]) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for _, file in sorted(_siblings(folders))}


def _text_of(path: Path) -> str:
    """A Python file in whatever encoding it declares (PEP 263), as a file in UTF-8 would say it."""
    with tokenize.open(path) as file:
        encoding, text = file.encoding, file.read()
    head, rest = text.splitlines(keepends=True)[:2], text.splitlines(keepends=True)[2:]
    return "".join([CODING.sub(r"\1utf-8", line) for line in head] + rest) if encoding != "utf-8" else text


def _line(error: BaseException) -> str:
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
