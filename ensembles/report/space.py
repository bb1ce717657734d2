"""What mattered in the space: importance, slices, parallel coordinates, and what each choice was worth."""

import math
from collections.abc import Mapping

import numpy as np

from ensembles.report.effects import FEWEST as FEWEST_EFFECTS
from ensembles.report.effects import effects
from ensembles.report.facts import Facts
from ensembles.report.scale import Scale
from trainable.pictures.charts import BLUE, DARK, ORANGE, PALE, WIDE, axes, beside, image, short
from trainable.pictures.page import Part, Section
from trainable.run.search_record import SearchRecord

FEWEST = 4  # trials that a statement about parameters needs
SHOWN = 16  # parameters


def parameters(facts: Facts) -> Section:
    title = "What mattered"
    if facts.record is None:
        return Section("parameters", title, missing=facts.no_search)
    reached = len(facts.first_rung)
    if reached < FEWEST:
        return Section("parameters", title, missing=f"It takes {FEWEST} trials to tell; {reached} reached a rung.")
    scales = scales_of(facts.record)
    if not scales:
        return Section("parameters", title, missing="The space has no parameter that varies.")
    order = {name: share for name, share in facts.record.importances.items() if name in scales}
    names = [*order, *(n for n in scales if n not in order)][:SHOWN]
    shown = {name: scales[name] for name in names}
    parts = [_importance(order, facts.metric)] if order else []
    return Section("parameters", title, [*parts, _slices(facts, shown), _parallel(facts, shown)])


def techniques(facts: Facts) -> Section:
    title = "What each technique gave"
    if facts.record is None:
        return Section("techniques", title, missing=facts.no_search)
    scores = facts.first_rung
    found = effects([facts.courses[t].parameters for t in scores], np.array([*scores.values()]))
    if not found:
        missing = f"It takes {FEWEST_EFFECTS} trials that differ to tell; {len(scores)} reached a rung."
        return Section("techniques", title, missing=missing)
    figure, ax = axes(WIDE, 0.9 + 0.24 * len(found))
    for row, e in enumerate(found):
        clear = e.low > 0 or e.high < 0
        ax.plot([e.low, e.high], [row, row], color=DARK if clear else "#888888", lw=2)
        ax.plot(e.value, row, "o", mfc=BLUE if clear else "white", mec=DARK, ms=6)
    ax.axvline(0, color=DARK, lw=0.8)
    ax.set_yticks(range(len(found)), [f"{e.parameter} = {short(e.level)}  ({e.trials} trials)" for e in found])
    ax.set_ylim(len(found) - 0.5, -0.5)
    better = "better or worse than" if facts.measure.loss else "above or below"
    ax.set_xlabel(f"{facts.metric} at the first rung, {better} the mean of the parameter's choices")
    part = Part(
        "Worth of each choice, others held equal, with 90 % intervals",
        image(figure, "effect of each choice"),
        "A linear model of the score at the first rung (the mean of a trial's two best epochs by then, the same number "
        "for all) on all parameters at once; intervals by drawing the trials anew. Filled dots: the interval leaves "
        "zero out. Hollow: this search cannot tell. It says what helps early; what helps late is in the complete "
        "trials' scores.",
        wide=True,
    )
    return Section("techniques", title, [part])


def scales_of(record: SearchRecord) -> dict[str, Scale]:
    """{parameter: its scale} of every parameter of the space that took more than one value."""
    found = {}
    for name, parameter in record.parameters.items():
        used = [trial.parameters[name] for trial in record.trials if name in trial.parameters]
        if len(set(map(str, used))) > 1:
            found[name] = Scale.of(parameter, used)
    return found


