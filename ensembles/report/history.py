"""How the search went: scores as they came, epochs spent and saved, rungs, folds."""

import math

import numpy as np
from optuna.trial import TrialState

from ensembles.report.facts import Facts
from trainable.pictures.charts import BLUE, COLOURS, DARK, HATCHES, MARKERS, ORANGE, PALE, WIDE, axes, image, legend
from trainable.pictures.page import Part, Section, table

SHOWN = 15  # complete trials, where a chart has a line for each


def history(facts: Facts) -> Section:
    title = "How the search went"
    if not facts.trials:
        return Section("history", title, missing="This run has no search: its trials were started by hand.")
    return Section("history", title, [_scores(facts), _cost(facts)])


def rungs(facts: Facts) -> Section:
    if not facts.trials:
        return Section("rungs", "The race", missing="This run has no search, so nothing raced.")
    return Section("rungs", "The race", [_rungs(facts), _rung_table(facts)])


def folds(facts: Facts) -> Section:
    if not facts.complete:
        return Section("folds", "Folds", missing="No trial has finished all folds yet.")
    shown = facts.complete[:SHOWN]
    figure, ax = axes(WIDE, 0.9 + 0.32 * len(shown))
    for row, trial in enumerate(shown):
        scores = [math.nan if s is None else s for s in trial.result["fold_macro_f1"]]
        ax.plot([min(scores), max(scores)], [row, row], color=PALE, zorder=1)
        for k, score in enumerate(scores):
            ax.plot(
                score, row, MARKERS[k % len(MARKERS)], color=COLOURS[k % len(COLOURS)], ms=6, ls="", label=_once(row, k)
            )
        ax.plot(trial.score, row, "|", color=DARK, ms=16, mew=2, label="pooled" if row == 0 else None)
    ax.set_yticks(range(len(shown)), [t.trial for t in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlabel("macro-F1")
    legend(ax, columns=12)
    spread = np.mean([np.std(t.result["fold_macro_f1"]) for t in shown])
    part = Part(
        f"How much a score depends on the fold: standard deviation {spread:.3f} within a trial, on average",
        image(figure, "macro-F1 of each fold of each complete trial"),
        "Each row is a complete trial, each marker one fold's macro-F1, the bar the score over all folds pooled. "
        "Differences between trials that are small beside the spread within them are no news. A fold that is low in "
        "every row holds hard people. Fold 0 chose the trials, so it alone is optimistic.",
        wide=True,
    )
    return Section("folds", "Folds", [part])


def _once(row: int, k: int) -> str | None:
    return f"fold {k}" if row == 0 else None


def _scores(facts: Facts) -> Part:
    figure, ax = axes()
    numbers = {trial: number for number, trial in enumerate(facts.trials, start=1)}
    done = {t: f.value for t, f in facts.trials.items() if f.state == TrialState.COMPLETE and f.value is not None}
    other = {
        t: max(f.intermediate_values.items())
        for t, f in facts.trials.items()
        if t not in done and f.intermediate_values
    }
    last = [(numbers[t], value) for t, (_, value) in other.items() if value is not None and math.isfinite(value)]
    if last:
        ax.plot(
            *zip(*last, strict=True),
            "x",
            color=PALE,
            mec="#777777",
            label="stopped or not yet complete: the last score, of one fold",
        )
    if done:
        ax.plot([numbers[t] for t in done], [*done.values()], "o", color=BLUE, label="complete: all folds pooled")
        ordered = sorted(done, key=lambda t: numbers[t])
        best = np.maximum.accumulate([done[t] for t in ordered])
        ax.step(
            [*(numbers[t] for t in ordered), len(numbers)],
            [*best, best[-1]],
            where="post",
            color=DARK,
            label="best so far",
        )
    ax.set_xlabel("trial, in the order of suggestion")
    ax.set_ylabel("macro-F1")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_ylim(bottom=0)
    legend(ax, columns=1)
    return Part(
        "Score of every trial, and the best so far",
        image(figure, "macro-F1 by trial number"),
        "The line rises when a complete trial beats all before it; a long flat end means that more trials would "
        "bring little. Crosses are scores after fewer epochs, so they may not be compared with dots.",
    )


def _cost(facts: Facts) -> Part:
    spent = [max(f.intermediate_values, default=0) for f in facts.trials.values()]
    first = sum(min(s, facts.epochs) for s in spent)
    later = sum(max(s - facts.epochs, 0) for s in spent)
    full = len(spent) * facts.epochs * facts.folds
    saved = full - first - later
    seconds = sum(t.result["seconds"] for t in facts.complete)
    pace = seconds / max(1, sum(t.result["epochs_done"] for t in facts.complete))
    figure, ax = axes(height=3.3)
    ax.barh([1], [first], color=BLUE, label=f"fold 0: {first}")
    ax.barh(
        [1], [later], left=[first], color=ORANGE, hatch=HATCHES[1], edgecolor="white", label=f"later folds: {later}"
    )
    ax.barh([0], [full], color="white", edgecolor=DARK, hatch="...", label=f"full cross-validation: {full}")
    ax.set_yticks([1, 0], ["spent", "without\nthe race"])
    ax.set_xlabel("epochs of one fold")
    ax.grid(axis="y", visible=False)
    legend(ax, columns=1)
    return Part(
        f"The race spent {first + later} epochs and saved {saved} ({saved / max(full, 1):.0%})",
        image(figure, "epochs spent and saved"),
        "Bars count epochs of one fold over all trials. Without the race every trial would have run all its folds. "
        + (f"An epoch took {pace:.1f} s on average, so that is about {saved * pace / 3600:.1f} hours "
           "of one worker." if facts.complete else ""),
    )  # fmt: skip


def _rungs(facts: Facts) -> Part:
    race, rng = facts.race, np.random.default_rng(0)
    figure, ax = axes()
    for place, (step, held) in enumerate(race.rungs.items()):
        for went, marker, colour in ((True, "o", BLUE), (False, "x", "#777777")):
            scores = [s for t, s in held.items() if (t in race.beyond[step]) == went and math.isfinite(s)]
            at = place + rng.uniform(-0.18, 0.18, len(scores))
            ax.plot(at, scores, marker, color=colour, label=("went on" if went else "stayed") if place == 0 else None)
    ax.set_xticks(range(len(race.rungs)), [f"{s} epochs\n{len(h)} arrived" for s, h in race.rungs.items()])
    ax.set_xlabel("rung of fold 0")
    ax.set_ylabel("macro-F1 of fold 0")
    ax.set_xlim(-0.5, len(race.rungs) - 0.5)
    legend(ax)
    return Part(
        "Scores at each rung, and who went on",
        image(figure, "scores at rungs"),
        "Every mark is a trial that reached the rung (spread sideways only to be seen). Crosses among the dots are "
        "trials that came when the rung still held better ones, or that the end of the search found waiting.",
    )


def _rung_table(facts: Facts) -> Part:
    rows, before = [], len(facts.trials)
    for step, held in facts.race.rungs.items():
        finite = [s for s in held.values() if math.isfinite(s)]
        went = len(facts.race.beyond[step])
        best, middle = (f"{max(finite):.4f}", f"{np.median(finite):.4f}") if finite else ("-", "-")
        rows.append((f"fold 0, epoch {step}", before, len(held), went, best, middle))
        before = went
    for k in range(1, facts.folds):
        scores = [s[k] for s in facts.race.fold_scores.values() if len(s) > k and math.isfinite(s[k])]
        best, middle = (f"{max(scores):.4f}", f"{np.median(scores):.4f}") if scores else ("-", "-")
        on = sum(len(s) > k + 1 for s in facts.race.fold_scores.values()) if k + 1 < facts.folds else len(scores)
        rows.append((f"fold {k}, end", before, len(scores), on, best, middle))
        before = on
    header = ("where", "sent there", "arrived", "went on", "best macro-F1", "median")
    return Part(
        "How many trials reached each place of the race",
        table(header, rows),
        "Trials race along the rungs of fold 0, then fold by fold. The last row's “went on” are the complete trials, "
        "which alone may vote. Scores of different folds are of different people.",
    )
