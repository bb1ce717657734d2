"""Steps from a table's columns to the manifest's: rows dropped, labels, groups, folds, further columns."""

import numpy as np
import pandas as pd

from trainable.data.flags import Flags
from trainable.data.headers import find, is_near, named
from trainable.data.layouts.class_folders import parted
from trainable.data.layouts.join import FOLDER
from trainable.data.layouts.photos import MARK, stem_of
from trainable.data.layouts.refusals import refuse_other_tasks
from trainable.data.layouts.sources import Table
from trainable.data.layouts.told_by_header import says_group
from trainable.data.manifest import OWN, SAMPLE_WEIGHT, Manifest, TestSet
from trainable.data.values import (
    alone_where_nobody,
    clean,
    counted,
    doubtful_groups,
    doubtful_labels,
    joined,
    names_nobody,
    near_pairs,
    refuse_line_breaks,
    sorted_names,
)
from trainable.errors import InputError, unknown
from trainable.words import count, few

PARTS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
MOST_FOLDS = 100  # fold numbers are int8 on disk
FEWEST_GROUPS = 5  # values of a column that may be groups: folds are made of them
ALONE = "No group column: every photo stands alone (--group COLUMN where photos belong together)"


def alone_said(manifest: Manifest) -> list[str]:
    """What every command says of data that nobody told a group column of."""
    return [ALONE] if ALONE in manifest.taken.lines else []


def dropped_rows(table: Table, flags: Flags) -> tuple[Table, list[str]]:
    """The table without the rows that `--drop` names, before anything is checked; InputError where it names none."""
    frame, lines, where = table.frame, [], table.path.name
    for name, values in flags.drop:
        column = named(table.columns, name, "--drop", where)
        cells = table.frame[column].map(clean)
        known = set(cells)
        for value in values:
            if clean(value) not in known:
                raise unknown(f"--drop value of {column} in {where},", value, sorted(known))
        out = cells.isin([clean(v) for v in values])
        frame = frame[~out.reindex(frame.index)]
        shown = ", ".join(value or "an empty cell" for value in values)
        lines.append(f"dropped: {int(out.sum()):,} of {len(cells):,} rows, {column} = {shown}")
    if frame.empty:
        raise InputError(f"--drop: received {flags.words()}, which leaves no row of {where}; allowed: fewer values")
    return Table(frame.reset_index(drop=True), table.path, table.folder), lines


def checked_labels(text: pd.Series, column: str, image: pd.Series, source: object) -> tuple[pd.Series, list[str]]:
    """Labels with spellings joined, and what to say; InputError for empty ones, other tasks, and a single class."""
    refuse_line_breaks(text, source, "label")
    text, lines = joined(text, "label")
    empty = text == ""
    if empty.any():
        raise InputError(
            f"{source}: no label for {few(map(repr, image[empty]))}; allowed: a label in every row, or "
            f"--drop {column}= to leave them out"
        )
    refuse_other_tasks(text, column, source)
    counts = counted(text)
    if len(counts) < 2:
        raise InputError(
            f"{source}: received the one label {next(iter(counts))!r}; allowed: at least two (of a data set that lies "
            "deeper, --data names the folder)"
        )
    return text, [*lines, *near_pairs(counts, counts, "label", "one class"), *doubtful_labels(counts, column)]


def groups_of(
    frame: pd.DataFrame, column: str | None, images: pd.Series, *, extra: bool = False
) -> tuple[pd.Series, list[str]]:
    """The group of every row, str[N], and what to say: of none each photo stands alone.

    extra: of rows that only train, of which `extra_groups` says more.
    """
    if column is None:
        return images, [] if extra else [ALONE]
    refuse_line_breaks(frame[column], column, "group")
    groups, lines = joined(frame[column], "group")
    counts = counted(groups[~names_nobody(groups)])
    warned = [*near_pairs(counts, counts, "group", "one of them"), *doubtful_groups(counts)]
    groups, alone = alone_where_nobody(groups, images)
    if extra:
        return groups, lines
    return groups, [f"group = {column}: {groups.nunique():,} groups", *lines, *alone, *warned]


def test_groups_said(test: TestSet | None) -> list[str]:
    """A warning for each group of test photos that may be nobody: their answers would be pooled."""
    counts = counted(pd.Series(test.groups or (), dtype=str)) if test is not None else {}
    return [line.replace("warning: group", "warning: test group", 1) for line in doubtful_groups(counts)]


