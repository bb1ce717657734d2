"""Write a run's report.html; also while the search goes on."""

import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ensembles.members import PARTIAL
from ensembles.report import classes, ensemble, history, people, space
from ensembles.report.facts import Facts, read_facts
from trainable.data.layouts.finish import alone_said
from trainable.files import write_text
from trainable.pictures.page import Part, Section, page, text

SECTIONS: dict[str, tuple[str, Callable[[Facts], Section]]] = {
    "history": ("How the search went", history.history),
    "rungs": ("The race", history.rungs),
    "parameters": ("What mattered", space.parameters),
    "techniques": ("What each technique gave", space.techniques),
    "folds": ("Folds", history.folds),
    "classes": ("Classes", classes.classes),
    "borders": ("Borders", classes.borders),
    "ensemble": ("Ensemble", ensemble.members),
    "optimism": ("What it will score", ensemble.optimism),
    "people": ("Hardest groups", people.hardest),
    "labels": ("Labels to look at", people.suspects),
    "configurations": ("Configurations", ensemble.configurations),
}


def write_report(root: Path) -> Path:
    """Read a run directory, draw everything, write its report.html; returns the path.

    Raises InputError when the folder is no run. A section that cannot be drawn says so, and leaves the others alone.
    """
    facts = read_facts(root)
    path = facts.run.report
    write_text(path, page(f"foldvote: {facts.run.name}", _lead(facts), _tiles(facts), sections(facts)))
    return path


def try_report(root: Path) -> Path | None:
    """`write_report` at the end of a search or a build, which must not fail for it: a warning and None instead."""
    try:
        return write_report(root)
    except Exception:
        print(f"warning: no report could be written\n{traceback.format_exc()}", file=sys.stderr)
        return None


def sections(facts: Facts) -> list[Section]:
    """Every section; one that cannot be drawn shows why and leaves the others alone."""
    found = []
    for name, (title, draw) in SECTIONS.items():
        try:
            found.append(draw(facts))
        except Exception:
            trace = traceback.format_exc()
            print(f"warning: report section {name} could not be drawn\n{trace}", file=sys.stderr)
            part = Part(
                "This section could not be drawn", f"<pre>{text(trace)}</pre>", "Please report this.", wide=True
            )
            found.append(Section(name, title, [part]))
    return found


def _lead(facts: Facts) -> str:
    info = facts.run.info
    groups = facts.manifest.frame["group"].iloc[facts.rows].nunique()
    return (
        f"<p>{len(facts.rows)} images of {groups} groups, {len(facts.classes)} classes, {facts.folds} folds of "
        f"{facts.epochs} epochs. Scores are {text(facts.metric)}.</p>"
        f"{''.join(f'<p>{text(line)}</p>' for line in alone_said(facts.manifest))}"
        f"<p class='soft'>{text(facts.run.root)} · data {text(info.data)} · "
        f"{', '.join(f'{text(k)} {text(v)}' for k, v in info.versions.items())}</p>"
    )


def _tiles(facts: Facts) -> list[tuple[str, str]]:
    tiles = []
    if facts.record is not None:
        states = Counter(course.state for course in facts.record.trials)
        spent = sum(max(course.scores, default=0) for course in facts.record.trials)
        full = len(facts.record.trials) * facts.folds * facts.epochs
        tiles.append(("trials: " + ", ".join(f"{n} {s}" for s, n in states.items()), str(len(facts.record.trials))))
        if full:
            tiles.append((f"epochs spent of {full}, full cross-validation", f"{spent} ({spent / full:.0%})"))
    if facts.complete:
        best = facts.complete[0]
        tiles.append((f"best single trial, {best.id}, {facts.metric}", facts.text(best.score)))
        tiles.append((f"vote of {len(facts.weights)}, in-sample {facts.metric}", facts.text(facts.vote_score)))
    if facts.ensemble is not None:
        e = facts.ensemble
        estimate = f"{facts.built_for.text(e['nested_score'])} ± {e['nested_std']:.4f}"
        name = f", {PARTIAL}" if facts.partial else ""
        tiles.append((f"vote by {e['method']}{name}, nested {facts.built_for.shown}", estimate))
    return tiles
