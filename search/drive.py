"""Drive a search to its end, or to an interruption that it survives, and say how it ended."""

import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from optuna.trial import TrialState

from search.assemble import assemble
from search.begin import Options
from search.deadline import FIXED, Deadline, Kind
from search.director import Director
from search.ending import after_search, epochs_of_vote, per_table, rescue, vote_in_time
from search.executors import Executor
from search.features_first import (
    SHARE,
    FrozenScores,
    could_train,
    frozen_scores,
    is_left,
    seconds_of_epochs,
    seconds_of_vote,
    write_down,
)
from search.first_heads import FirstHeads
from search.ledger import FEATURES, Ledger
from search.members_in_time import members_in_time
from search.space import DataFacts
from search.space_file import SpaceFile
from search.warm_start import find_finished, take_over
from search.watch import Watcher
from search.watch.aside import FAREWELL
from search.watch.first_table import FirstTable
from search.watch.leaderboard import Leaderboard, write_leaderboard
from search.watch.log import Log
from search.watch.overhead import Overhead
from search.watch.table import LiveTable
from search.watch.tally import Tally
from search.watch.too_short import TooShort
from search.watch.trackers import Tracker, Tracking
from search.watch.vote import Vote
from trainable.data.rows import target_classes
from trainable.errors import FULL
from trainable.features.under_way import under_way
from trainable.run import Run, Trial
from trainable.words import count, duration


def drive(
    options: Options,
    space: SpaceFile,
    run: Run,
    executor: Executor,
    trackers: Sequence[Tracker] = (),
    *,
    apart: str = "",
    first: FirstHeads | None = None,
) -> int:
    """Run the search, or trials apart from it; the exit code of the command.

    executor: entered before, left when there are no more jobs. apart: the ledger's view, instead of the search's own
    trials. first: heads on features, which the search begins with; their time counts against `--hours`.
    """
    first, stage = first or FirstHeads(), None
    with ExitStack() as stack:
        stack.push(executor)
        if first.tables:
            stage = _stage(options, space, run, trackers, executor, first)
        if stage and (stage.interrupted or stage.director.disk_full):
            return stage.conclude()
        ledger = _ledger(run, space, apart)
        if options.earlier:
            take_over(find_finished(options.earlier, replace(space, kept=run.kept_input), run.experiment), run, ledger)
        trials = space.search.trials + ledger.taken
        space = replace(space, search=replace(space.search, trials=trials), kept=run.kept_input)
        frozen = FrozenScores() if apart else frozen_scores(run, ledger)
        left = options.left - (seconds_of_vote(run, ledger, executor.slots()) if options.hours else 0.0)
        guesses = seconds_of_epochs(run, ledger)
        search = _Sitting(options, space, run, ledger, trackers, executor, seconds=left, frozen=frozen, guesses=guesses)
        search.overhead.training += stage.overhead.training if stage else 0.0
        for line in frozen.lines(search.log.measure):
            print(line, flush=True)
        search.work(executor)
    return search.conclude()


def _ledger(run: Run, space: SpaceFile, apart: str) -> Ledger:
    shown = run.measure(target_classes(run.manifest, space.search.target)).score_shown
    return Ledger.open(run.study, first=space.search.first, apart=apart, shown=shown)