def _importance(order: Mapping[str, float], metric: str) -> Part:
    figure, ax = axes(WIDE, 0.8 + 0.26 * len(order))
    names = [*order]
    ax.barh(range(len(names)), [order[n] for n in names], color=BLUE)
    for row, name in enumerate(names):
        beside(ax, order[name], row, f"{order[name]:.0%}")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0, max(order.values()) * 1.12 or 1)
    ax.set_xlabel(f"share of the variance of {metric} at the first rung")
    return Part(
        f"How much each parameter decides: {names[0]} most",
        image(figure, "importance of each parameter"),
        "Optuna's fANOVA over the scores at the first rung. Parameters that only some trials have are left out. "
        "With few trials small shares are noise. Important means that a bad value costs much.",
        wide=True,
    )


def _slices(facts: Facts, scales: Mapping[str, Scale]) -> Part:
    columns = min(4, len(scales))
    rows = -(-len(scales) // columns)
    figure, grid = axes(WIDE, 2.3 * rows + 0.2, rows, columns, sharey=True, squeeze=False)
    rng = np.random.default_rng(0)
    for ax, (name, scale) in zip(grid.flat, scales.items(), strict=False):
        reached = [facts.courses[t] for t in facts.first_rung if name in facts.courses[t].parameters]
        for complete, marker, colour in ((False, "x", "#888888"), (True, "o", ORANGE)):
            chosen = [course for course in reached if (course.state == "complete") == complete]
            at = np.array([scale.place(course.parameters[name]) for course in chosen])
            if scale.ticks:
                at = at + rng.uniform(-0.12, 0.12, len(at))
            ax.plot(
                at,
                [facts.read(facts.first_rung[course.trial]) for course in chosen],
                marker,
                color=colour,
                ms=4.5,
                ls="",
            )
        scale.name_axis(ax, name)
    for ax in grid.flat[len(scales) :]:
        ax.set_visible(False)
    for ax in grid[:, 0]:
        ax.set_ylabel(facts.metric)
    return Part(
        "Score at the first rung, by the value of each parameter",
        image(figure, "slices"),
        "A mark is a trial: dots went on to be complete, crosses were stopped. Look for values where no dot lies, and "
        "for ranges whose best marks crowd at one end: there the range is too narrow. Most important parameter first.",
        wide=True,
    )


def _parallel(facts: Facts, scales: Mapping[str, Scale]) -> Part:
    figure, ax = axes(WIDE, 3.8)
    scores = facts.first_rung
    low, high = min(scores.values()), max(scores.values())
    done = {course.trial for course in facts.courses.values() if course.state == "complete"}
    for trial in sorted(scores, key=lambda t: t in done):
        values = facts.courses[trial].parameters
        points = [scale.share(values[name]) if name in values else math.nan for name, scale in scales.items()]
        points.append((scores[trial] - low) / ((high - low) or 1))
        style = {"color": ORANGE, "lw": 1.8, "alpha": 0.9} if trial in done else {"color": PALE, "lw": 0.8, "ls": "--"}
        ax.plot(range(len(points)), points, marker="o" if trial in done else None, ms=4, **style)
    box = {"fc": "white", "ec": "none", "pad": 0.4, "alpha": 0.8}
    for place, scale in enumerate(scales.values()):
        for at, label in scale.labels():
            ax.text(place + 0.03, at, short(label, 13), fontsize=7, va="center", bbox=box)
    for at, label in ((0.0, facts.text(low, 3)), (1.0, facts.text(high, 3))):
        ax.text(len(scales) + 0.03, at, label, fontsize=7, va="center")
    names = [*(short(name, 14) for name in scales), f"{facts.metric}\nfirst rung"]
    ax.set_xticks(range(len(names)), names, fontsize=8)
    ax.set_yticks([])
    ax.set_xlim(-0.1, len(scales) + 0.45)
    return Part(
        "Every trial as a line through its parameters",
        image(figure, "parallel coordinates"),
        "Solid lines with dots are complete trials, dashed grey ones were stopped. Each upright is a parameter, on "
        "its own scale; bundles of solid lines show what good trials share. A gap: the trial has no such parameter.",
        wide=True,
    )
