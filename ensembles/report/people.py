"""Photos worth a look: the groups that are hardest, and labels that may be wrong."""

from pathlib import Path

import numpy as np
import pandas as pd

from ensembles.report.facts import NONE_COMPLETE, Facts
from ensembles.suspects.find import find_suspects
from ensembles.suspects.ranking import numbers_of
from trainable.commands import spoken
from trainable.images.decode import read_image, resize
from trainable.pictures.charts import photo
from trainable.pictures.page import Part, Section, text

PEOPLE, PHOTOS, SUSPECTS = 8, 7, 8
THUMB = 120  # pixels of the longer side


def hardest(facts: Facts) -> Section:
    title = "Hardest groups"
    if not facts.complete:
        return Section("people", title, missing=NONE_COMPLETE)
    groups = facts.manifest.frame["group"].to_numpy(str)[facts.rows]
    table = pd.DataFrame({"group": groups, "given": _given(facts), "wrong": facts.vote.argmax(1) != facts.labels})
    each = table.groupby("group").agg(given=("given", "mean"), wrong=("wrong", "sum"), photos=("wrong", "size"))
    worst = each[each["wrong"] > 0].sort_values("given").head(PEOPLE)
    if worst.empty:
        return Section("people", title, missing="The vote is right on every image.")
    read = (
        "Photos of one group; under each the label it has, and what the vote says where that differs (thick border), "
        "with both probabilities. Groups are ordered by the mean probability of their own labels, least first."
    )
    parts = [
        Part(
            f"{name}: {int(row['wrong'])} of {int(row['photos'])} wrong",
            _sheet(facts, np.flatnonzero(groups == name)[:PHOTOS]),
            read if place == 0 else f"Mean probability of the given labels: {row['given']:.2f}",
        )
        for place, (name, row) in enumerate(worst.iterrows())
    ]
    return Section("people", title, parts)


def suspects(facts: Facts) -> Section:
    """Groups whose labels the vote, whose members never saw them, contradicts; see ensembles.suspects."""
    title = "Labels to look at"
    if not facts.complete:
        return Section("labels", title, missing=NONE_COMPLETE)
    frame = facts.manifest.frame.iloc[facts.rows]
    found = find_suspects(
        facts.vote.astype(np.float64),
        facts.labels,
        frame["group"].to_numpy(str),
        frame["image"].to_numpy(str),
        facts.classes,
        facts.made_of,
        numbers_of(facts.manifest, facts.rows),
    )
    if not found:
        return Section("labels", title, missing="The vote contradicts no label.")
    parts = []
    for place, s in enumerate(found[:SUSPECTS]):
        read = f"{s.agree} of {s.photos} photos say so; mean log-odds {s.score:.2f}. "
        if place == 0:
            read += "Most convincing first. Some are wrong labels, some are hard photos: look before you correct."
        name = f"{s.key}: {s.field} {s.given}, the vote says {s.value}"
        parts.append(Part(name, _sheet(facts, np.array(s.rows[:PHOTOS])), read))
    lines = "\n".join(["path_or_id,field,value", *(f"{s.key},{s.field},{s.value}" for s in found[:SUSPECTS])])
    body = (
        f'<button type="button" data-copy="corrections">copy</button><pre id="corrections">{text(lines)}</pre>'
        f"<p>All {len(found)}: <code>{text(spoken('suspects', facts.run.root))}</code></p>"
    )
    read = (
        "Save the lines that you believe as a CSV and name it in `rows.corrections`: training then uses them. Scores "
        "always use the labels as given."
    )
    return Section("labels", title, [*parts, Part("The same as label corrections", body, read, wide=True)])


def _given(facts: Facts) -> np.ndarray:
    """float32[N]: the vote's probability of the given label."""
    return facts.vote[np.arange(len(facts.labels)), facts.labels]


def _sheet(facts: Facts, chosen: np.ndarray) -> str:
    """Photos of these places in `facts.rows`, with what was given and what was said."""
    guess, given = facts.vote.argmax(1), _given(facts)
    figures = []
    for place in chosen.tolist():
        name = str(facts.manifest.frame["image"].iloc[facts.rows[place]])
        label = facts.classes[facts.labels[place]]
        wrong = guess[place] != facts.labels[place]
        sure = f"{facts.vote[place, guess[place]]:.0%}, the label {given[place]:.0%}"
        said = f"<br>vote: <b>{text(facts.classes[guess[place]])}</b> {sure}" if wrong else ""
        pixels = thumbnail(facts.manifest.root / name)
        picture = photo(pixels, name, mark=bool(wrong)) if pixels is not None else "<i>photo not found</i>"
        figures.append(f"<figure title='{text(name)}'>{picture}<figcaption>{text(label)}{said}</figcaption></figure>")
    return f'<div class="photos">{"".join(figures)}</div>'


def thumbnail(path: Path) -> np.ndarray | None:
    """RGB uint8 [h, w, 3] with its own proportions; None when the file has gone or is unreadable."""
    whole = read_image(path) if path.is_file() else None
    if whole is None:
        return None
    factor = THUMB * 1.5 / max(whole.shape[:2])
    size = max(1, round(whole.shape[0] * factor)), max(1, round(whole.shape[1] * factor))
    return resize(whole, size)
