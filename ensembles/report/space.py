"""What mattered in the space: importance, slices, parallel coordinates, and each technique's worth."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from matplotlib.axes import Axes
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from ensembles.report.effects import effects
from ensembles.report.facts import Facts
from search.ledger import parameters as plain
from trainable.pictures.charts import BLUE, DARK, ORANGE, PALE, WIDE, axes, beside, image, short
from trainable.pictures.page import Part, Section

FEWEST = 4  # trials that a statement about parameters needs
SLICES = 16


def parameters(facts: Facts) -> Section:
    title = "What mattered"
    scores = facts.first_rung
    if len(scores) < FEWEST:
        return Section("parameters", title, missing=f"It takes {FEWEST} trials to tell; {len(scores)} reached a rung.")
    known = distributions(facts)
    if not known:
        return Section("parameters", title, missing="The space has no parameter that varies.")
    order = importance(facts)
    names = [*order, *(n for n in known if n not in order)]
    parts = [_importance(order)] if order else []
    return Section("parameters", title, [*parts, *_wide(facts, names, known)])


def techniques(facts: Facts) -> Section:
    title = "What each technique gave"
    scores = facts.first_rung
    found = effects([plain(facts.trials[t]) for t in scores], np.array([*scores.values()]))
    if not found:
        return Section(
            "techniques", title, missing=f"It takes 8 trials that differ to tell; {len(scores)} reached a rung."
        )
    figure, ax = axes(WIDE, 0.9 + 0.24 * len(found))
    for row, e in enumerate(found):
        clear = e.low > 0 or e.high < 0
        ax.plot([e.low, e.high], [row, row], color=DARK if clear else "#888888", lw=2)
        ax.plot(e.value, row, "o", mfc=BLUE if clear else "white", mec=DARK, ms=6)
    ax.axvline(0, color=DARK, lw=0.8)
    ax.set_yticks(range(len(found)), [f"{e.parameter} = {short(e.level)}  ({e.trials} trials)" for e in found])
    ax.set_ylim(len(found) - 0.5, -0.5)
    ax.set_xlabel("macro-F1 at the first rung, above or below the mean of the parameter's choices")
    part = Part(
        "Worth of each choice, others held equal, with 90 % intervals",
        image(figure, "effect of each choice"),
        "A linear model of the score at the first rung (the mean of a trial's two best epochs by then, the same number "
        "for all) on all parameters at once; intervals by drawing the trials anew. Filled dots: the interval leaves "
        "zero out. Hollow: this search "
        "cannot tell. It says what helps early; what helps late is in the complete trials' scores.",
        wide=True,
    )
    return Section("techniques", title, [part])


def distributions(facts: Facts) -> dict[str, BaseDistribution]:
    """Every parameter that took more than one value."""
    found: dict[str, BaseDistribution] = {}
    for trial in facts.trials.values():
        found |= trial.distributions
    values = {n: {str(t.params[n]) for t in facts.trials.values() if n in t.params} for n in found}
    return {n: found[n] for n in sorted(found) if len(values[n]) > 1}


def importance(facts: Facts) -> dict[str, float]:
    """Optuna's importance on the scores of the first rung, where all trials had the same epochs."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for trial, score in facts.first_rung.items():
        t = facts.trials[trial]
        study.add_trial(optuna.trial.create_trial(params=t.params, distributions=t.distributions, value=score))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    try:
        return optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError):  # all scores alike: Optuna finds no variance to share out
        return {}


def _importance(order: Mapping[str, float]) -> Part:
    figure, ax = axes(WIDE, 0.8 + 0.26 * len(order))
    names = [*order]
    ax.barh(range(len(names)), [order[n] for n in names], color=BLUE)
    for row, name in enumerate(names):
        beside(ax, order[name], row, f"{order[name]:.0%}")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0, max(order.values()) * 1.12 or 1)
    ax.set_xlabel("share of the variance of macro-F1 at the first rung")
    return Part(
        f"How much each parameter decides: {names[0]} most",
        image(figure, "importance of each parameter"),
        "Optuna's fANOVA over the scores at the first rung. Parameters that only some trials have are left out. "
        "With few trials small shares are noise. Important means that a bad value costs much.",
        wide=True,
    )


def _wide(facts: Facts, names: list[str], known: Mapping[str, BaseDistribution]) -> list[Part]:
    return [_slices(facts, names[:SLICES], known), _parallel(facts, names[:SLICES], known)]


