"""How the search went: scores as they came, epochs spent and saved, rungs, folds."""

import math

import numpy as np

from ensembles.report.facts import NONE_COMPLETE, Facts
from trainable.pictures.charts import BLUE, COLOURS, DARK, HATCHES, MARKERS, ORANGE, PALE, WIDE, axes, image, legend
from trainable.pictures.page import Part, Section, table
from trainable.run.search_record import SearchRecord

SHOWN = 15  # complete trials, where a chart has a line for each


def history(facts: Facts) -> Section:
    title = "How the search went"
    first = _features(facts)
    if facts.record is None and not first:
        return Section("history", title, missing=facts.no_search)
    return Section("history", title, [*first, *([_scores(facts), _cost(facts)] if facts.record else [])])


def _features(facts: Facts) -> list[Part]:
    """The stage of features, or the heads of a search that is one; nothing where no head was fitted."""
    heads = [trial for trial in facts.complete if trial.config.fitted]
    if not heads:
        return []
    rows = [
        (
            " + ".join(f"{backbone} {height}x{width}" for backbone, (height, width) in trial.config.tables),
            trial.config.head.name,
            facts.text(trial.score),
            f"{trial.result.seconds:.0f}",
            trial.id,
        )
        for trial in heads[:SHOWN]
    ]
    return [
        Part(
            "Features first: heads on networks that keep their weights",
            table(("network and size", "head", facts.metric, "seconds", "trial"), rows),
            "Fitted in closed form, without an epoch of training, before the search's own trials; the best first. They "
            "vote like any trial, and the network and size that lead here are suggested first. A trained "
            "trial that is no better than the head on its own network has not learnt from these photos.",
            wide=True,
        )
    ]


def rungs(facts: Facts) -> Section:
    if facts.record is None:
        return Section("rungs", "The race", missing=facts.no_search)
    return Section("rungs", "The race", [_rungs(facts.record, facts), _rung_table(facts.record, facts)])


def folds(facts: Facts) -> Section:
    if not facts.complete:
        return Section("folds", "Folds", missing=NONE_COMPLETE)
    shown = facts.complete[:SHOWN]
    figure, ax = axes(WIDE, 0.9 + 0.32 * len(shown))
    for row, trial in enumerate(shown):
        scores = [facts.read(score) for score in trial.result.fold_scores]
        ax.plot([min(scores), max(scores)], [row, row], color=PALE, zorder=1)
        for k, score in enumerate(scores):
            ax.plot(
                score, row, MARKERS[k % len(MARKERS)], color=COLOURS[k % len(COLOURS)], ms=6, ls="", label=_once(row, k)
            )
        ax.plot(facts.read(trial.score), row, "|", color=DARK, ms=16, mew=2, label="pooled" if row == 0 else None)
    ax.set_yticks(range(len(shown)), [t.id for t in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlabel(facts.metric)
    legend(ax, columns=12)
    spread = np.mean([np.std(t.result.fold_scores) for t in shown])
    part = Part(
        f"How much a score depends on the fold: standard deviation {spread:.3f} within a trial, on average",
        image(figure, "score of each fold of each complete trial"),
        "Each row is a complete trial, each marker one fold's score, the bar the score over all folds pooled. "
        "Differences between trials that are small beside the spread within them are no news. A fold that is bad in "
        "every row holds hard groups. Fold 0 chose the trials, so it alone is optimistic.",
        wide=True,
    )
    return Section("folds", "Folds", [part])


def _once(row: int, k: int) -> str | None:
    return f"fold {k}" if row == 0 else None


def _scores(facts: Facts) -> Part:
    figure, ax = axes()
    courses = facts.courses
    numbers = {trial: course.number for trial, course in courses.items()}
    done = {trial: facts.read(course.score) for trial, course in courses.items() if course.state == "complete"}
    ends = {trial: course.scores[max(course.scores)] for trial, course in courses.items() if course.scores}
    last = [(numbers[t], facts.read(score)) for t, score in ends.items() if t not in done and math.isfinite(score)]
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
        best = (np.minimum if facts.measure.loss else np.maximum).accumulate([*done.values()])
        ax.step(
            [*(numbers[t] for t in done), len(numbers)],
            [*best, best[-1]],
            where="post",
            color=DARK,
            label="best so far",
        )
    ax.set_xlabel("trial, in the order of suggestion")
    ax.set_ylabel(facts.metric)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    legend(ax, columns=1)
    return Part(
        "Score of every trial, and the best so far",
        image(figure, "score by trial number"),
        "The line moves when a complete trial beats all before it; a long flat end means that more trials would "
        "bring little. Crosses are scores after fewer epochs, so they may not be compared with dots.",
    )


def _cost(facts: Facts) -> Part:
    spent = [max(course.scores, default=0) for course in facts.courses.values()]
    first = sum(min(s, facts.epochs) for s in spent)
    later = sum(max(s - facts.epochs, 0) for s in spent)
    full = len(spent) * facts.epochs * facts.folds
    saved = full - first - later
    seconds = sum(t.result.seconds for t in facts.complete)
    pace = seconds / max(1, sum(t.result.epochs_done for t in facts.complete))
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


def _rungs(record: SearchRecord, facts: Facts) -> Part:
    rng = np.random.default_rng(0)
    figure, ax = axes()
    for place, rung in enumerate(record.rungs):
        for went, marker, colour in ((True, "o", BLUE), (False, "x", "#777777")):
            own = [s for t, s in rung.scores.items() if (t in rung.went_on) == went and math.isfinite(s)]
            scores = [facts.read(score) for score in own]
            at = place + rng.uniform(-0.18, 0.18, len(scores))
            ax.plot(at, scores, marker, color=colour, label=("went on" if went else "stayed") if place == 0 else None)
    ax.set_xticks(range(len(record.rungs)), [f"{r.step} epochs\n{len(r.scores)} arrived" for r in record.rungs])
    ax.set_xlabel("rung of fold 0")
    ax.set_ylabel(f"{facts.metric} of fold 0")
    ax.set_xlim(-0.5, len(record.rungs) - 0.5)
    legend(ax)
    return Part(
        "Scores at each rung, and who went on",
        image(figure, "scores at rungs"),
        "Every mark is a trial that reached the rung (spread sideways only to be seen). Crosses among the dots are "
        "trials that came when the rung still held better ones, or that the end of the search found waiting.",
    )


def _rung_table(record: SearchRecord, facts: Facts) -> Part:
    rows, before = [], len(record.trials)
    for rung in record.rungs:
        finite = [s for s in rung.scores.values() if math.isfinite(s)]
        rows.append((f"fold 0, epoch {rung.step}", before, len(rung.scores), len(rung.went_on), *_best(finite, facts)))
        before = len(rung.went_on)
    for k in range(1, facts.folds):
        scores = [s[k] for s in record.fold_scores.values() if len(s) > k and math.isfinite(s[k])]
        on = sum(len(s) > k + 1 for s in record.fold_scores.values()) if k + 1 < facts.folds else len(scores)
        rows.append((f"fold {k}, end", before, len(scores), on, *_best(scores, facts)))
        before = on
    header = ("where", "sent there", "arrived", "went on", f"best {facts.metric}", "median")
    return Part(
        "How many trials reached each place of the race",
        table(header, rows),
        "Trials race along the rungs of fold 0, then fold by fold. The last row's “went on” are the complete trials, "
        "which alone may vote. Scores of different folds are of different groups.",
    )


def _best(scores: list[float], facts: Facts) -> tuple[str, str]:
    """The best and the middle one of finite scores."""
    return (facts.text(max(scores)), facts.text(float(np.median(scores)))) if scores else ("-", "-")
