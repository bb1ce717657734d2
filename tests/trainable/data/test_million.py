"""A manifest of a million photos: its table, folds and training rows, none of whose pixels is looked at."""

import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import tiny

from trainable.data.folds import make_folds
from trainable.data.manifest import Manifest
from trainable.data.rows import training_rows

ROWS, EACH = 1_000_000, 7


@pytest.mark.slow
def test_a_million_rows_need_their_tables_and_no_images(tmp_path: Path) -> None:
    """No photo is there. At 224 px they would take 150 GB; the tables stay below one."""
    row = np.arange(ROWS)
    columns = {"image": [f"{r // 1000}/{r}.jpg" for r in row], "group": [f"g{r // EACH}" for r in row]}
    frame = pd.DataFrame({**columns, "extra": False, "bytes": 1000, "label": row // EACH % 7})
    manifest = Manifest(tmp_path, "generic", frame, tuple("0123456"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    folds = make_folds(manifest, 5, 0)
    found = training_rows(tiny(), manifest, folds, 0)
    assert len(found.rows) + len(folds.valid_rows(0)) == ROWS
    assert np.bincount(folds.fold).min() > 0.19 * ROWS
    assert len(manifest.fingerprint()) == 16
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1024**2  # kilobytes
