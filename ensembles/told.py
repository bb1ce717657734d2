"""What a build tells at its end: the methods, why this one, and what to make of the scores."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from ensembles.choice import Choice
from ensembles.contributions import Contribution
from ensembles.members import PARTIAL
from ensembles.methods import BLEND
from ensembles.nested import AUTO
from trainable.metrics import Metric
from trainable.terminal import fitting, without
from trainable.words import count

METHOD_COLUMNS = ("method", "in-sample", "nested", "std. error", "members", "")
GIVE_WAY = ("members", "in-sample", "std. error", "")  # what a narrow terminal loses, first to last


def table_of_methods(choice: Choice, console: Console) -> Table:
    """A row a method, scores with their own sign; 80 columns wide, or as many columns as the console has room for."""
    metric = choice.members.metric

    def by(columns: list[str]) -> Table:
        title = f"methods, by out-of-fold {metric.shown}"
        table = Table(title=title, title_justify="left", box=None, header_style="bold")
        for column in columns:
            table.add_column(column, justify="left" if column in ("method", "") else "right", no_wrap=True)
        for r in choice.evaluation.rows:
            cells = {
                "method": r.method,
                "in-sample": metric.text(r.in_sample),
                "nested": metric.text(r.nested),
                "std. error": f"{r.standard_error:.4f}",
                "members": str(r.members),
                "": "chosen" if r.method in choice.parts else "",
            }
            table.add_row(*(cells[column] for column in columns))
        return table

    return fitting(console, without(METHOD_COLUMNS, GIVE_WAY, by))


def table_of_contributions(found: Sequence[Contribution], metric: Metric) -> Table:
    """A row for all members, then a row a kind; narrow enough for 80 columns."""
    table = Table(title=f"members, by out-of-fold {metric.shown}", title_justify="left", box=None, header_style="bold")
    table.add_column("kind", min_width=10)
    for column in ("members", "best in-sample", "nested without", "adds"):
        table.add_column(column, justify="right")
    for c in found:
        if c.kind is None:
            table.add_row("all", str(c.members), metric.text(c.best), f"of all {metric.text(c.nested)}", "")
        elif np.isnan(c.adds):
            table.add_row(c.kind, str(c.members), metric.text(c.best), "none is left", "")
        else:
            adds = f"{c.adds:+.4f} ± {c.error:.4f}"
            table.add_row(c.kind, str(c.members), metric.text(c.best), metric.text(c.nested), adds)
    return table


def reason(choice: Choice, asked: str) -> str:
    """Which method votes, of which trials, and why."""
    metric, trials = choice.members.metric, len(choice.members.members)
    voting = int((choice.fitted.weights > 0).sum())
    partial = any(getattr(member, "parts", ()) for member in choice.members.members)
    of = f"one trial, {PARTIAL}" if partial else f"{voting} of {count(trials, 'member')}"
    what = f"method {choice.method}: {of}"
    if asked != AUTO:
        return f"{what}, as asked"
    if trials == 1:
        return f"{of}: nothing can be mixed, the vote is that trial, its probabilities made better at most"
    best = max((row for row in choice.evaluation.rows if row.method != AUTO), key=lambda row: row.nested)
    if best.method == choice.method:
        return f"{what}; its nested score is the best"
    several = choice.method == BLEND
    which = f"the mean of {' and '.join(choice.parts)}" if several else "it has held up best on data of others"
    return (
        f"{what}; {which}, and nested it cannot be told from the best here ({best.method}, {metric.text(best.nested)})"
    )


def conclusion(choice: Choice, asked: str) -> Iterator[str]:
    """The scores of the vote and of the best single trial, and how to read them."""
    metric, single, own, row = (
        choice.members.metric,
        choice.rows["best_single"],
        choice.rows[choice.method],
        choice.rows[asked],
    )
    trials, candidates = len(choice.members.members), choice.candidates
    luck = f", the best of {candidates}, so that luck is in it" if candidates > 1 else ""
    inside = ", the choice of method inside" if asked == AUTO else ""
    yield f"best single trial: nested {metric.text(single.nested)} (in-sample {metric.text(single.in_sample)}{luck})"
    below = own.in_sample < row.nested
    yield (
        f"vote: nested {metric.text(row.nested)} ± {row.standard_error:.4f}{inside} "
        f"(in-sample {metric.text(own.in_sample)}{', which is worse by luck' if below else ''})"
    )
    if row.standard_error == 0:
        yield "an error of 0 means that these photos are too few, or too easy, to tell how it would do on others"
    ahead = row.nested - single.nested
    if trials > 1 and choice.method != "best_single":
        side = "ahead of" if ahead >= 0 else "behind"
        small = abs(ahead) < row.single_error
        note = ", less than a standard error: on new groups either may be better" if small else ""
        by = f"{abs(ahead):.4f} ± {row.single_error:.4f} {side} the best single trial{note}"
        yield f"nested, the vote is {by if ahead else 'as good as the best single trial'}"
