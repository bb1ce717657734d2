"""A described folder as lines of text and as a page."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from trainable.data.attributes import Attribute
from trainable.data.describe.alike import captioned, duplicates, seen_by_network, seen_lines
from trainable.data.describe.facts import ACROSS, EVAL, WITHIN, DataLook, extensions, sizes
from trainable.images.decode import read_image
from trainable.pictures.charts import BLUE, DARK, SHOWN_CLASSES, WIDE, axes, beside, image, legend, matrix, short
from trainable.pictures.page import Part, Section, page, table, text
from trainable.words import few

MOST = 20  # classes at either end of many
GROUPS = 8  # photos a class
MOST_SHADES = 4  # values that numbers are told apart by in one chart
SHADES = (BLUE, "#e0a070", "#7fb08a", "#b58ac0")


def lines(facts: DataLook) -> list[str]:
    m, frame = facts.manifest, facts.manifest.frame
    mean, deviation = facts.pixel_statistics
    found = [
        f"data {m.root}, {m.layout} layout",
        *m.taken.lines,
        f"images: {len(frame)} of {frame['group'].nunique()} groups to train on, {facts.test} to predict; "
        f"{int(frame['extra'].sum())} only ever train",
        f"sizes (height x width): {_counted(sizes(facts))}",
        f"extensions: {_counted(extensions(facts))}",
        f"unreadable: {few(facts.unreadable, 5) or 'none'}",
        f"pixels 0..1, RGB: mean {' '.join(f'{v:.3f}' for v in mean)}, deviation "
        f"{' '.join(f'{v:.3f}' for v in deviation)}",
        "classes, images (groups):",
        *_class_lines(facts),
    ]
    for part in m.made_of:
        if not part.cuts:
            counts = Counter(part.values[v] for v in frame[part.name])
            found.append(f"{part.name}: {_counted(counts)}")
            continue
        numbers = frame.drop_duplicates("group")[part.name]
        found.append(
            f"{part.name} of groups: {numbers.min():g} to {numbers.max():g}, median {numbers.median():g}; "
            f"{int((numbers == numbers.max()).sum())} of the highest {part.name}"
        )
    for where in (WITHIN, ACROSS, EVAL):
        found.append(
            f"duplicates {where}: {facts.count(where, same=True)} pairs of equal files, "
            f"{facts.count(where, same=False)} that look the same"
        )
    found += [f"  {p.first} = {p.second}" for p in facts.pairs if p.same and p.where != WITHIN][:10]
    if facts.seen is not None:
        found += seen_lines(facts.seen)
    if facts.folds is None:
        found.append(f"folds: {facts.no_folds}")
    else:
        found.append(f"images of each of {facts.folds.count} folds: {', '.join(map(str, _fold_counts(facts).sum(1)))}")
    return found


def html(facts: DataLook) -> str:
    frame = facts.manifest.frame
    tiles = [
        ("images to train on", str(len(frame))),
        ("groups", str(frame["group"].nunique())),
        ("classes", str(len(facts.manifest.classes))),
        ("images to predict", str(facts.test)),
        ("equal files across groups or with eval", str(facts.count(ACROSS, same=True) + facts.count(EVAL, same=True))),
        ("unreadable", str(len(facts.unreadable))),
    ]
    draw: tuple[Callable[[DataLook], Section], ...] = (
        _class_section,
        _numbers,
        _files,
        duplicates,
        seen_by_network,
        _folds,
        _sheets,
    )
    lead = f"<p>{text(facts.manifest.root)}, {text(facts.manifest.layout)} layout</p>"
    return page(f"Data: {facts.manifest.root.name}", lead, tiles, [d(facts) for d in draw])


def _class_section(facts: DataLook) -> Section:
    rows = sorted(_classes(facts), key=lambda row: -row[1])
    many = len(rows) > SHOWN_CLASSES
    most, least = rows[0][1], rows[-1][1]
    rows = [*rows[:MOST], *rows[-MOST:]] if many else _classes(facts)
    figure, ax = axes(WIDE, 0.8 + 0.24 * len(rows))
    ax.barh(range(len(rows)), [images for _, images, _ in rows], color=BLUE)
    for place, (_, images, groups) in enumerate(rows):
        beside(ax, images, place, f"{images} images of {groups} groups")
    ax.set_yticks(range(len(rows)), [short(name) for name, _, _ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, max(images for _, images, _ in rows) * 1.3)
    ax.set_xlabel("images")
    read = (
        f"The largest class has {most / max(least, 1):.0f} times the images of the smallest, and macro-F1 counts both "
        "the same. What matters for a class is its groups: photos of one group tell little more than one."
    )
    title = (
        f"Images and groups of the {MOST} largest and smallest classes" if many else "Images and groups of each class"
    )
    return Section("classes", "Classes", [Part(title, image(figure, "class sizes"), read, wide=True)])


def _numbers(facts: DataLook) -> Section:
    """Columns of numbers that classes are cut from, told apart by another attribute of groups where there is one."""
    m = facts.manifest
    cut = [part for part in m.made_of if part.cuts]
    if not cut:
        return Section("numbers", "Numbers", missing="No class of these data is cut from a column of numbers.")
    beside = [p for p in m.made_of if p.name in m.groupwise and not p.cuts and len(p.values) <= MOST_SHADES]
    return Section("numbers", "Numbers", [_histogram(facts, part, beside[0] if beside else None) for part in cut])


def _histogram(facts: DataLook, part: Attribute, beside: Attribute | None) -> Part:
    groups = facts.manifest.frame.drop_duplicates("group")
    numbers, name = groups[part.name], part.name
    figure, ax = axes(WIDE, 3)
    whole = bool((numbers == numbers.round()).all()) and numbers.max() - numbers.min() <= 200
    edges = np.arange(numbers.min(), numbers.max() + 2) - 0.5 if whole else np.histogram_bin_edges(numbers, 60)
    shades = [] if beside is None else [numbers[groups[beside.name] == v] for v in range(len(beside.values))]
    if beside is not None:
        ax.hist(shades, edges, stacked=True, color=SHADES[: len(shades)], label=beside.values)
        for patch in ax.patches[len(edges) - 1 :]:
            patch.set_hatch("//")
        legend(ax)
    else:
        ax.hist(numbers, edges, color=BLUE)
    for border in part.cuts:
        ax.axvline(border - 0.5 if whole else border, color=DARK, ls=":")
    ax.set_xlabel(f"{name}; dotted: borders between classes")
    ax.set_ylabel("groups")
    counts = "" if beside is None else ", ".join(f"{len(s)} {v}" for s, v in zip(shades, beside.values, strict=True))
    read = (
        f"{counts}{'; hatched: all but the first. ' if counts else ''}Numbers that many groups share were rounded or "
        "cut off; where one touches a border, the class depends on the rounding."
    )
    title = f"{name} of groups" if beside is None else f"{name} of groups by {beside.name}"
    return Part(title, image(figure, title), read, wide=True)


def _files(facts: DataLook) -> Section:
    mean, deviation = facts.pixel_statistics
    header = ("", "red", "green", "blue")
    pixels = table(header, [(n, *(f"{x:.3f}" for x in v)) for n, v in (("mean", mean), ("deviation", deviation))])
    kinds = table(("extension", "images"), extensions(facts).most_common())
    largest = table(("height x width", "images"), sizes(facts).most_common(10))
    return Section(
        "files",
        "Files",
        [
            Part(
                "Sizes of images, in pixels",
                largest,
                "The ten most common. SEARCH.store_size stretches all to one size.",
            ),
            Part("Extensions", kinds, "By name; what a file is, its content says."),
            Part(
                "Brightness of the channels, 0 to 1",
                pixels,
                "Over all pixels to train on: `normalise: dataset` uses such.",
            ),
        ],
    )


def _folds(facts: DataLook) -> Section:
    if facts.folds is None:
        return Section("folds", "Folds", missing=facts.no_folds)
    if len(facts.manifest.classes) > SHOWN_CLASSES:
        return Section("folds", "Folds", missing=f"More than {SHOWN_CLASSES} classes: no picture has room for them.")
    counts = _fold_counts(facts)
    shares = counts / np.maximum(counts.sum(0, keepdims=True), 1)
    figure, ax = axes(WIDE, 1.6 + 0.3 * len(counts))
    matrix(ax, shares, [f"fold {k}" for k in range(len(counts))], top=max(float(shares.max()), 0.01))
    named = counts.shape[1] <= 30
    names = [short(n) for n in facts.manifest.classes] if named else [str(i) for i in range(counts.shape[1])]
    ax.set_xticks(range(len(names)), names, rotation=90, fontsize=8 if named else 4)
    for (k, c), n in np.ndenumerate(counts) if named else ():
        ax.text(
            c,
            k,
            str(n),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if shares[k, c] > 0.55 * shares.max() else "black",
        )
    read = (
        "Cells hold images of a class that a fold validates on; in an even column every fold has its share. A 0 is a "
        "fold that tells nothing of the class. Groups are never divided, so small classes cannot be even."
    )
    return Section(
        "folds", "Folds", [Part("Images of each class in each fold", image(figure, "folds"), read, wide=True)]
    )


def _sheets(facts: DataLook) -> Section:
    frame, rng = facts.manifest.frame, np.random.default_rng(facts.seed)
    parts = []
    for label, name in enumerate(facts.manifest.classes[:40]):
        own = frame[frame["label"] == label].sample(frac=1, random_state=rng).drop_duplicates("group").head(GROUPS)
        figures = []
        for row in own.itertuples():
            pixels = read_image(facts.manifest.root / str(row.image))
            if pixels is not None:
                figures.append(captioned(pixels, str(row.image), str(row.group)))
        read = "Drawn at random, one photo of each of them; below, the group." if label == 0 else ""
        body = f'<div class="photos">{"".join(figures) or "no image"}</div>'
        parts.append(Part(f"{name}: {len(own)} of its groups", body, read))
    return Section("photos", "Photos of each class", parts)


def _classes(facts: DataLook) -> list[tuple[str, int, int]]:
    """(name, images, groups) of each class."""
    by = facts.manifest.frame.groupby("label")["group"]
    images, groups = by.size(), by.nunique()
    return [(n, int(images.get(c, 0)), int(groups.get(c, 0))) for c, n in enumerate(facts.manifest.classes)]


def _class_lines(facts: DataLook) -> list[str]:
    """A line a class; of many only the largest and the smallest, and how many lie between."""
    found = [f"  {name}: {images} ({groups})" for name, images, groups in _classes(facts)]
    if len(found) <= SHOWN_CLASSES:
        return found
    order = np.argsort([-images for _, images, _ in _classes(facts)], kind="stable")
    between = f"  ... {len(found) - 2 * MOST:,} classes of sizes between"
    return [*(found[c] for c in order[:MOST]), between, *(found[c] for c in order[-MOST:])]


def _fold_counts(facts: DataLook) -> np.ndarray:
    """int64 [K, C]: scored images."""
    assert facts.folds is not None
    labels, classes = facts.manifest.labels, len(facts.manifest.classes)
    return np.stack(
        [np.bincount(labels[facts.folds.valid_rows(k)], minlength=classes) for k in range(facts.folds.count)]
    )


def _counted(counts: Counter, most: int = 6) -> str:
    return few((f"{name} {n}" for name, n in counts.most_common()), most)
