"""An ensemble's folder: what was chosen, what it predicts, and predictions of members while it is being built."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainable.files import read_json, read_npz, write_json, write_npz
from trainable.run.predictions import Predictions


@dataclass(frozen=True)
class EnsembleFolder:
    """`RUN/ensembles/NAME`."""

    root: Path

    @property
    def built(self) -> bool:
        """Whether a build was finished: ensemble.json is written last."""
        return self.summary_file.is_file()

    @property
    def summary_file(self) -> Path:
        return self.root / "ensemble.json"

    def summary(self) -> dict[str, Any]:
        """ensemble.json; raises FileNotFoundError or json.JSONDecodeError."""
        return read_json(self.summary_file)

    def oof(self) -> Predictions:
        """The vote itself, out of fold; its probabilities give `oof_score`."""
        return Predictions.read(self._oof)

    def test(self) -> dict[str, np.ndarray]:
        """probabilities float32 [members, K, M, C], members str, images str[M], digests uint8 [M, 32] (SHA-256 of each
        file), vote [M, C], classes str[C].
        """
        return read_npz(self._test)

    def write_test(self, **arrays: np.ndarray) -> None:
        write_npz(self._test, **arrays)

    def finish(self, vote: Predictions, summary: dict[str, Any]) -> None:
        """The vote out of fold, then ensemble.json, then the parts of the build are given up."""
        vote.write(self._oof)
        write_json(self.summary_file, summary)
        shutil.rmtree(self.parts, ignore_errors=True)

    @property
    def submission(self) -> Path:
        return self.root / "submission.csv"

    @property
    def probabilities(self) -> Path:
        """A row a test photo, a column a class; beside the submission, whatever its form."""
        return self.root / "probabilities.csv"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def parts(self) -> Path:
        """Predictions of single members, kept until the build is whole, so that it can be taken up again."""
        return self.root / "parts"

    def delete_if_empty(self) -> None:
        """Leave no folder behind in which nothing but the lock lies."""
        if set(self.root.iterdir()) <= {self.lock}:
            self.lock.unlink(missing_ok=True)
            self.root.rmdir()

    @property
    def _oof(self) -> Path:
        return self.root / "oof.npz"

    @property
    def _test(self) -> Path:
        return self.root / "test.npz"