def may_be_groups(frame: pd.DataFrame, used: set[str]) -> list[str]:
    """What to say of the columns that may tell what belongs together: many values, each in several rows.

    Of a column that is called so (`patient_id`) a few values in several rows will do: most people send one photo.
    """
    counts = {c: frame[c].nunique() for c in frame.columns if c not in used and c in frame}
    called = {c for c, n in counts.items() if says_group(c) and 1 < n < len(frame)}
    several = {c: n for c, n in counts.items() if FEWEST_GROUPS <= n <= len(frame) / 2 or c in called}
    names = sorted(several, key=lambda c: (c not in called, -several[c]))[:3]
    shown = ", ".join(f"--group {c} ({several[c]:,} values)" for c in names)
    return [f"columns whose values repeat, if photos of one value belong together: {shown}"] if names else []


def names_alike(images: pd.Series, labels: pd.Series) -> list[str]:
    """What to say where names of photos begin alike, as those of one person or place do, and not as their labels."""
    stems = images.map(lambda image: stem_of(str(image).rpartition("/")[2]))
    marks = stems.map(lambda stem: [mark.start() for mark in MARK.finditer(stem)])
    if not marks.map(bool).all():
        return []
    begin = pd.Series([stem[: ends[-1]] for stem, ends in zip(stems, marks, strict=True)], index=images.index)
    pairs = pd.DataFrame({"begin": begin, "label": labels.to_numpy()}).drop_duplicates()
    if not FEWEST_GROUPS <= begin.nunique() <= len(begin) / 2 or len(pairs) == pairs["label"].nunique():
        return []
    first = begin[begin.duplicated()].iloc[0]
    return [
        f"names of photos begin alike, in {begin.nunique():,} ways such as {first} ({few(images[begin == first], 2)}): "
        "where these belong together, a column must say so (--group)"
    ]


def group_hints(
    frame: pd.DataFrame, used: set[str], images: pd.Series, labels: pd.Series, *, listed: bool = True
) -> list[str]:
    """What to say of what may belong together where no column says so; listed: by a table, of which folders are no
    columns."""
    told = [*may_be_groups(frame, used), *names_alike(images, labels)]
    return [*told, *folders_alike(images, labels, FOLDER in frame)] if listed else told


def folders_alike(images: pd.Series, labels: pd.Series, known: bool) -> list[str]:
    """What to say where a table's photos lie in folders, several each, that are not their labels, as a person's do.

    known: whether a column `folder` says which.
    """
    folders = parted(images.tolist())[2]
    for depth in range(1, max(map(len, folders)) + 1):
        place = pd.Series(["/".join(folder[:depth]) for folder in folders], index=images.index)
        pairs = pd.DataFrame({"place": place, "label": labels.to_numpy()}).drop_duplicates()
        if FEWEST_GROUPS <= place.nunique() <= len(place) / 2 and len(pairs) != pairs["label"].nunique():
            first = place[place.duplicated()].iloc[0]
            how = f"--group {FOLDER}" if known and depth == 1 else "a column must say so (--group)"
            return [
                f"photos lie in {place.nunique():,} folders such as {first} ({few(images[place == first], 2)}): where "
                f"these belong together, {how}"
            ]
    return []


def extra_groups(extra: pd.DataFrame, scored: pd.Series) -> list[str]:
    """What to say of extra rows (image, group) beside the groups of scored ones, str[N].

    A row without a group, or of one that is not scored, trains in every fold.
    """
    nobody, own = extra["group"] == extra["image"], extra["group"].isin(set(scored))
    lines = [f"extra.csv: {int(own.sum()):,} rows of groups that are scored train where their group does"]
    if nobody.any():
        lines.append(
            f"extra.csv: {int(nobody.sum()):,} rows without a group train in every fold; where they show somebody who "
            "is scored, a column group must say so"
        )
    if others := int((~nobody & ~own).sum()):
        lines.append(f"extra.csv: {others:,} rows of groups that are not scored train in every fold")
    names = [*counted(scored), *counted(extra.loc[~nobody & ~own, "group"])]
    counts = counted(pd.concat([scored, extra["group"]]))
    return [*lines, *near_pairs(names, counts, "group", "one of them")]


