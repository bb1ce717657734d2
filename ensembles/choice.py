"""The choice that a build makes: a method, and members whose networks are whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ensembles.beforehand import beforehand
from ensembles.members import SKIP, Members, broken_members, refuse
from ensembles.methods import BLEND, METHODS, Fitted, RowFacts, applicable, left_out
from ensembles.nested import AUTO, Evaluation, Progress, Row, evaluate_methods
from trainable.errors import InputError
from trainable.progress import Progress as ProgressBar


@dataclass(frozen=True)
class Choice:
    """A method that was fitted on members whose networks are whole.

    members: those that may vote, of so many `candidates`. method: its name, `blend` where auto takes several. used: the
    members that predict, those with a weight and the best single one, as indices of `members`.
    """

    members: Members
    candidates: int
    evaluation: Evaluation
    method: str
    used: list[int]
    best_single: int

    @property
    def fitted(self) -> Fitted:
        return self.evaluation.fitted[self.method]

    @property
    def rows(self) -> dict[str, Row]:
        """{method: its row}; of a blend, which is auto's alone, that of auto."""
        rows = {row.method: row for row in self.evaluation.rows}
        return rows if self.method in rows else {**rows, self.method: rows[AUTO]}

    @property
    def parts(self) -> tuple[str, ...]:
        """The methods whose votes are averaged."""
        return self.evaluation.parts if self.method == BLEND else (self.method,)


def two_parts(members: Members) -> np.ndarray:
    """The folds of the rows; where all are of one fold (a trial whose others are missing), its groups in halves."""
    if np.ptp(members.fold):
        return members.fold
    numbers = np.unique(members.groups, return_inverse=True)[1]
    return (numbers % 2).astype(members.fold.dtype)


def choose_whole(
    members: Members,
    asked: str,
    *,
    size: int,
    seed: int,
    most: int | None = None,
    skip_broken: bool,
    facts: RowFacts | None = None,
) -> Choice:
    """Fit the method `asked`, or the one that "auto" takes, on members whose networks are whole.

    size: most picks of greedy selection. most: of the members, see `evaluate_methods`. skip_broken: whether members
    that were chosen and prove broken are named, left out, and the choice made again. facts: what is known of the rows
    beside votes. Raises InputError where they are not to be skipped, where none is left, and for a method that does not
    apply to these classes.
    """
    names = _asked(members, asked)
    for sentence in beforehand(members, size, None if asked == AUTO else names):
        print(sentence, flush=True)
    while True:
        with _bar() as bar:
            evaluation = evaluate_methods(
                members.probabilities,
                members.labels,
                two_parts(members),
                members.groups,
                members.metric,
                methods=names,
                seed=seed,
                attributes=members.attributes,
                size=size,
                progress=bar,
                auto=asked == AUTO,
                facts=facts,
                most=most,
            )
        able = members.only(evaluation.kept)
        method = evaluation.chosen if asked == AUTO else asked
        best = int(evaluation.fitted["best_single"].weights.argmax())
        used = sorted({*np.flatnonzero(evaluation.fitted[method].weights > 0).tolist(), best})
        broken = broken_members(able.members[t] for t in used)
        if not broken:
            return Choice(able, len(members.members), evaluation, method, used, best)
        if not skip_broken:
            refuse(broken, SKIP)
        for name, reason in broken.items():
            print(f"left out: {name}, {reason}", flush=True)
        members = members.without(set(broken))


def _asked(members: Members, asked: str) -> list[str]:
    """The methods to fit: all that apply, or the one that is asked for beside the best single trial."""
    given = (len(members.classes), members.attributes, members.metric)
    if asked == AUTO:
        return applicable(*given)
    unfit = left_out(*given)
    if asked in unfit:
        raise InputError(
            f"--method: received {asked}, but {unfit[asked]}; allowed for these classes and "
            f"{members.metric.name}: {', '.join(name for name in METHODS if name not in unfit)}"
        )
    return list(dict.fromkeys(("best_single", asked)))


@contextmanager
def _bar() -> Iterator[Progress]:
    """Counts the fits."""
    with ProgressBar(transient=True) as bar:
        task = bar.add_task("compare methods")
        yield lambda done, total, what: bar.update(
            task, completed=done, total=total, description=f"compare methods, {what}"
        )
