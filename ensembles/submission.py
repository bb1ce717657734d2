"""The submission: the test table again, same rows and order, with the predictions filled in."""

from pathlib import Path

import numpy as np

from trainable.data.manifest import TestSet
from trainable.files import write_atomic


def write_submission(path: Path, test: TestSet, predicted: np.ndarray) -> None:
    """Write a CSV at `path`; predicted int[M]: the class of each row, written under the name the data use for it."""
    assert len(predicted) == len(test.table), f"{len(predicted)} predictions for {len(test.table)} rows"
    table = test.table.copy()
    table[test.column] = [test.names[p] for p in predicted.tolist()]
    write_atomic(path, lambda p: table.to_csv(p, index=False))
