"""The run directory: the only module that knows its file names.

    runs/<name>/
      experiment.json  space.py  manifest.parquet  folds.parquet  test.parquet
      study.log  lock  owner  leaderboard.csv  report.html
      trials/<trial_id>/
        config.json  result.json  error.txt  oof.npz
        fold_<k>/  model.safetensors  valid.npz  metrics.jsonl  result.json  resume.pt
        all_rows/  the same, of a network that trained on every row: nothing selects by it
      ensembles/<name>/  ensemble.json  test.npz  submission.csv
      ray/  tb/  wandb/

`result.json` is written last: only then is a fold or a trial finished.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FoldPaths:
    root: Path

    @property
    def weights(self) -> Path:
        return self.root / "model.safetensors"

    @property
    def valid(self) -> Path:
        return self.root / "valid.npz"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.jsonl"

    @property
    def result(self) -> Path:
        return self.root / "result.json"

    @property
    def resume(self) -> Path:
        return self.root / "resume.pt"

    @property
    def error(self) -> Path:
        """Why the network of all rows could not be trained; folds have their trial's."""
        return self.root / "error.txt"

    @property
    def finished(self) -> bool:
        return self.result.exists()


@dataclass(frozen=True)
class TrialPaths:
    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.json"

    @property
    def result(self) -> Path:
        return self.root / "result.json"

    @property
    def error(self) -> Path:
        return self.root / "error.txt"

    def hung(self, fold: int | None = None) -> Path:
        """Stacks of all threads, written when no epoch was finished for too long; empty otherwise.

        fold: of the worker that trains this fold ahead of its turn.
        """
        return self.root / ("hung.txt" if fold is None else f"hung_{fold}.txt")

    @property
    def oof(self) -> Path:
        return self.root / "oof.npz"

    def fold(self, k: int) -> FoldPaths:
        return FoldPaths(self.root / f"fold_{k}")

    @property
    def all_rows(self) -> FoldPaths:
        """A network of this configuration that trained on all rows; it has no score."""
        return FoldPaths(self.root / "all_rows")

    def folds(self) -> list[FoldPaths]:
        """The folds that were begun, in order."""
        return [FoldPaths(p) for p in sorted(self.root.glob("fold_*"), key=lambda p: int(p.name[5:]))]

    @property
    def finished(self) -> bool:
        return self.result.exists()

    def delete_leftovers(self) -> None:
        """Free what a stopped trial cannot use again: weights of all folds and states of unfinished ones.

        Validation predictions and metrics stay: they are small, and reports read them.
        """
        for fold in self.folds():
            fold.resume.unlink(missing_ok=True)
            fold.weights.unlink(missing_ok=True)


@dataclass(frozen=True)
class EnsemblePaths:
    root: Path

    @property
    def summary(self) -> Path:
        return self.root / "ensemble.json"

    @property
    def test(self) -> Path:
        return self.root / "test.npz"

    @property
    def submission(self) -> Path:
        return self.root / "submission.csv"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def parts(self) -> Path:
        """Predictions of single members, kept until the build is whole, so that it can be taken up again."""
        return self.root / "parts"

    def delete_parts(self) -> None:
        shutil.rmtree(self.parts, ignore_errors=True)

    def delete_if_empty(self) -> None:
        """Leave no folder behind in which nothing but the lock lies."""
        if set(self.root.iterdir()) <= {self.lock}:
            self.lock.unlink(missing_ok=True)
            self.root.rmdir()


@dataclass(frozen=True)
class RunPaths:
    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.expanduser().absolute())

    @property
    def experiment(self) -> Path:
        return self.root / "experiment.json"

    @property
    def space(self) -> Path:
        return self.root / "space.py"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.parquet"

    @property
    def folds(self) -> Path:
        return self.root / "folds.parquet"

    @property
    def study(self) -> Path:
        return self.root / "study.log"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def owner(self) -> Path:
        """The token of the driver that owns the run; workers of an earlier one no longer write."""
        return self.root / "owner"

    @property
    def leaderboard(self) -> Path:
        return self.root / "leaderboard.csv"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def ray(self) -> Path:
        return self.root / "ray"

    @property
    def tensorboard(self) -> Path:
        return self.root / "tb"

    def trial(self, trial_id: str) -> TrialPaths:
        return TrialPaths(self.root / "trials" / trial_id)

    def trials(self) -> list[TrialPaths]:
        return [TrialPaths(p) for p in sorted((self.root / "trials").glob("*")) if p.is_dir()]

    def ensemble(self, name: str) -> EnsemblePaths:
        return EnsemblePaths(self.root / "ensembles" / name)

    def forget(self) -> None:
        """Delete a run that was never begun: it has no experiment.json."""
        assert not self.experiment.exists()
        shutil.rmtree(self.root)

    @property
    def disk_free(self) -> int:
        """Bytes free where the run lies."""
        place = self.root
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free


def newest_run(folder: Path) -> Path | None:
    """The run below `folder` whose experiment.json is youngest."""
    found = [p for p in folder.glob("*/experiment.json") if p.is_file()]
    return max(found, key=lambda p: p.stat().st_mtime).parent if found else None
