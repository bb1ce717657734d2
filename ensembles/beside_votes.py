"""What is known of rows beside votes, in training and of the photos to predict: only what both know may be learnt."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ensembles.members import Members
from ensembles.methods import Fitted, RowFacts
from ensembles.pooling import group_numbers
from trainable.data.manifest import Manifest, TestSet
from trainable.data.values import by_value, clean
from trainable.words import few


def facts_of_rows(members: Members, test: TestSet | None) -> tuple[RowFacts, list[str]]:
    """Of the members' rows, what is known of the test photos too, and what to say of it; all, where there are none."""
    manifest = members.run.manifest
    known = manifest.further if test is None else tuple(name for name in manifest.further if name in _columns(test))
    frame = manifest.frame.iloc[members.rows]
    grouped = (test is None or test.groups is not None) and len(set(members.groups.tolist())) < len(members.groups)
    facts = RowFacts(
        {name: _text(frame[name]) for name in known},
        np.unique(members.groups, return_inverse=True)[1] if grouped else None,
    )
    lacking = [name for name in manifest.further if name not in known]
    lines = [f"beside votes: {_words(known, grouped) or 'nothing is known of rows, so that this is plain stacking'}"]
    lines += [f"left out: {few(lacking)}, which is not known of the test photos"] if lacking else []
    return facts, lines


def facts_of_test(manifest: Manifest, test: TestSet) -> RowFacts:
    """The same of the test photos, a row each of the submission. manifest: of the run that was voted on."""
    columns = _columns(test)
    groups = None if test.groups is None else group_numbers(test.groups)
    return RowFacts({name: _text(columns[name]) for name in manifest.further if name in columns}, groups)


def not_known(fitted: Fitted) -> list[str]:
    """What to say where photos alone are predicted, and the method was fitted on more than votes."""
    if fitted.method.apply_knowing is None:
        return []
    words = _words([one["name"] for one in fitted.parameters["columns"]], bool(fitted.parameters["of_group"]))
    if not words:
        return []
    return [
        f"warning: {fitted.method.name} looks at {words}, not known of photos alone: each is predicted as if average"
    ]


def _words(columns: Sequence[str], grouped: bool) -> str:
    named = [f"column {few(columns)}"] if columns else []
    return " and ".join([*named, *(["what is said of a group's other photos"] if grouped else [])])


def _columns(test: TestSet) -> dict[str, pd.Series]:
    """The further columns of the test table, under the names that a manifest has them by."""
    if test.known is None:
        return {}
    own = {str(name): test.known[name] for name in test.known.columns}
    return {**{f"source.{name}": column for name, column in own.items()}, **own}


def _text(column: pd.Series) -> np.ndarray:
    return column.fillna("").astype(str).map(clean).map(by_value).to_numpy(str)  # 1.0 where others are empty
