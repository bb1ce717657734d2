"""A fold of a trial, or its network of all rows, as it lies on disk."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from trainable.files import append_json_line, digest, read_json_lines, write_bytes, write_json_lines
from trainable.run.inputs import body
from trainable.run.predictions import Predictions
from trainable.run.records import FoldResult, read_record, write_record

# of an epoch: fold, epoch, loss, lr, score, accuracies, micro_batch, speed, seconds, on a GPU gpu_memory (0 to 1)
Metrics = dict[str, float]


@dataclass(frozen=True)
class Fold:
    root: Path

    @property
    def weights(self) -> Path:
        return self.root / "model.safetensors"

    @property
    def bodies(self) -> list[Path]:
        """The run's copies of the frozen networks that its head stands on; none where it is a whole network."""
        with safe_open(self.weights, "np") as held:
            named = (held.metadata() or {}).get("bodies", "")
        run = self.root.parent.parent.parent
        return [body(content, run) for content in named.split()]

    @property
    def resume(self) -> Path:
        """State of the training, until the fold is finished."""
        return self.root / "resume.pt"

    @property
    def error(self) -> Path:
        """Why the network of all rows could not be trained; folds have their trial's."""
        return self.root / "error.txt"

    @property
    def finished(self) -> bool:
        return self._result.exists()

    @property
    def result(self) -> FoldResult:
        """Raises FileNotFoundError before the fold is finished."""
        return read_record(FoldResult, self._result)

    def validation(self) -> Predictions:
        """What its network predicted for the rows that it never saw."""
        return Predictions.read(self._validation)

    def epochs(self) -> list[Metrics]:
        """Metrics of the epochs so far, also while the fold trains; a torn last line is passed over."""
        return [
            {name: math.nan if value is None else value for name, value in epoch.items()}
            for epoch in read_json_lines(self._metrics)
        ]

    def add_epoch(self, metrics: Mapping[str, float]) -> None:
        append_json_line(self._metrics, metrics)

    def keep_epochs(self, done: int) -> list[Metrics]:
        """Forget the metrics of epochs beyond `done`, which will be trained again; returns the others."""
        kept = [m for m in self.epochs() if m["epoch"] <= done]
        write_json_lines(self._metrics, kept)
        return kept

    def finish(self, weights: bytes, validation: Predictions, **result: Any) -> None:
        """Write everything, result.json (a FoldResult) last; only then is the state of the training given up."""
        write_bytes(self.weights, weights)
        validation.write(self._validation)
        write_record(self._result, FoldResult(weights_sha256=digest(self.weights), **result))
        self.resume.unlink(missing_ok=True)

    def broken(self) -> str:
        """What is wrong with the files of a finished fold, by the digest that was written; empty when nothing is."""
        try:
            written = self.result.weights_sha256
        except (OSError, KeyError, ValueError):
            return f"{self._result}: missing or unreadable"
        if not self.weights.is_file() or digest(self.weights) != written:
            return f"{self.weights}: missing or changed since it was written"
        for file in self.bodies:
            if not file.is_file() or digest(file) != file.stem:
                return f"{file}: missing or changed since it was written"
        return ""

    @property
    def _validation(self) -> Path:
        return self.root / "valid.npz"

    @property
    def _metrics(self) -> Path:
        return self.root / "metrics.jsonl"

    @property
    def _result(self) -> Path:
        return self.root / "result.json"