def folds_given(
    frame: pd.DataFrame, column: str | None, groups: pd.Series, source: object
) -> tuple[np.ndarray | None, list[str]]:
    """Fold numbers int64[N] by the values of a column, and what to say; None where no column gives any.

    InputError for empty cells, for a single value or too many, and for a group in two folds.
    """
    if column is None:
        return None, []
    text, lines = joined(frame[column], "fold")
    if (text == "").any():
        raise InputError(
            f"{source}: no fold for {int((text == '').sum()):,} rows in {column}; allowed: one in every row"
        )
    names = sorted_names(text)
    if not 2 <= len(names) <= MOST_FOLDS:
        raise InputError(f"{source}: fold column {column} has {len(names):,} values; allowed: 2 to {MOST_FOLDS}")
    counts = counted(text)
    pairs = pd.DataFrame({"group": groups.to_numpy(), "fold": text.to_numpy()}).drop_duplicates()
    split = pairs[pairs["group"].duplicated(keep=False)].groupby("group")["fold"]
    if len(split):
        found = few(f"{group!r} in {' and '.join(sorted(folds)[:3])}" for group, folds in split)
        raise InputError(f"{source}: a group in two folds of {column}: received {found}; allowed: each group in one")
    number = {name: k for k, name in enumerate(names)}
    shown = ", ".join(f"{name} ({counts[name]:,})" for name in names[:8])
    lines = [f"fold = {column}: {len(names)} folds as given, {shown}", *lines]
    return text.map(number).to_numpy(np.int64), [*lines, *near_pairs(names, counts, "fold", "one fold")]


def sample_weights(frame: pd.DataFrame, source: object) -> tuple[pd.DataFrame, list[str]]:
    """The manifest's frame with a column `sample_weight` as float64, and what to say; an empty cell counts 1.

    InputError for cells that are no numbers of 0 or more.
    """
    column = find(frame.columns, SAMPLE_WEIGHT, source)
    if column is None:
        near = [str(c) for c in frame.columns if is_near(clean(str(c)).casefold(), SAMPLE_WEIGHT)]
        return frame, [f"warning: column {c} is nearly {SAMPLE_WEIGHT}, and counts for nothing" for c in near]
    text = frame[column].map(clean).replace("", "1")
    found = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    wrong = ~((found >= 0) & np.isfinite(found))
    if wrong.any():
        raise InputError(f"{source}: {column}: received {few(map(repr, text[wrong]))}; allowed: numbers of 0 or more")
    made = frame.rename(columns={column: SAMPLE_WEIGHT}).assign(**{SAMPLE_WEIGHT: found})
    span = f"{found.min():g} to {found.max():g}"
    return made, [f"sample_weight = {column}: {span}, counts in training"]


def parts_said(frame: pd.DataFrame, used: set[str]) -> list[str]:
    """A warning for each further column that seems to part rows into train and test: it decides nothing."""
    lines = []
    for column in frame.columns:
        counts = counted(frame[column].map(clean)) if column not in used else {}
        if len(counts) > 1 and set(map(str.casefold, counts)) <= PARTS:
            shown = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            lines.append(
                f"warning: column {column} ({shown}) decides nothing: all rows train and are scored (--drop "
                f"{column}=VALUE leaves rows out, --fold {column} takes it for folds)"
            )
    return lines


def other_folders(images: pd.Series, text: pd.Series) -> list[str]:
    """A warning for photos in a folder that is called as another class than theirs."""
    folders = images.str.rpartition("/")[0].str.rpartition("/")[2].map(clean)
    if not folders.isin(set(text)).all() or folders.nunique() < 2:
        return []
    other = images[folders != text]
    if other.empty:
        return []
    first = other.index[0]
    return [
        f"warning: {count(len(other), 'photo')} in a folder of another class than the table says: {other[first]} is "
        f"{text[first]}"
    ]


def further(frame: pd.DataFrame, used: set[str]) -> pd.DataFrame:
    """The columns that nothing was made of, kept as they are; under `source.NAME` where the manifest has that name."""
    kept = frame.drop(columns=[c for c in frame.columns if c in used or not c])
    taken = {c: f"source.{c}" for c in kept.columns if c in OWN or str(c).startswith("pseudo")}
    return kept.rename(columns=taken)
