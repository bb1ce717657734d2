"""Extra rows whose file is a copy of a scored one: they belong to its group, or they would train on what is scored."""

from collections import defaultdict
from pathlib import Path

import pandas as pd

from trainable.files import digest


def join_copies(frame: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, list[str]]:
    """The manifest's frame with extra rows that equal a scored photo byte for byte in that one's group, and what to
    say.

    Only files of one size are read. An extra row of a group then trains in the folds where the group does.
    """
    extra = frame["extra"].to_numpy(bool)
    sizes = set(frame.loc[extra, "bytes"])
    owners: dict[int, dict[str, str]] = defaultdict(dict)
    alike = frame[~extra & frame["bytes"].isin(sizes).to_numpy()]
    for image, size, group in zip(alike["image"], alike["bytes"], alike["group"], strict=True):
        owners[size].setdefault(digest(root / image), group)
    joined = {}
    for row, image, size in zip(frame.index[extra], frame.loc[extra, "image"], frame.loc[extra, "bytes"], strict=True):
        if size in owners and (group := owners[size].get(digest(root / image))) is not None:
            joined[row] = group
    if not joined:
        return frame, []
    groups = frame["group"].copy()
    groups.loc[list(joined)] = list(joined.values())
    return frame.assign(group=groups), [
        f"extra.csv: {len(joined):,} photos are copies of scored ones and join their group"
    ]
