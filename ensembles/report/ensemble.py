"""Who votes, how much they differ, what the vote will score, and how to train its members again."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ensembles.greedy import greedy_selection
from ensembles.report.facts import NONE_COMPLETE, Complete, Facts
from trainable.commands import spoken
from trainable.metrics import MACRO_F1, is_named
from trainable.pictures.charts import BLUE, DARK, ORANGE, WIDE, axes, image, legend, matrix
from trainable.pictures.page import Part, Section, table, text

SHOWN = 20


def members(facts: Facts) -> Section:
    if not facts.complete:
        missing = f"{NONE_COMPLETE} {facts.partial[:1].upper()}{facts.partial[1:]}".strip()
        return Section("ensemble", "Ensemble", missing=missing)
    return Section("ensemble", "Ensemble", [_weights(facts), _disagreement(facts), _growth(facts)])


def optimism(facts: Facts) -> Section:
    title = "What it will score"
    if facts.ensemble is None:
        missing = f"Not estimated yet: {spoken('build', facts.run.root)} tells, and renews this page."
        return Section("optimism", title, missing=missing)
    e = facts.ensemble
    rows, built = sorted(e["methods"], key=lambda r: r["nested"]), facts.built_for
    figure, ax = axes(WIDE, 1.0 + 0.3 * len(rows))
    for place, row in enumerate(rows):
        nested, in_sample = built.read(row["nested"]), built.read(row["in_sample"])
        ax.plot([nested, in_sample], [place, place], color="#aaaaaa", zorder=1)
        ax.errorbar(nested, place, xerr=row["standard_error"], fmt="o", color=BLUE, capsize=3,
                    label="nested, ± standard error" if place == 0 else None)  # fmt: skip
        ax.plot(in_sample, place, "D", mfc="white", mec=ORANGE, label="in-sample" if place == 0 else None)
    ax.set_yticks(range(len(rows)), [f"{r['method']}{'  (chosen)' if r['method'] in e['parts'] else ''}" for r in rows])
    ax.set_xlabel(f"{built.shown}, out of fold")
    legend(ax)
    gap = e["oof_score"] - e["nested_score"]
    part = Part(
        f"Expect {built.shown} {built.text(e['nested_score'], 3)} ± {e['nested_std']:.3f}, not "
        f"{built.text(e['oof_score'], 3)}: optimism {gap:+.3f}",
        image(figure, "in-sample and nested score of each method"),
        f"{facts.outdated} ".lstrip()
        + "The diamond is the score on the rows that weights were chosen on; the dot the nested one, everything fitted "
        "without the fold it is scored on. The distance is the optimism. Methods whose bars overlap are as good; "
        "`auto` has the choice of method inside its nesting.",
        wide=True,
    )
    return Section("optimism", title, [part])


def configurations(facts: Facts) -> Section:
    if not facts.complete:
        return Section("configurations", "Configurations", missing=NONE_COMPLETE)
    parts = []
    for trial in facts.complete:
        if trial.id not in facts.weights and trial is not facts.complete[0]:
            continue
        code, weight = space_file(facts, trial), facts.weights.get(trial.id, 0.0)
        body = (
            f'<details><summary>weight {weight:.3f}, {facts.metric} {facts.text(trial.score)} <button type="button" '
            f'data-copy="c{trial.id}">copy</button></summary><pre id="c{trial.id}">{text(code)}</pre></details>'
            f"<pre>{text(spoken('search', f'{trial.id}.py', '--data', facts.run.info.data))}</pre>"
        )
        read = f"Save the configuration as {trial.id}.py; the command below it trains the member again."
        parts.append(Part(f"Trial {trial.id} as a space file", body, read))
    return Section("configurations", "Configurations", parts)


def space_file(facts: Facts, trial: Complete) -> str:
    """Python that `search.run` takes: one trial with exactly this configuration."""
    values = json.loads(json.dumps(trial.config.to_dict()))
    fixed = {"epochs": values.pop("epochs"), "seed": values.pop("seed"), "store_size": values["input"].pop("store")}
    target = values.pop("target")
    chosen = {"target": target} if target != "joint" else {}
    name = facts.run.info.metric
    chosen |= {"metric": name} if name != MACRO_F1 and is_named(name) else {}  # a function is not in the run's files
    search = {"trials": 1, "folds": facts.folds, **fixed, "members": 1, **chosen}
    settings = ", ".join(f"{k}={tuple(v) if isinstance(v, list) else v!r}" for k, v in search.items())
    again = spoken("search", f"{trial.id}.py", "--data", facts.run.info.data)
    return (
        f'"""Trial {trial.id} of {facts.run.name}.\n\nRun:     {again}\n"""\n\n'
        f"from search.space import Search\n\nSEARCH = Search({settings})\n\n\n"
        f"def space(trial, data):\n    return {_literal(values, 1)}\n"
    )


def _literal(value: Any, depth: int) -> str:
    if not isinstance(value, dict) or not value:
        return repr(tuple(value) if isinstance(value, list) else value)
    inside = "".join(f"{'    ' * (depth + 1)}{k!r}: {_literal(v, depth + 1)},\n" for k, v in value.items())
    return "{\n" + inside + "    " * depth + "}"


def _weights(facts: Facts) -> Part:
    wrong = {c.id: c.probabilities.argmax(1) != facts.labels for c in facts.complete}
    built = facts.ensemble or {}
    voting = {m["trial"]: m for m in built.get("members", ())}
    weights = {name: m["weight"] for name, m in voting.items()} if built else facts.weights
    rows = [
        (c.id, f"{weights.get(c.id, 0):.3f}", facts.text(c.score), facts.text(c.result.later_folds_score),
         f"{wrong[c.id].mean():.1%}", c.config.model.backbone, f"{c.result.seconds / 60:.1f}")
        for c in facts.complete[:SHOWN]
    ]  # fmt: skip
    rows += [
        (name, f"{m['weight']:.3f}", facts.text(m["oof_score"]), "", "", Path(m["run"] or "").name, "")
        for name, m in voting.items()
        if name not in wrong
    ]
    name = f"by {built['method']}" if built else "by greedy selection (none has been built yet)"
    score = built["oof_score"] if built else facts.vote_score
    header = ("trial", "weight", facts.metric, "without fold 0", "wrong", "backbone", "minutes")
    return Part(
        f"Members and their weights, {name}: the vote has {facts.metric} {facts.text(score)} in-sample",
        table(header, rows),
        "Complete trials, best first, then members from elsewhere: heads that the build fitted, other runs; a weight "
        "of 0 does not vote. “Without fold 0” leaves out the fold that chose the trial. A weak trial with a weight errs"
        " elsewhere than the strong ones. Charts of “the vote” show what the method makes of this run's trials; where "
        "others vote too, the weighted mean of this run's.",
        wide=True,
    )


def _disagreement(facts: Facts) -> Part:
    shown = sorted(facts.complete[:SHOWN], key=lambda c: -facts.weights.get(c.id, 0.0))
    guesses = np.stack([c.probabilities.argmax(1) for c in shown])
    differ = (guesses[:, None] != guesses[None]).mean(2)
    figure, ax = axes(5.6, 4.2)
    cells = [[f"{v:.0%}" for v in row] for row in differ] if len(shown) <= 12 else None
    matrix(ax, differ, [c.id for c in shown], cells=cells, top=max(float(differ.max()), 0.01))
    ax.tick_params(labelsize=7)
    ax.tick_params(axis="x", rotation=90)
    ax.set_title("share of images with different classes", fontsize=9, color=DARK)
    return Part(
        "How often two complete trials disagree",
        image(figure, "pairwise disagreement"),
        "Heaviest members first. Dark cells are pairs whose votes add most to each other; a pale row is a trial "
        "that only repeats others.",
    )


def _growth(facts: Facts) -> Part:
    """The vote's in-sample score as greedy selection adds members, the same member again included."""
    table = np.stack([c.probabilities for c in facts.complete])
    path = greedy_selection(table, facts.labels, metric=facts.measure).path
    total, scores = np.zeros(table.shape[1:]), []
    for k, pick in enumerate(path, 1):  # one vote at a time: of many classes each is large
        total += table[pick]
        scores.append(facts.read(facts.measure.score(facts.labels, total / k)))
    figure, ax = axes(5.6, 4.2)
    ax.plot(range(1, len(scores) + 1), scores, "o-", color=BLUE, label="vote of the first picks")
    ax.axhline(facts.read(facts.complete[0].score), color=DARK, ls="--", label="best single trial")
    ax.set_xlabel("picks of greedy selection")
    ax.set_ylabel(f"{facts.metric}, in-sample")
    ax.set_xlim(0.5, max(len(scores), 5) + 0.5)
    ax.xaxis.get_major_locator().set_params(integer=True)
    legend(ax, columns=1)
    return Part(
        "What each further pick of greedy selection brings",
        image(figure, "score of the vote by number of picks"),
        "Each point is the vote of the picks so far; a pick is the trial, new or again, whose vote scores best, also "
        "where all are worse. The end is the best point. A single point: no trial improves on the best one. "
        "The curve is in-sample; what of it is real is under “What it will score”.",
    )
