"""Photos that are there more than once, as equal files or alike: extra rows that are copies of scored ones belong to
their group, or they would train on what is scored; copies in different groups, or in the test set, are said aloud.
"""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.data.hashes import looks, same, together
from trainable.data.layouts.equal_files import equal_files
from trainable.data.layouts.masks import masks_of
from trainable.data.layouts.named_after import named_after
from trainable.data.layouts.versions import versions_of
from trainable.data.manifest import ITEM, Manifest, TestSet
from trainable.errors import InputError
from trainable.words import count, few


def join_copies(frame: pd.DataFrame, root: Path, merging: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """The manifest's frame with extra rows that equal or look like a scored photo in that one's group, and what to say.

    An extra row of a group trains in the folds where the group does. One that is alike to photos of several groups
    could train nowhere, and is left out. Further photos of a scored thing are no such rows: they are answered with it.
    merging: whether `merge_duplicates` comes after, which has to see the groups of copies as they were given.
    """
    extra = frame["extra"].to_numpy(bool)
    if ITEM in frame:
        extra = extra & ~frame[ITEM].isin(frame[ITEM][~extra]).to_numpy()
    if merging or not extra.any():
        return frame, []
    groups, found = frame["group"].to_numpy(str), looks(root, frame["image"].tolist())
    scored = set(groups[~extra].tolist())
    owners: dict[int, set[str]] = defaultdict(set)
    # Scored photos that only look alike (a burst, a bare wall) do not hand an extra row on from group to group.
    near = [(i, j) for i, j in same(found) if extra[i] or extra[j] or found.equal(i, j)]
    for places in together(len(frame), near):
        for row in places[extra[places]].tolist():
            owners[row] |= set(groups[places[~extra[places]]].tolist()) | ({groups[row]} & scored)
    one = {row: next(iter(names)) for row, names in owners.items() if len(names) == 1}
    several = [row for row, names in owners.items() if len(names) > 1]
    lines, made = [], groups.astype(object)
    if one:
        made[list(one)] = list(one.values())
        lines.append(f"extra.csv: {len(one):,} photos are copies of scored ones and join their group")
    if several:
        shown = few(frame["image"].iloc[several])
        lines.append(
            f"warning: extra.csv: {len(several):,} photos are copies of scored ones of several groups and are left "
            f"out: {shown}"
        )
    copies = [*one, *several]
    apart = extra & np.isin(groups, sorted(set(groups[copies].tolist()) - scored))
    apart[copies] = False
    if apart.any():
        lines.append(
            f"warning: extra.csv: {count(int(apart.sum()), 'photo')} of groups from which others are copies of scored "
            f"ones train in every fold: {few(sorted(set(groups[apart].tolist())))} (--merge-duplicates makes them the "
            "scored one's group)"
        )
    frame = frame.assign(group=pd.Series(made, frame.index, dtype=frame["group"].dtype))
    return frame.drop(index=frame.index[several]).reset_index(drop=True), lines


def merge_duplicates(manifest: Manifest) -> Manifest:
    """The manifest with photos that equal, look like or are named after each other, and their groups, in one group.

    InputError where the data give folds and such a group would lie in two.
    """
    frame = manifest.frame
    groups = frame["group"].to_numpy(str)
    images = frame["image"].tolist()
    labels = manifest.labels.tolist()
    named = [*named_after(images), *versions_of(images, labels), *masks_of(images, labels)]
    pairs = [*same(looks(manifest.root, images)), *named]
    of_group = [pair for rows in frame.groupby("group").indices.values() for pair in pairwise(map(int, rows))]
    made = groups.astype(object)
    for places in together(len(frame), [*pairs, *of_group]):
        made[places] = groups[places[0]]
    found = pd.Series(made, frame.index, dtype=frame["group"].dtype)
    before, after = frame["group"].nunique(), found.nunique()
    if "fold" in frame:
        scored = frame[manifest.scored].assign(group=found)
        split = scored.groupby("group")["fold"].nunique()
        if (split > 1).any():
            raise InputError(
                f"--merge-duplicates: received copies in two given folds, of groups "
                f"{few(split.index[split > 1])}; allowed: each in one"
            )
    said = f"--merge-duplicates: {before:,} groups became {after:,}, photos that are copies being of one group"
    return replace(manifest, frame=frame.assign(group=found)).saying(said)


def copies_said(manifest: Manifest, test: TestSet | None) -> list[str]:
    """What to say of equal files in different groups, and in the test set, and of photos named after others."""
    frame = manifest.frame
    places = [(manifest.root, str(image)) for image in frame["image"]]
    asked = [] if test is None else [(test.root, image) for image in test.images]
    groups, rows = frame["group"].tolist(), len(frame)
    across, known = 0, 0
    for equal in equal_files([*places, *asked]):
        own = [row for row in equal if row < rows]
        if len({groups[row] for row in own}) > 1:
            across += len(own)
        known += len(equal) - len(own) if own else 0
    lines = []
    if across:
        lines.append(
            f"warning: {across:,} images are copies of images in other groups, and may leak between folds "
            "(--merge-duplicates gives copies one group)"
        )
    images = frame["image"].tolist()
    labels = manifest.labels.tolist()
    masks = dict(masks_of(images, labels))
    if masks:
        drawn, of = next(iter(masks.items()))
        lines.append(
            f"warning: {count(len(masks), 'photo')} called like others, in folders of masks ({images[drawn]} and "
            f"{images[of]}), train and are scored: take masks away, or leave them out by --image FOLDER "
            "(--merge-duplicates at least gives each the group of its photo)"
        )
    named = {**dict(versions_of(images, labels)), **dict(named_after(images))}
    if apart := [(i, of) for i, of in named.items() if groups[i] != groups[of] and i not in masks]:
        made, of = apart[0]
        lines.append(
            f"warning: {count(len(apart), 'photo')} named after photos in other groups ({images[made]} after "
            f"{images[of]}): if they were made of these, they leak between folds "
            "(--merge-duplicates gives them one group)"
        )
    if known:
        lines.append(f"warning: {known:,} photos of the test set are in training too, as equal files")
    return lines
