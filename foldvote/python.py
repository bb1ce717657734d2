"""What `import foldvote` offers: the commands as functions, and a run's tables as pandas."""

import argparse
import keyword
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Self

import pandas as pd

import trainable.run
from ensembles.ensemble import Ensemble, read_ensemble
from ensembles.predict_photos import predict_photos, table_of
from foldvote.photos import Photos, as_files
from trainable.commands import from_python
from trainable.errors import InputError
from trainable.run import Predictions
from trainable.run.folder import RunFolder


class Trial:
    """One trial of a run."""

    def __init__(self, trial: trainable.run.Trial) -> None:
        self._trial = trial
        self.id = trial.id

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, as the run holds it."""
        return self._trial.config.to_dict()

    def oof(self) -> pd.DataFrame:
        """Out-of-fold predictions: `image, label, prediction, fold`, then a probability for each class.

        A row for each scored image, predicted by the network of the fold that did not see its group. Raises InputError
        where the trial is not complete.
        """
        if not self._trial.finished:
            raise InputError(f"trial: received {self.id}, which is not complete; allowed: a complete one, for its OOF")
        images = _images(self._trial.run)
        return _table(self._trial.oof(), images)


class Run:
    """A run directory: the search's trials, and the votes built on them."""

    def __init__(self, run: trainable.run.Run) -> None:
        self._run = run
        self.path = run.root

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Raises InputError where `path` is no run."""
        return cls(trainable.run.Run.open(Path(path)))

    def leaderboard(self) -> pd.DataFrame:
        """A row a trial, the best first: `trial, state, folds_done, epochs_done, oof_score`, ..., its parameters.

        Raises InputError for a run without a search.
        """
        if not self._run.leaderboard.is_file():
            raise InputError(f"leaderboard: received {self.path}, which has none; allowed: a run that search made")
        return pd.read_csv(self._run.leaderboard, dtype={"trial": str})

    def trials(self) -> list[Trial]:
        """Every trial that was begun."""
        return [Trial(trial) for trial in self._run.trials()]

    def trial(self, id: str) -> Trial:
        """Raises InputError where the run has none of that id."""
        if id not in (known := [trial.id for trial in self._run.trials()]):
            raise InputError(f"trial: received {id!r}; allowed: {', '.join(known) or 'none, the run has no trials'}")
        return Trial(self._run.trial(id))

    def votes(self) -> "list[Vote]":
        """Those that were built on it, the latest last."""
        return [Vote(read_ensemble(folder.root)) for folder in self._run.ensembles()]

    def predict(self, photos: Photos) -> pd.DataFrame:
        """What the latest vote says of new photos, see `Vote.predict`; InputError where none was built."""
        if not (built := self._run.ensembles()):
            raise InputError(f"predict: received {self.path}, which has no vote; allowed: after foldvote.build(run)")
        return Vote(read_ensemble(built[-1].root)).predict(photos)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


class Vote:
    """A built ensemble. oof_score: on the rows it was chosen on. nested_score: what is expected on new groups."""

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        summary = ensemble.folder.summary()
        self.path = ensemble.folder.root
        self.method: str = summary["method"]
        self.oof_score: float = summary["oof_score"]
        self.nested_score: float = summary["nested_score"]
        self.nested_std: float = summary["nested_std"]
        self.members = pd.DataFrame(summary["members"])[["trial", "weight", "oof_score"]]

    @property
    def submission(self) -> pd.DataFrame:
        """As it was written, all columns as text."""
        return pd.read_csv(self._ensemble.folder.submission, dtype=str, keep_default_na=False)

    def oof(self) -> pd.DataFrame:
        """The vote on out-of-fold rows, see `Trial.oof`."""
        return _table(self._ensemble.folder.oof(), _images(self._ensemble.run))

    def predict(self, photos: Photos) -> pd.DataFrame:
        """New photos: `image, prediction`, the answers of attributes, then a column `p CLASS` for each class.

        photos: paths, arrays uint8 [H, W, 3] in RGB, PIL images, or one array uint8 [M, H, W, 3]; `path` is the path,
        or the place in what was given. Each is answered alone; a file that cannot be read as the shares of the classes
        in training, with a warning. Raises InputError for anything else, and where none can be read.
        """
        with as_files(photos) as (names, files):
            table = table_of(self._ensemble, files, predict_photos(self._ensemble, files))
        table["path"] = names
        return table

    def __repr__(self) -> str:
        return f"Vote({str(self.path)!r}: {self.method}, nested {self.nested_score:.4f} ± {self.nested_std:.4f})"


def search(space: str | Path, data: str | Path, **options: Any) -> Run:
    """Search a space, or go on with `resume=True`; returns the run.

    space: a space file, or the name of one that is shipped ("demo"). data: a folder of labelled photos. options: those
    of the command, as in `trials=8, hours=.5, name="first", executor="inline", resume=True`; see `foldvote search
    --help`. Raises InputError where the input is wrong, RuntimeError where the search failed (it has said why), and
    KeyboardInterrupt where it was interrupted; what is finished is kept.
    """
    from search.arguments import parser, run_folder
    from search.run import command

    words = [str(space), "--data", str(data), *words_of(options)]
    with _called(parser()) as own:
        given = _parsed(own, words)
        _answer(command(given, words), "the search")
    return Run(trainable.run.Run(run_folder(given)))


def build(run: Run | str | Path | Sequence[Run | str | Path], **options: Any) -> Vote:
    """Vote the best trials of a run, or of several on the same data; returns the vote.

    options: those of the command, as in `method="log_pool", name="mine"`; see `foldvote build --help`. Raises
    InputError where the input is wrong.
    """
    from ensembles.build import command, parser

    several = run if isinstance(run, Sequence) and not isinstance(run, str) else [run]
    roots = [str(one.path if isinstance(one, Run) else one) for one in several]
    with _called(parser()) as own:
        _answer(command(_parsed(own, [*roots, *words_of(options)])), "the build")
    return Vote(read_ensemble(trainable.run.Run(Path(roots[0])).ensembles()[-1].root))


def words_of(options: dict[str, Any]) -> list[str]:
    """Options of a function as a shell has them: `all_rows=True` is --all-rows, a list is given again and again."""
    words = []
    for name, value in options.items():
        flag = f"--{name.rstrip('_').replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            several = value if isinstance(value, list | tuple) else [value]
            words += [word for one in several for word in (flag, str(one))]
    return words


def _option(flag: str) -> str:
    name = flag[2:].replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


@contextmanager
def _called(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Within it a command works for Python; what an error says of its flags is said as options too."""
    flags = {flag: action for action in parser._actions for flag in action.option_strings}
    with from_python():
        try:
            yield parser
        except InputError as error:
            named = [flag for flag in dict.fromkeys(re.findall(r"--[a-z-]+", str(error))) if flag in flags]
            options = [f"{_option(flag)}={True if flags[flag].nargs == 0 else '...'}" for flag in named]
            here = f" (here: {', '.join(options)})" if options else ""
            raise InputError(f"{error}{here}") from None


def _parsed(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command; an option that it has not is wrong input here, not the end of the process."""

    def refuse(message: str) -> NoReturn:
        raise InputError(f"options: {message}; allowed: those of {parser.prog} --help, with underscores")

    parser.error = refuse  # type: ignore[method-assign]
    return parser.parse_args(words)


def _answer(code: int, what: str) -> None:
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise RuntimeError(f"{what} ended with exit code {code}; it has printed why")


def _images(run: RunFolder) -> list[str]:
    return run.manifest.frame["image"].tolist()


def _table(oof: Predictions, images: Sequence[str]) -> pd.DataFrame:
    """A row an image; labels and predictions by name."""
    classes = list(oof.classes)
    known = pd.DataFrame(
        {
            "image": [images[i] for i in oof.index],
            "label": [classes[c] for c in oof.label],
            "prediction": [classes[c] for c in oof.probabilities.argmax(1)],
            "fold": oof.fold,
        }
    )
    return pd.concat([known, pd.DataFrame(oof.probabilities, columns=classes)], axis=1)
