"""What the driver does with suggestions and reports: ledger first, then the race, then everybody who watches.

Ray's searcher and scheduler (search.executors.ray_tune) are thin adapters of this; it knows no Ray, so tests drive it directly.
"""

import math
import shutil
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from optuna.trial import TrialState

from search.deadline import Deadline, kind_of
from search.interrupt import Interrupt
from search.ledger import Ledger, judged, last_score
from search.parallel_folds import FoldsAhead
from search.proposals import Proposals
from search.race import GO, STOP, WAIT, Race
from search.retries import Deaths
from search.space import Search
from search.watch.vote import Votes
from trainable.config import TrialConfig
from trainable.files import read_json, write_text
from trainable.run.paths import RunPaths

FIRST_FAILURES = 3


class Watcher(Protocol):
    """Somebody who looks on: the table, TensorBoard, the leaderboard."""

    def began(self, trial_id: str) -> None: ...
    def reported(self, trial_id: str, report: dict[str, Any]) -> None: ...
    def ended(self, trial_id: str, state: str, reason: str) -> None: ...


@dataclass
class Director:
    """One search: hands out configurations, takes reports, decides."""

    paths: RunPaths
    search: Search
    ledger: Ledger
    race: Race
    proposals: Proposals
    watchers: list[Watcher]
    votes: Votes | None = None  # of the complete trials, for SEARCH.objective = "ensemble"
    deadline: Deadline = field(default_factory=Deadline)
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)  # this driver's token, see trainable.files.fence
    unfinished: deque[str] = field(default_factory=deque)  # of an earlier process, to go on first
    waiting: set[str] = field(default_factory=set)  # at a rung
    running: set[str] = field(default_factory=set)
    ahead: FoldsAhead = field(init=False)
    interrupt: Interrupt = field(default_factory=Interrupt)
    aborted: str = ""  # why the search ends: running trials are stopped at their next report
    all_rows: bool = False  # its trials have folds
    _kinds: dict[str, tuple] = field(default_factory=dict)  # of the trials that ran here, see search.deadline
    _deaths: Deaths = field(default_factory=Deaths)
    _failures: int = 0
    _successes: int = 0

    def __post_init__(self) -> None:
        self.ahead = FoldsAhead(self.paths, self.search.epochs, self.search.folds)

    def resume(self) -> None:
        """Take the run over: rebuild rungs, race and queues from the ledger.

        What a crash left between a report and its consequences is settled here.
        """
        write_text(self.paths.owner, self.owner)
        self.ledger.drop_unnamed()
        named = self.ledger.named()
        for trial_id, frozen in named.items():
            for step in sorted(frozen.intermediate_values):
                self.race.record(trial_id, step, frozen.intermediate_values[step], judged(frozen, step))
            if self.votes is not None and frozen.value is not None and frozen.state == TrialState.COMPLETE:
                self.votes.add(trial_id, frozen.value)
        for trial_id, frozen in named.items():
            self._successes += frozen.state in (TrialState.COMPLETE, TrialState.PRUNED)
            if frozen.state != TrialState.RUNNING:
                continue
            last = last_score(frozen)
            if last is not None and last[0] in self.race.rungs:
                # The race finds again whom it had let go on.
                self.waiting.add(trial_id)
                self._tell("ended", trial_id, "waiting", "at its rung")
            elif last is None or self._settle(trial_id, *last):
                self.unfinished.append(trial_id)
        self._stop_hopeless()

    @property
    def drained(self) -> bool:
        """No new trials are to come."""
        return len(self.ledger.numbers) >= self.search.trials or bool(self.proposals.note) or self.deadline.closing

    def next_job(self) -> tuple[str, TrialConfig, int | None] | None:
        """What a free worker does: a trial, or one fold of a trial ahead of its turn; None: nothing now.

        Folds of trials that are past their rungs come before new trials while the race would stop none of them: they
        are wanted in any case, and a search that finishes what it has begun has its first complete trials sooner.
        """
        self.interrupt.check()
        finish_first = self.race.lets_all_finish
        found = self.next_trial(fresh=not finish_first)
        if found is None and (fold := self.next_fold()) is not None:
            return fold
        if found is None and finish_first:
            found = self.next_trial()
        return (*found, None) if found else None

    def next_trial(self, *, fresh: bool = True) -> tuple[str, TrialConfig] | None:
        """Unfinished trials first, then promotions, then, if `fresh`, a new one."""
        if self.aborted:
            return None
        trial_id = self.unfinished.popleft() if self.unfinished else self._promote()
        if trial_id is not None:
            config = self._config(trial_id)
        elif not fresh or self.drained or (found := self.proposals.next(self._fits)) is None:
            return None
        else:
            trial_id, config = found
        self.running.add(trial_id)
        self._kinds[trial_id] = kind_of(config)
        self._tell("began", trial_id)
        return trial_id, config

    def next_fold(self) -> tuple[str, TrialConfig, int] | None:
        """A later fold of a trial that is past its rungs, ahead of its turn."""
        if self.aborted:
            return None
        taken = self.ahead.take({t: self.told(t) for t in self.running | self.ahead.parked})
        return (taken[0], self._config(taken[0]), taken[1]) if taken else None

    @property
    def finished(self) -> bool:
        """Nothing runs, nothing can be promoted, nothing new is to come."""
        idle = not (self.running or self.unfinished or self.ahead.training)
        return bool(self.aborted) or (idle and self.drained)

    def conclude(self) -> None:
        """End what still waits when the search is over: none of it can go on."""
        if not self.aborted and self.drained and not self.running:
            for trial_id in list(self.waiting):
                self._stop(trial_id, "not among the best when the search ended")

    def told(self, trial_id: str) -> int:
        """The last step of a trial that the ledger holds, 0 at its beginning."""
        last = last_score(self.ledger.find(trial_id))
        return last[0] if last else 0

    def report(self, trial_id: str, report: dict[str, Any]) -> bool:
        """Take a trial's report (trainable.train.Report as a dict, or {"error": traceback}).

        False: its worker is to be free, because the trial has ended or waits.
        """
        self.interrupt.check()
        if "error" in report:
            self.failed(trial_id, report["error"])
            return False
        if "fatal" in report:  # not the trial's fault: it stays unfinished, for --resume
            self.aborted = report["fatal"]
        if self.deadline.passed:
            self.aborted = "the deadline has come"
        if self.aborted:
            self.running.discard(trial_id)
            return False
        self._tell("reported", trial_id, report)
        self.deadline.heard(self._kinds[trial_id], report["metrics"].get("seconds", 0.0))
        step, score = report["step"], report["score"]
        if not report["decides"] or step <= self.told(trial_id):
            return True
        value = self._judge(trial_id, step, score)
        self.ledger.report(trial_id, step, score)
        self.race.record(trial_id, step, score, value)
        go = self._settle(trial_id, step, score)
        self._stop_hopeless()
        if go and report["fold_done"] and (trial_id, report["fold"] + 1) in self.ahead.training:
            self.running.discard(trial_id)
            self.ahead.parked.add(trial_id)
            self._tell("ended", trial_id, "waiting", f"for fold {report['fold'] + 1}, which another worker trains")
            return False
        return go

    def report_ahead(self, trial_id: str, fold: int, report: dict[str, Any]) -> bool:
        """Take the report of a fold that is trained ahead; False: its worker is to be free."""
        self.aborted = self.aborted or report.get("fatal", "")
        wanted = trial_id in self.running or trial_id in self.ahead.parked
        if wanted and not self.aborted and not self.deadline.passed and report.get("fold_done") is False:
            return True
        self.end_ahead(trial_id, fold)
        return False

    def end_ahead(self, trial_id: str, fold: int) -> None:
        """A fold is no longer trained ahead: it is finished, its trial was stopped, or its worker failed.

        A failure decides nothing: the trial meets it itself when the fold's turn comes.
        """
        if self.ahead.end(trial_id, fold, self.told(trial_id)):
            self.unfinished.append(trial_id)
        if self.ledger.find(trial_id).state in (TrialState.PRUNED, TrialState.FAIL):
            self.paths.trial(trial_id).delete_leftovers()

    def died(self, trial_id: str) -> None:
        """A trial's process or node died: another goes on from its last epoch, unless that happened too often."""
        if trial_id not in self.running:
            return
        if cause := self._deaths.one_more(trial_id):
            self.failed(trial_id, cause)
            return
        self.running.discard(trial_id)
        self.unfinished.appendleft(trial_id)
        self._tell("ended", trial_id, "waiting", "its process died; another goes on from its last epoch")

    def failed(self, trial_id: str, trace: str) -> None:
        """A trial raised, or its process died too often: it is FAIL, its traceback is kept, the search goes on."""
        cause = trace.strip().splitlines()[-1]
        write_text(self.paths.trial(trial_id).error, trace)
        self.ledger.fail(trial_id, cause)
        self._failures += 1
        if self._failures == FIRST_FAILURES and not self._successes:
            self.aborted = f"the first {FIRST_FAILURES} trials all failed; the last: {cause}"
        self._end(trial_id, "failed", cause)

    def _config(self, trial_id: str) -> TrialConfig:
        return TrialConfig.from_dict(read_json(self.paths.trial(trial_id).config))

    def _fits(self, config: TrialConfig) -> bool:
        return self.deadline.fits(kind_of(config))

    def _promote(self) -> str | None:
        trial_id = self.race.promote(self.waiting, drained=self.drained)
        if trial_id is not None:
            self.waiting.discard(trial_id)
        return trial_id

    def _judge(self, trial_id: str, step: int, score: float) -> float | None:
        """What the trial is judged by at this step, if that is not its score; fixed from here on by the ledger."""
        full = self.search.epochs * self.search.folds
        if self.votes is None or step not in (self.search.epochs, full) or not math.isfinite(score):
            return None
        value = self.votes.with_trial(trial_id, complete=step == full)
        self.ledger.judge(trial_id, step, value)
        return value

    def _settle(self, trial_id: str, step: int, score: float) -> bool:
        """The consequences of a score that the ledger holds; True when the trial goes on now."""
        if step == self.search.epochs * self.search.folds and math.isfinite(score):
            oof = read_json(self.paths.trial(trial_id).result)["oof_macro_f1"]
            self.ledger.complete(trial_id, oof)
            if self.votes is not None:
                self.votes.add(trial_id, oof)
            self._end(trial_id, "complete", "")
            return False
        verdict = self.race.decide(trial_id, step, score, drained=self.drained)
        if verdict.action == WAIT:
            self.running.discard(trial_id)
            self.waiting.add(trial_id)
            self._tell("ended", trial_id, "waiting", verdict.reason)
        elif verdict.action == STOP:
            self._stop(trial_id, verdict.reason)
        return verdict.action == GO

    def _stop_hopeless(self) -> None:
        for trial_id, reason in self.race.hopeless(self.waiting):
            self._stop(trial_id, reason)

    def _stop(self, trial_id: str, reason: str) -> None:
        self.ledger.stop(trial_id, reason)
        self._end(trial_id, "stopped", reason)

    def _end(self, trial_id: str, state: str, reason: str) -> None:
        self.running.discard(trial_id)
        self.waiting.discard(trial_id)
        self._successes += state != "failed"
        if state != "complete":
            self.paths.trial(trial_id).delete_leftovers()
        self._tell("ended", trial_id, state, reason)

    def _tell(self, event: str, *arguments: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, event)(*arguments)


def clear_stopped(paths: RunPaths, ledger: Ledger) -> None:
    """Delete again what a dying worker may have written after its trial was stopped."""
    for trial_id, frozen in ledger.named().items():
        if frozen.state in (TrialState.PRUNED, TrialState.FAIL):
            paths.trial(trial_id).delete_leftovers()
    shutil.rmtree(paths.ray, ignore_errors=True)