def _stage(
    options: Options,
    space: SpaceFile,
    run: Run,
    trackers: Sequence[Tracker],
    executor: Executor,
    first: FirstHeads,
) -> "_Sitting | None":
    """The sitting of the heads that a search begins with; None where they are there."""
    ledger = _ledger(run, space, FEATURES)
    write_down(first, run, ledger, executor.slots())
    if not is_left(ledger):
        return None
    todo = replace(space, search=space.search.apart(len(ledger.numbers)))
    told = FirstTable(run, [frozenset(run.identify(config) for config in table.configs) for table in first.tables])
    whole, sitting = options.left, partial(_Sitting, options, todo, run, ledger, trackers, executor, told=[told])
    # The vote sees the test photos by every network of a table.
    most = (whole - FIXED) / (1 + per_table(run)) if options.hours else whole
    stage = sitting(seconds=min(SHARE * whole, most))
    stage.work(executor)
    if stage.out_of_time and not could_train(run, space.search, ledger, executor.slots(), (1 - SHARE) * whole):
        print(f"{FEATURES}: they take the rest of --hours, which is too short to train a network in", flush=True)
        stage = sitting(seconds=most - (whole - options.left))
        stage.work(executor)
    director = stage.director
    if stage.interrupted or director.disk_full:
        return stage
    write_leaderboard(run, ledger)
    print(stage.log.summary(), flush=True)
    if director.aborted:
        rest = "what is left is fitted with --resume" if director.time.deadline.passed else "the search goes on without"
        why = "its share of --hours is over" if director.time.deadline.passed else director.aborted
        print(f"warning: {FEATURES}: {why}; {rest}", flush=True)
    if stage.tally.counts()["complete"]:
        told.say()
    return stage