def _slices(facts: Facts, names: list[str], known: Mapping[str, BaseDistribution]) -> Part:
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure, grid = axes(WIDE, 2.3 * rows + 0.2, rows, columns, sharey=True, squeeze=False)
    done = {t for t, f in facts.trials.items() if f.state == TrialState.COMPLETE}
    rng = np.random.default_rng(0)
    for ax, name in zip(grid.flat, names, strict=False):
        scale = Scale.of(name, known[name], facts)
        for group, marker, colour in ((False, "x", "#888888"), (True, "o", ORANGE)):
            chosen = [t for t in facts.first_rung if name in facts.trials[t].params and (t in done) == group]
            at = np.array([scale.place(facts.trials[t].params[name]) for t in chosen])
            if scale.ticks:
                at = at + rng.uniform(-0.12, 0.12, len(at))
            ax.plot(at, [facts.first_rung[t] for t in chosen], marker, color=colour, ms=4.5, ls="")
        _name_axis(ax, name, scale)
    for ax in grid.flat[len(names) :]:
        ax.set_visible(False)
    for ax in grid[:, 0]:
        ax.set_ylabel("macro-F1")
    return Part(
        "Score at the first rung, by the value of each parameter",
        image(figure, "slices"),
        "A mark is a trial: dots went on to be complete, crosses were stopped. Look for values where no dot lies, and "
        "for ranges whose best marks crowd at one end: there the range is too narrow. Most important parameter first.",
        wide=True,
    )


def _parallel(facts: Facts, names: list[str], known: Mapping[str, BaseDistribution]) -> Part:
    scales = {n: Scale.of(n, known[n], facts) for n in names}
    figure, ax = axes(WIDE, 3.8)
    done = {c.trial for c in facts.complete}
    scores = facts.first_rung
    low, high = min(scores.values()), max(scores.values())
    for trial in sorted(scores, key=lambda t: t in done):
        values = facts.trials[trial].params
        points = [scales[n].share(values[n]) if n in values else math.nan for n in names]
        points.append((scores[trial] - low) / ((high - low) or 1))
        style = {"color": ORANGE, "lw": 1.8, "alpha": 0.9} if trial in done else {"color": PALE, "lw": 0.8, "ls": "--"}
        ax.plot(range(len(points)), points, marker="o" if trial in done else None, ms=4, **style)
    for place, name in enumerate(names):
        for at, label in scales[name].labels():
            ax.text(
                place + 0.03,
                at,
                short(label, 13),
                fontsize=7,
                va="center",
                bbox={"fc": "white", "ec": "none", "pad": 0.4, "alpha": 0.8},
            )
    for at, label in ((0.0, f"{low:.3f}"), (1.0, f"{high:.3f}")):
        ax.text(len(names) + 0.03, at, label, fontsize=7, va="center")
    ax.set_xticks(range(len(names) + 1), [*(short(n, 14) for n in names), "macro-F1\nfirst rung"], fontsize=8)
    ax.set_yticks([])
    ax.set_xlim(-0.1, len(names) + 0.45)
    return Part(
        "Every trial as a line through its parameters",
        image(figure, "parallel coordinates"),
        "Solid lines with dots are complete trials, dashed grey ones were stopped. Each upright is a parameter, on "
        "its own scale; bundles of solid lines show what good trials share. A gap: the trial has no such parameter.",
        wide=True,
    )


class Scale:
    """Where a parameter's values lie on an axis: numbers as they are (or their logarithm), choices side by side."""

    def __init__(self, ticks: list[str], log: bool, low: float, high: float) -> None:
        self.ticks, self.log, self.low, self.high = ticks, log, low, high

    @classmethod
    def of(cls, name: str, distribution: BaseDistribution, facts: Facts) -> "Scale":
        if isinstance(distribution, FloatDistribution | IntDistribution):
            used = [t.params[name] for t in facts.trials.values() if name in t.params]
            return cls([], distribution.log, min(used), max(used))
        choices = [str(c) for c in distribution.choices]  # type: ignore[attr-defined]
        return cls(choices, False, 0, max(1, len(choices) - 1))

    def place(self, value: Any) -> float:
        return self.ticks.index(str(value)) if self.ticks else float(value)

    def share(self, value: Any) -> float:
        """0 at the low end, 1 at the high one."""
        at, low, high = self.place(value), self.low, self.high
        if self.log:
            at, low, high = math.log(at), math.log(low), math.log(high)
        return (at - low) / ((high - low) or 1)

    def labels(self) -> list[tuple[float, str]]:
        if self.ticks:
            return [(i / self.high, tick) for i, tick in enumerate(self.ticks)]
        return [(0.0, f"{self.low:.2g}"), (1.0, f"{self.high:.2g}")]


def _name_axis(ax: Axes, name: str, scale: Scale) -> None:
    ax.set_xlabel(name)
    if scale.log:
        ax.set_xscale("log")
        ticks = np.geomspace(scale.low, scale.high, 3)
        ax.minorticks_off()
        ax.set_xticks(ticks, [f"{t:.1e}" if t < 0.01 else f"{t:.3g}" for t in ticks])
    if scale.ticks:
        long = sum(map(len, scale.ticks)) > 20
        ax.set_xticks(range(len(scale.ticks)), [short(t, 16) for t in scale.ticks], rotation=35 if long else 0,
                      ha="right" if long else "center", fontsize=7)  # fmt: skip
        ax.set_xlim(-0.5, len(scale.ticks) - 0.5)
