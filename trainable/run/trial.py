"""A trial as it lies on disk: its configuration, its folds, and what came of it."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from trainable.config import TrialConfig
from trainable.files import read_json, write_json, write_text
from trainable.run.fold import Fold
from trainable.run.folder import RunFolder
from trainable.run.inputs import as_kept, keep
from trainable.run.predictions import Predictions
from trainable.run.records import TrialResult, read_record, write_record


@dataclass(frozen=True)
class Trial:
    """A trial of `run`; `id` is made once, by whoever begins the trial, and handed on.

    What is read of it is kept, so that those who look at a finished trial together read its files once.
    """

    run: RunFolder
    id: str

    def __reduce__(self) -> tuple[type[Self], tuple[RunFolder, str]]:
        return type(self), (self.run, self.id)  # what was read of it does not travel to other processes

    @property
    def root(self) -> Path:
        return self.run.root / "trials" / self.id

    @cached_property
    def config(self) -> TrialConfig:
        """What the trial is; raises FileNotFoundError where it was never begun."""
        return TrialConfig.from_dict(as_kept(read_json(self._config), self.run.root))

    def begin(self, config: TrialConfig) -> None:
        """Write the configuration down, with copies of the files that it names."""
        write_json(self._config, keep(config.to_dict(), self.run.root))

    @property
    def begun(self) -> bool:
        return self._config.is_file()

    @property
    def finished(self) -> bool:
        return self._result.exists()

    @property
    def state(self) -> str:
        """complete, failed, or unfinished: what the files say. Whether a search stopped it, its ledger says."""
        if self.finished:
            return "complete"
        return "failed" if self.error.is_file() else "unfinished"

    @cached_property
    def result(self) -> TrialResult:
        """Raises FileNotFoundError before the trial is finished."""
        return read_record(TrialResult, self._result)

    @cached_property
    def _predictions(self) -> Predictions:
        return Predictions.read(self.oof_file)

    def oof(self) -> Predictions:
        """Out-of-fold predictions of all folds; raises as `Predictions.read` does."""
        return self._predictions

    @property
    def oof_file(self) -> Path:
        return self.root / "oof.npz"

    def finish(self, predictions: Predictions, result: TrialResult) -> None:
        """Write what all folds came to; result.json last."""
        predictions.write(self.oof_file)
        write_record(self._result, result)

    def config_text(self) -> str:
        """config.json as it lies there, for people."""
        return json.dumps(read_json(self._config), indent=1)

    @property
    def error(self) -> Path:
        """The traceback of a trial that failed."""
        return self.root / "error.txt"

    def claim(self, part: str, token: str) -> None:
        """Hand a part of the trial's work to one worker: whoever had it before no longer writes, see `held_by`."""
        write_text(self._claim(part), token)

    def held_by(self, part: str, token: str) -> bool:
        try:
            return self._claim(part).read_text(encoding="utf-8") == token
        except FileNotFoundError:
            return False

    def hung(self, fold: int | None = None) -> Path:
        """Stacks of all threads, written when no epoch was finished for too long; empty otherwise.

        fold: of the worker that trains this fold alone.
        """
        return self.root / ("hung.txt" if fold is None else f"hung_{fold}.txt")

    def fold(self, k: int) -> Fold:
        return Fold(self.root / f"fold_{k}")

    @property
    def all_rows(self) -> Fold:
        """A network of this configuration that trained on all rows; it has no score."""
        return Fold(self.root / "all_rows")

    @property
    def cut(self) -> Fold:
        """What a fold had learnt when the time was over, where no fold was done (trainable.training.cut)."""
        return Fold(self.root / "cut")

    def networks(self) -> list[Fold]:
        """What can predict of a trial that is not complete: its finished folds, else the one that was cut short."""
        done = [fold for fold in self.folds() if fold.finished and fold.weights.is_file()]
        return done or [fold for fold in [self.cut] if fold.finished]

    def part(self, name: str) -> Fold:
        """A fold by the name of its folder."""
        return Fold(self.root / name)

    def folds(self) -> list[Fold]:
        """The folds that were begun, in order."""
        return [Fold(p) for p in sorted(self.root.glob("fold_*"), key=lambda p: int(p.name[5:]))]

    def delete_leftovers(self) -> None:
        """Free what a stopped trial cannot use again: weights of all folds and states of unfinished ones.

        Nobody holds it any more, or a state that is being written would come after. Validation predictions and metrics
        stay: they are small, and reports read them.
        """
        for claim in self.root.glob("claim_*"):
            claim.unlink(missing_ok=True)
        for fold in self.folds():
            fold.resume.unlink(missing_ok=True)
            fold.weights.unlink(missing_ok=True)

    def _claim(self, part: str) -> Path:
        return self.root / f"claim_{part}"

    @property
    def _config(self) -> Path:
        return self.root / "config.json"

    @property
    def _result(self) -> Path:
        return self.root / "result.json"
