"""Rows where a column has a value: `COLUMN=VALUE`, as configurations say it."""

import numpy as np

from trainable.data.manifest import Manifest
from trainable.data.values import clean
from trainable.errors import InputError
from trainable.words import few


def rows_where(manifest: Manifest, text: str, labels: np.ndarray, choice: str) -> np.ndarray:
    """bool[N] of rows whose labels are int64[N]; of a column that classes are made of, the label says the value.

    choice: what asks, for messages. Any other column of the manifest is compared as text. InputError for a column that
    is not there, and for a value that no row has.
    """
    name, _, value = text.partition("=")
    if name in manifest.attributes:
        values = manifest.made_of[name].values
        if value not in values:
            raise InputError(f"{choice}: received {text}; allowed: {name} is one of {', '.join(values)}")
        return np.asarray(manifest.made_of.decode(labels)[name] == values.index(value))
    if name not in manifest.frame:
        columns = (str(c) for c in manifest.frame if manifest.frame[c].dtype == object)
        known = [*manifest.attributes, *(c for c in columns if not c.startswith("pseudo"))]
        raise InputError(f"{choice}: the data have no column {name}; allowed: {few(known, 8)}, or leave the choice out")
    cells = manifest.frame[name].astype(str).map(clean)
    found = cells.to_numpy() == clean(value)
    if not found.any():
        raise InputError(f"{choice}: received {text}, which no row has; allowed: {few(sorted(set(cells)))}")
    return np.asarray(found)
