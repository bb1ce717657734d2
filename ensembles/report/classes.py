"""What is mistaken for what: per-class F1, confusion, numbers near a border, calibration."""

import numpy as np

from ensembles.report.facts import NONE_COMPLETE, Facts
from trainable.config import JOINT
from trainable.data.attributes import Attribute
from trainable.metrics import MACRO_F1, confusion, f1_per_class
from trainable.pictures.charts import (
    COLOURS,
    DARK,
    DASHES,
    HATCHES,
    MARKERS,
    SHOWN_CLASSES,
    WIDE,
    axes,
    image,
    legend,
    matrix,
    short,
    twin,
)
from trainable.pictures.page import Part, Section

BINS = 10
SHOWN_WORST = 60


def classes(facts: Facts) -> Section:
    if not facts.complete:
        return Section("classes", "Classes", missing=NONE_COMPLETE)
    parts = [_per_class(facts)]
    if facts.made_of:
        parts.append(_attributes(facts))
    if len(facts.classes) <= SHOWN_CLASSES:
        parts.append(_joint(facts))
    return Section("classes", "Classes", [*parts, _calibration(facts)])


def borders(facts: Facts) -> Section:
    """Errors of classes that are cut from a column of numbers, by that number."""
    cut = [part for part in facts.manifest.made_of if part.cuts and facts.target in (JOINT, part.name)]
    if not facts.complete or not cut:
        missing = NONE_COMPLETE if cut else "No class that is predicted is cut from a column of numbers."
        return Section("borders", "Borders", missing=missing)
    return Section("borders", "Borders", [_near_borders(facts, part) for part in cut])


