"""Write a run's report.html; also while the search goes on."""

import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ensembles.report import classes, ensemble, history, people, space
from ensembles.report.facts import Facts, read_facts
from search.watch.leaderboard import STATES
from trainable.files import write_text
from trainable.pictures.page import Part, Section, page, text

SECTIONS: dict[str, tuple[str, Callable[[Facts], Section]]] = {
    "history": ("How the search went", history.history),
    "rungs": ("The race", history.rungs),
    "parameters": ("What mattered", space.parameters),
    "techniques": ("What each technique gave", space.techniques),
    "folds": ("Folds", history.folds),
    "classes": ("Classes", classes.classes),
    "age": ("Age", classes.age),
    "ensemble": ("Ensemble", ensemble.members),
    "optimism": ("What it will score", ensemble.optimism),
    "people": ("Hardest people", people.hardest),
    "labels": ("Labels to look at", people.suspects),
    "configurations": ("Configurations", ensemble.configurations),
}


def write_report(run: Path) -> Path:
    """Read everything, draw it, write report.html beside experiment.json; returns its path."""
    facts = read_facts(run)
    path = facts.paths.report
    write_text(path, page(f"foldvote: {facts.paths.root.name}", _lead(facts), _tiles(facts), sections(facts)))
    return path


def try_report(run: Path) -> Path | None:
    """The same at the end of a search, which must not fail for it."""
    try:
        return write_report(run)
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
    info, manifest = facts.info, facts.experiment.manifest
    groups = manifest.frame["group"].iloc[facts.rows].nunique()
    return (
        f"<p>{len(facts.rows)} images of {groups} groups, {len(facts.classes)} classes, {facts.folds} folds of "
        f"{facts.epochs} epochs. Scores are {text(info['metric'])}.</p>"
        f"<p class='soft'>{text(facts.paths.root)} · data {text(info['data'])} · "
        f"{', '.join(f'{text(k)} {text(v)}' for k, v in info['versions'].items())}</p>"
    )


def _tiles(facts: Facts) -> list[tuple[str, str]]:
    states = Counter(STATES[t.state] for t in facts.trials.values())
    spent = sum(max(t.intermediate_values, default=0) for t in facts.trials.values())
    full = len(facts.trials) * facts.folds * facts.epochs
    tiles = [("trials: " + ", ".join(f"{n} {s}" for s, n in states.items()), str(len(facts.trials)))]
    if full:
        tiles.append((f"epochs spent of {full}, full cross-validation", f"{spent} ({spent / full:.0%})"))
    if facts.complete:
        tiles.append((f"best single trial, {facts.complete[0].trial}, macro-F1", f"{facts.complete[0].score:.4f}"))
        tiles.append((f"vote of {len(facts.weights)}, in-sample macro-F1", f"{facts.vote_score:.4f}"))
    if facts.ensemble is not None:
        e = facts.ensemble
        tiles.append((f"vote by {e['method']}, nested macro-F1", f"{e['nested_macro_f1']:.4f} ± {e['nested_std']:.4f}"))
    return tiles
