"""Photos that are the same or nearly so, and those that are like no other: their lines and their part of the page."""

import numpy as np

from trainable.data.describe.facts import ACROSS, EVAL, WITHIN, DataLook, Seen
from trainable.images.decode import read_image, resize
from trainable.pictures.charts import photo
from trainable.pictures.page import Part, Section, table, text
from trainable.words import few

LISTED = 40  # pairs of look-alikes
SIDE = 150  # pixels of a photo's longer side


def seen_lines(seen: Seen) -> list[str]:
    """What a network made of the photos, in lines."""
    found = [f"features: {seen.by}"]
    if seen.unlike:
        counts = ", ".join(f"{seen.count(where)} {where}" for where in (WITHIN, ACROSS, EVAL))
        beyond = [p for p in seen.pairs if p.where != WITHIN][:10]
        odd = few([f"{name} ({likeness:.2f})" for name, _, likeness in seen.unlike], 5)
        found += [f"nearly the same, by their features: {counts}"]
        found += [f"  {p.first} ~ {p.second} ({p.cosine:.2f})" for p in beyond]
        found += [f"unlike all photos of other groups: {odd}"]
    return found


def duplicates(facts: DataLook) -> Section:
    """Equal files, and photos that look the same to a hash."""
    rows = [(w, facts.count(w, same=True), facts.count(w, same=False)) for w in (WITHIN, ACROSS, EVAL)]
    parts = [
        Part(
            "Pairs of images that are the same",
            table(("where", "equal files", "look the same"), rows),
            "Across groups a photo may have two labels, and leaks between folds; between train and eval it gives an "
            "answer away. “Look the same” compares the coarsest frequencies (pHash, at most 3 of 63 bits differ).",
        )
    ]
    listed = [p for p in facts.pairs if p.where != WITHIN][:LISTED]
    if listed:
        cells = [(p.first, p.second, p.where, "equal" if p.same else f"{p.bits} bits") for p in listed]
        body = table(("image", "and", "where", "difference"), cells)
        parts.append(Part(f"The first {len(listed)} pairs beyond one group", body, "Equal files first.", wide=True))
    return Section("duplicates", "Duplicates", parts)


def seen_by_network(facts: DataLook) -> Section:
    """Photos that are nearly the same to a network, and those that are like no other."""
    seen = facts.seen
    if seen is None or not seen.unlike:
        why = "none was asked for" if seen is None else seen.by
        return Section("features", "As a network sees them", missing=f"No network looked at these photos: {why}.")
    rows = [(p.first, p.second, p.where, f"{p.cosine:.2f}") for p in seen.pairs if p.where != WITHIN][:LISTED]
    near = Part(
        f"Pairs beyond one group that are nearly the same: {len(rows)}",
        table(("image", "and", "where", "cosine"), rows) if rows else "none",
        "Mirrored, cropped or brighter copies, which hashes do not find; look at them: two things may look alike. "
        f"Features of {seen.by}.",
        wide=True,
    )
    shown = [(name, read_image(file), likeness) for name, file, likeness in seen.unlike]
    figures = [captioned(pixels, name, f"{name} ({like:.2f})") for name, pixels, like in shown if pixels is not None]
    odd = Part(
        "Photos that are like no other",
        f'<div class="photos">{"".join(figures)}</div>',
        "In brackets the mean cosine to the five nearest photos of other groups. Wrong uploads lie here, and rarities.",
    )
    return Section("features", "As a network sees them", [near, odd])


def captioned(pixels: np.ndarray, name: str, caption: str) -> str:
    """HTML of a small photo with words below."""
    factor = SIDE / max(pixels.shape[:2])
    small = resize(pixels, (max(1, round(pixels.shape[0] * factor)), max(1, round(pixels.shape[1] * factor))))
    return f"<figure>{photo(small, name)}<figcaption>{text(caption)}</figcaption></figure>"