def _near_borders(facts: Facts, part: Attribute) -> Part:
    numbers, name = facts.manifest.frame[part.name].to_numpy()[facts.rows], part.name
    figure, ax = axes(WIDE, 3.4)
    width = _round(np.ptp(numbers) / 8) or 1.0
    edges = np.unique(np.r_[np.arange(numbers.min() // width * width, numbers.max() + width, width), numbers.max() + 1])
    place = np.digitize(numbers, edges) - 1
    for i, (voter, probabilities) in enumerate(facts.voters().items()):
        wrong = _wrong(facts, probabilities, name)
        used = [b for b in range(len(edges) - 1) if (place == b).any()]
        share = np.array([wrong[place == b].mean() for b in used])
        at = [numbers[place == b].mean() for b in used]
        ax.plot(at, share * 100, MARKERS[i] + DASHES[i], color=COLOURS[i], label=voter)
    counts = [(place == b).sum() for b in range(len(edges) - 1)]
    twin(ax, "images (grey bars)").bar(edges[:-1], counts, np.diff(edges) * 0.9, align="edge", color="#e6e6e6")
    for border in part.cuts:
        ax.axvline(border, color=DARK, ls=":", lw=1.5)
        ax.annotate(
            f"border {border:g}",
            (border, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-3, -9),
            textcoords="offset points",
            ha="right",
            fontsize=8,
        )
    ax.set_ylim(0, ax.get_ylim()[1] * 1.1)  # room for the borders' names
    ax.set_xlabel(f"true {name} (in bins of {width:g})")
    ax.set_ylabel(f"wrong class of {name} (% of images)")
    legend(ax)
    return Part(
        f"Errors of {name} by its true number",
        image(figure, f"{name} error by true number"),
        f"Each point: the share of images of that {name} whose class of it is wrong, whatever else is. Dotted lines "
        "are the borders between classes; peaks beside them: nearly of the other class. Where grey bars are low, few "
        "images stand behind a point.",
        wide=True,
    )


def _round(width: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above."""
    if width <= 0:
        return 0.0
    power = 10.0 ** np.floor(np.log10(width))
    return float(max(step * power for step in (1, 2, 5) if step * power <= width))


def _wrong(facts: Facts, probabilities: np.ndarray, name: str) -> np.ndarray:
    predicted = probabilities.argmax(1)
    if facts.target == name:
        return np.asarray(predicted != facts.labels)
    return np.asarray(facts.made_of.decode(predicted)[name] != facts.made_of.decode(facts.labels)[name])


def _per_class(facts: Facts) -> Part:
    classes = len(facts.classes)
    images = np.bincount(facts.labels, minlength=classes)
    voters = {name: f1_per_class(facts.labels, p.argmax(1), classes) for name, p in facts.voters().items()}
    shown = np.arange(classes)
    if classes > SHOWN_CLASSES:
        shown = np.argsort([*voters.values()][-1], kind="stable")[:SHOWN_WORST]
    count = len(shown)
    figure, ax = axes(WIDE, 1.0 + 0.34 * count)
    for i, (name, scores) in enumerate(voters.items()):
        at = np.arange(count) + (i - 0.5) * 0.38
        ax.barh(
            at,
            scores[shown],
            0.36,
            color=COLOURS[i],
            hatch=HATCHES[i],
            edgecolor="white",
            label=f"{name}: mean {scores.mean():.3f}",
        )
        for y, score in zip(at, scores[shown], strict=True):
            ax.text(score + 0.004, y, f"{score:.2f}", va="center", fontsize=7)
    ax.set_yticks(range(count), [f"{short(facts.classes[c])}  ({images[c]} images)" for c in shown])
    ax.set_ylim(count - 0.4, -0.6)
    ax.set_xlim(0, 1.05)
    ax.set_xlabel("F1, out of fold")
    plain = facts.measure.name == MACRO_F1
    title = "F1 of each class" if count == classes else f"F1 of the worst {count} of {classes} classes"
    legend(ax)
    return Part(
        title + (": the macro-F1 is the plain mean of these bars" if plain and count == classes else ""),
        image(figure, "F1 per class"),
        "Plain bars: best single trial, hatched: vote. Every class counts the same however few images it has, so the "
        "shortest bars are where a point is cheapest to win; with under 50 images a bar is uncertain by a few points.",
        wide=True,
    )


def _attributes(facts: Facts) -> Part:
    words = facts.made_of.words
    given, guessed = facts.made_of.decode(facts.labels), facts.made_of.decode(facts.vote.argmax(1))
    figure, grid = axes(WIDE, 3.4, 1, len(words))
    for place, (ax, (name, levels)) in enumerate(zip(grid, words.items(), strict=True)):
        counts = confusion(given[name], guessed[name], len(levels))
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        cells = [[f"{s:.1%}\n{n}" for s, n in zip(*row, strict=True)] for row in zip(shares, counts, strict=True)]
        matrix(ax, shares, levels, cells=cells)
        ax.set_xlabel("predicted")
        ax.set_ylabel("" if place else "true")
        ax.set_title(f"{name}: {np.trace(counts) / counts.sum():.1%} right", fontsize=10)
    return Part(
        f"Confusion of {' and '.join(words)}, taken from the vote's classes",
        image(figure, "confusion by attribute"),
        "A row is a true value and adds up to 100 % of its images (counts below); a column is what was predicted. "
        "Everything off the diagonal is an error; the darkest such cell is the most common one.",
        wide=True,
    )


def _joint(facts: Facts) -> Part:
    count, made = len(facts.classes), bool(facts.made_of)
    counts = confusion(facts.labels, facts.vote.argmax(1), count)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    few = count <= 20
    figure, ax = axes(5.6, 5.2 if few else 6)
    cells = [[str(n) if n else "" for n in row] for row in counts] if few else None
    matrix(
        ax,
        shares,
        [short(n, 26) for n in facts.classes] if count <= 40 else [str(i) for i in range(count)],
        cells=cells,
    )
    ax.tick_params(labelsize=7 if few else 4)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    return Part(
        "Confusion of all classes, of the vote",
        image(figure, "joint confusion"),
        "Cells hold images; the darker, the larger their share of the true class (its row)."
        + (f" Beside the diagonal only {facts.made_of.names[-1]} is wrong, far off other values." if made else ""),
    )


def _calibration(facts: Facts) -> Part:
    figure, ax = axes(5.6, 5.2)
    ax.plot([0, 1], [0, 1], color=DARK, lw=0.8, label="as sure as right")
    for i, (name, probabilities) in enumerate(facts.voters().items()):
        sure, right = probabilities.max(1), probabilities.argmax(1) == facts.labels
        bins = [b for b in np.array_split(np.argsort(sure, kind="stable"), BINS) if len(b)]
        x, y = np.array([[sure[b].mean(), right[b].mean()] for b in bins]).T
        gap = sum(len(b) * abs(sure[b].mean() - right[b].mean()) for b in bins) / len(sure)
        ax.plot(x, y, MARKERS[i] + DASHES[i], color=COLOURS[i], label=f"{short(name, 30)}: off by {gap:.1%}")
    ax.set_xlabel("confidence: probability of the predicted class")
    ax.set_ylabel("accuracy: share that is right")
    ax.set_xlim(0, 1.02)
    ax.set_ylim(0, 1.02)
    legend(ax, columns=1)
    return Part(
        "Calibration: is it right as often as it is sure?",
        image(figure, "reliability diagram"),
        f"Each point is a tenth of the images, by confidence. Above the diagonal it is more often right than it "
        f"claims, below it is over-confident. “Off by” is the mean distance ({BINS} bins of equal size). Label "
        "smoothing and mixing push points up; votes usually do too.",
    )