class _Sitting:
    """A director with everybody who watches it, from the first job to the last line."""

    def __init__(
        self,
        options: Options,
        space: SpaceFile,
        run: Run,
        ledger: Ledger,
        trackers: Sequence[Tracker],
        executor: Executor,
        *,
        seconds: float,
        frozen: FrozenScores | None = None,
        guesses: Mapping[Kind, float] = MappingProxyType({}),
        told: Sequence[Watcher] = (),
    ) -> None:
        from search.watch.tensorboard import FEW, TensorBoard, known_parameters  # matplotlib takes seconds to import

        clear_stopped(run, ledger)
        self.options, self.run, self.ledger, self.interrupted = options, run, ledger, False
        self.frozen = frozen or FrozenScores()
        s, race, slots = space.search, space.race(), executor.slots()
        measure = run.measure(target_classes(run.manifest, s.target))
        self.tally = Tally(s.epochs * s.folds, s.epochs, Vote(measure), number_of=ledger.number_of)
        passes = partial(under_way, run.store.folder.name)
        votes = epochs_of_vote(run) if options.hours else 0.0
        deadline = Deadline(seconds, s.epochs, s.folds, slots, votes=votes, guesses=guesses)
        self.log = Log(
            s, race.expected_epochs(), self.tally, ledger.apart, ledger.taken, measure=measure, passes=passes
        )
        self.log.limit = lambda: deadline.left
        self.table = LiveTable(self.log, race)
        self.overhead = Overhead(slots, lambda: time.monotonic() - options.began)
        known = known_parameters(space, DataFacts.of(run.manifest))
        ends = FEW if options.hours else FAREWELL  # without a deadline all pictures are drawn
        board = TensorBoard(run, ledger.parameters_of, ledger.number_of, known, executor.in_process, ends)
        tracking = [Tracking(tracker, ledger.parameters_of) for tracker in trackers]
        self.too_short = TooShort(s, deadline, options.hours or 0.0, self._complete)
        self.director: Director = assemble(
            run,
            space,
            ledger,
            race=race,
            deadline=deadline,
            watchers=[self.table, board, Leaderboard(run, ledger), self.overhead, self.too_short, *tracking, *told],
            frozen=frozen,
        )
        self.table.waiting, self.log.ahead = self.director.places.waiting, self.director.places.parallel.training
        trials = ledger.named()
        complete = [name for name, frozen in trials.items() if frozen.state == TrialState.COMPLETE]
        self.tally.remember(trials, {name: run.trial(name) for name in complete}, self.frozen.trials.values())

    def _complete(self) -> int:
        """How many trials could vote, heads on frozen features among them."""
        return self.tally.counts()["complete"] + len(self.frozen.trials)

    def work(self, executor: Executor) -> None:
        """Until the search has ended or was interrupted."""
        director = self.director
        director.interrupt.heed()
        try:
            with self._ended_by_a_full_disk():
                director.resume()
                with director.watchers:
                    executor.execute(director, self.run)
                    director.conclude()
        except KeyboardInterrupt:
            self.interrupted = True
        self.tally.rest()

    @property
    def out_of_time(self) -> bool:
        """Whether the time ended it, with trials left."""
        return not self.interrupted and self.director.time.deadline.passed and is_left(self.ledger)

    @contextmanager
    def _ended_by_a_full_disk(self) -> Iterator[None]:
        """One that the driver itself meets; workers tell of theirs."""
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.director.aborted, self.director.disk_full = f"the disk of {self.run.root} is full", True

    def conclude(self) -> int:
        """The last files and lines: what there is, and the next command."""
        from ensembles.report.write import try_report
        from search.record import write_search_record

        run, director = self.run, self.director
        if self.interrupted:
            print(f"\ninterrupted; all is kept, of unfinished folds the epochs so far\nnext: {self.options.again}")
            return 130
        partial = rescue(run) if self.options.hours and not director.disk_full else None
        if not director.disk_full:
            with self._ended_by_a_full_disk():
                write_leaderboard(run, self.ledger, partial.id if partial else "", ended=True)
                write_search_record(run, self.ledger, director.race)
        print(self.log.summary())
        print(self.overhead.line())
        builds = bool(self.options.hours) and not self.ledger.apart  # which renews the report
        report = None if director.disk_full or builds else try_report(run.root)
        if report is not None:
            print(f"report {report}")
        return self._last_lines(self.tally.counts()["complete"], partial)

    def _last_lines(self, complete: int, partial: Trial | None) -> int:
        run, director, again = self.run, self.director, self.options.again
        if director.proposals.note:
            print(f"warning: {director.proposals.note}")
        if self.options.hours and (director.time.deadline.passed or director.drained):
            print(self._out_of_time(complete))
        if director.aborted and not director.time.deadline.passed:
            print(f"error: {director.aborted}", file=sys.stderr)
            print(f"tracebacks, if trials raised: {run.root}/trials/*/error.txt")
            print(f"once that is mended it goes on\nnext: {again}")
            return 1
        if (queued := self.ledger.queued()) and not self.ledger.apart:  # they wait for the search itself
            print(
                f"{count(queued, 'queued configuration')} not begun: {again} --trials {director.search.trials + queued}"
            )
        heads = len(self.frozen.trials)
        of_them = f", {heads} of them heads on frozen features" if heads else ""
        print(f"leaderboard {run.leaderboard}; {count(complete + heads, 'complete trial')} can be members{of_them}")
        if self.options.hours and not self.ledger.apart and (complete + heads or partial):
            if partial:
                print(self.too_short.sentence())
            most, further = members_in_time(run, self.options.left - FIXED / 3, director.time.deadline.member)
            if vote_in_time(run, self.options.data, most, heads=further, left=lambda: self.options.left):
                return 0
        if not complete + heads:
            if self.options.hours:
                print(f"no trial is complete. {self.too_short.sentence()}\nnext: {again}")
                return 1
            had = director.search.trials - self.ledger.taken
            more = "" if self.ledger.apart else f" --trials N, with N above {had}"
            print(f"no trial is complete\nnext: {again}{more}")
            return 1
        print(after_search(run, director.search.target))
        return 0

    def _out_of_time(self, complete: int) -> str:
        """How `--hours` ended, and the command that does the rest."""
        counts, trials = self.tally.counts(), self.director.search.trials
        begun, given = sum(counts.values()), duration((self.options.hours or 0) * 3600)
        waiting = f" and {counts['waiting']} that wait" if counts["waiting"] else ""
        rest = f"; {count(trials - begun, 'more trial')}{waiting} for another sitting: {self.options.again}"
        early = begun >= trials and not self.director.time.deadline.passed
        rest_of = f"what is left of the {given} is for the vote"
        ended = f"all trials ended, {rest_of}" if early else rest_of
        done = f"--hours: {ended}; {count(complete, 'complete trial')} of {begun} begun"
        return done + (rest if begun < trials else "")


def clear_stopped(run: Run, ledger: Ledger) -> None:
    """Delete again what a dying worker may have written after its trial was stopped."""
    for trial_id, frozen in ledger.named().items():
        if frozen.state == TrialState.PRUNED:
            run.trial(trial_id).delete_leftovers()
    shutil.rmtree(run.ray, ignore_errors=True)
