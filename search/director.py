"""What a search does with suggestions and messages: ledger first, then the race, then everybody who watches.

It knows neither Ray nor a clock's speed: executors (search.executors) hand it messages, and tests drive it directly.
"""

import math
import uuid
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from optuna.trial import TrialState

from search.deadline import Deadline, kind_of
from search.interrupt import Interrupt
from search.jobs import TIME_OVER, AllFolds, Died, Failed, Fatal, Job, Message, OneFold, claimed
from search.ledger import Ledger, last_score
from search.parallel_folds import ParallelFolds
from search.proposals import Proposals
from search.race import GO, STOP, WAIT, Race
from search.retries import Deaths
from search.space import Search
from search.watch import Watchers
from trainable.config import TrialConfig
from trainable.files import write_text
from trainable.run import Run, Trial
from trainable.training.report import Report

FIRST_FAILURES = 3
RACING = 12  # trials that the time is worth, from which on trials are promoted while new ones are to come


@dataclass
class Director:
    """One sitting of a search: hands out jobs, takes messages, decides. Made by `search.assemble`.

    owner: this driver's token, see trainable.files.fence. unfinished: trials of an earlier process, to go on first.
    waiting: at a rung. late: none of whose epochs can end in time any more. steps: epochs that the ledger holds, of
    each trial that is not over. aborted: why the search ends, when it does so early; running trials are stopped at
    their next message. disk_full: that is why.
    """

    run: Run
    search: Search
    ledger: Ledger
    race: Race
    proposals: Proposals
    watchers: Watchers
    deadline: Deadline = field(default_factory=Deadline)
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    unfinished: deque[Trial] = field(default_factory=deque)
    waiting: dict[str, Trial] = field(default_factory=dict)
    running: dict[str, Trial] = field(default_factory=dict)
    late: dict[str, Trial] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    interrupt: Interrupt = field(default_factory=Interrupt)
    aborted: str = ""
    disk_full: bool = False
    parallel: ParallelFolds = field(init=False)
    _heard: dict[str, int] = field(default_factory=dict)  # the last epoch of each, also of those that decide nothing
    _deaths: Deaths = field(default_factory=Deaths)
    _failures: int = 0
    _successes: int = 0
    _complete: int = 0
    _more: int = 0  # that go on than the plan had thought

    def __post_init__(self) -> None:
        self.parallel = ParallelFolds(self.search.epochs, self.search.folds)

    @property
    def full(self) -> int:
        """Epochs of a trial that runs all its folds."""
        return self.search.epochs * self.search.folds

    def resume(self) -> None:
        """Take the run over: rebuild rungs, race and queues from the ledger.

        What a crash left between a message and its consequences is settled here. Trials that failed are tried again.
        """
        write_text(self.run.owner, self.owner)
        self.ledger.drop_unnamed()
        named = self.ledger.named()
        for trial_id, frozen in named.items():
            for step in sorted(frozen.intermediate_values):
                self.race.record(trial_id, step, frozen.intermediate_values[step])
        for trial_id, frozen in named.items():
            trial = self.run.trial(trial_id)
            self._successes += frozen.state in (TrialState.COMPLETE, TrialState.PRUNED)
            self._complete += frozen.state == TrialState.COMPLETE
            if frozen.state == TrialState.FAIL:
                self._again(trial)
            elif frozen.state == TrialState.RUNNING:
                self._take_up(trial, last_score(frozen))
        self._stop_hopeless()

    @property
    def drained(self) -> bool:
        """No new trials are to come."""
        if len(self.ledger.numbers) >= self.search.trials or self.proposals.note:
            return True
        return self._enough() if self.planned else self.deadline.passed

    @property
    def planned(self) -> bool:
        """Whether the time left decides how many are tried and how many completed; not of trials that are apart."""
        return self.deadline.given and not self.ledger.apart

    @property
    def expired(self) -> bool:
        """Whether nothing may go on any more, not even what is under way."""
        return self.deadline.passed

    @property
    def empty(self) -> bool:
        """Whether nothing could vote yet, so that one trial is to be complete before anything else."""
        return not (self._complete or self.proposals.frozen.trials)

    @property
    def finished(self) -> bool:
        """No job will come any more."""
        idle = not (self.running or self.unfinished or self.parallel.training)
        return bool(self.aborted) or (idle and self.drained)

    def next_job(self) -> Job | None:
        """What a free worker does: a trial, or one fold of a trial before its turn; None: nothing now.

        Folds of trials that are past their rungs come before new trials while the race would stop none of them: they
        are wanted in any case, and a search that finishes what it has begun has its first complete trials sooner.
        """
        self.interrupt.check()
        self._weigh()
        sure = self._sure()
        finish_first = self.race.lets_all_finish or bool(sure)
        if sure and not self.empty and (fold := self.next_fold()):
            return fold  # one complete after another: what the time does not suffice for is the last of them
        return (
            self.next_trial(fresh=not finish_first)
            or self.next_fold()
            or (self.next_trial() if finish_first else None)
            or self._one_more()
        )

    def next_trial(self, *, fresh: bool = True) -> AllFolds | None:
        """Unfinished trials first, then promotions, then, if `fresh`, a new one."""
        if self.aborted:
            return None
        trial = self.unfinished.popleft() if self.unfinished else self._promoted()
        if trial is None and fresh and not self.drained:
            trial = self.proposals.next(self._fits)
        if trial is None:
            return None
        self.running[trial.id] = trial
        step = self.steps.setdefault(trial.id, 0)
        self.watchers.began(trial)
        after = max(step, self._heard.get(trial.id, 0))
        # Where nothing could vote yet, any epoch may be the last that the time suffices for.
        rungs = range(1, self.search.epochs) if self.planned and self.empty else self.race.rungs
        return claimed(AllFolds(trial, self.owner, after, rungs=tuple(rungs)))

    def next_fold(self) -> OneFold | None:
        """A later fold of a trial that is past its rungs, before its turn."""
        if self.aborted or self.deadline.passed:
            return None
        busy, sure = {**self.running, **self.parallel.parked}, self._sure()
        lasting = {i: t for i, t in busy.items() if self.deadline.lasts(self._pace(t), self.search.epochs)}
        found = self.parallel.take(((t, self.steps[i]) for i, t in lasting.items()), sure, furthest=bool(sure))
        return claimed(OneFold(*found, self.owner)) if found else None

    def hear(self, job: Job, message: Message) -> bool:
        """Take a message of a job; False: its worker is to be free, because the trial has ended or waits."""
        self.interrupt.check()
        if isinstance(message, Fatal):  # not the trial's fault: it stays unfinished, for --resume
            self.aborted, self.disk_full = message.reason, message.disk_full
        elif self.deadline.passed:
            self.aborted = self.aborted or TIME_OVER
        if isinstance(job, OneFold):
            return self._hear_fold(job, message)
        if isinstance(message, Died):
            self._died(job.trial, message.reason)
        elif isinstance(message, Failed):
            self._fail(job.trial, message.traceback)
        elif self.aborted or not isinstance(message, Report):
            self.running.pop(job.trial.id, None)
        else:
            return self._hear_report(job.trial, message)
        return False

    def conclude(self) -> None:
        """End what still waits when the search is over: none of it can go on."""
        if not self.aborted and self.drained and not self.running:
            for trial in list(self.waiting.values()):
                self._stop(trial, "not among the best when the search ended")

    def _again(self, trial: Trial) -> None:
        """Try a trial that failed in an earlier sitting once more, from its last epoch."""
        self.ledger.retry(trial.id)
        trial.error.unlink(missing_ok=True)
        for k in [None, *range(self.search.folds)]:
            trial.hung(k).unlink(missing_ok=True)
        self._take_up(trial, last_score(self.ledger.find(trial.id)))

    def _take_up(self, trial: Trial, last: tuple[int, float] | None) -> None:
        """Find the place of a trial that an earlier process left; last: (step, score) that the ledger holds."""
        self.steps[trial.id] = last[0] if last else 0
        if last is not None and last[0] in self.race.rungs:
            self.waiting[trial.id] = trial  # the race finds again whom it had let go on
            self.watchers.ended(trial, "waiting", "at its rung")
        elif last is None or self._settle(trial, *last):
            self.unfinished.append(trial)

    def _hear_report(self, trial: Trial, report: Report) -> bool:
        if trial.id not in self.running:  # said before it was told that the trial is over
            return False
        self._heard[trial.id] = report.step
        self.watchers.reported(trial, report)
        self._time(trial, report)
        if not report.decides or report.step <= self.steps[trial.id]:
            return self._lasts(trial, report.step)
        self.ledger.report(trial.id, report.step, report.score)
        self.steps[trial.id] = report.step
        self.race.record(trial.id, report.step, report.score)
        go = self._settle(trial, report.step, report.score)
        self._stop_hopeless()
        if go and report.fold_done and self.parallel.is_training(trial.id, report.fold + 1):
            self._park(trial, report.fold + 1)
            return False
        return go and self._lasts(trial, report.step)

    def _lasts(self, trial: Trial, step: int) -> bool:
        """Whether a trial goes on to its next epoch: it can end in time, and so can its fold.

        Where no fold is done at all, the last epoch that can end is all that there will be.
        """
        fold, inside = divmod(step, self.search.epochs)
        if not self.planned or (trial.id, fold) in self.parallel.done:  # told again, which takes no time
            return True
        rest = self.search.epochs - inside
        hopeless = (
            self.empty and not self.parallel.done and not any(n >= self.search.epochs for n in self.steps.values())
        )
        if self.deadline.lasts(self._pace(trial), 1 if hopeless else rest):
            return True
        self.late[trial.id] = self.running.pop(trial.id)
        self.watchers.ended(trial, "waiting", "its next epochs cannot end by the deadline")
        return False

    def _time(self, trial: Trial, report: Report) -> None:
        """Learn what an epoch takes."""
        for whose in (trial.id, kind_of(trial.config)):
            self.deadline.heard(whose, report.metrics.get("seconds", 0.0))

    def _pace(self, trial: Trial) -> Hashable:
        """By what its epochs are known best: itself, or its kind."""
        return trial.id if trial.id in self.deadline.costs else kind_of(trial.config)

    def _weigh(self) -> None:
        """What the time left says of how many are to be complete."""
        if self.planned:
            self.race.members = self.deadline.wanted(self.search.members) + self._more
            self.race.sure = int(self.empty) if self.empty or self.deadline.worth < RACING else None

    def _enough(self) -> bool:
        """Whether those that were begun are enough: completing the furthest of them takes what is left."""
        begun = {**self.running, **self.parallel.parked, **self.waiting, **{t.id: t for t in self.unfinished}}
        wanted = max(0, self.race.members - self._complete)
        if self.deadline.passed or not wanted or len(begun) < wanted:
            return self.deadline.passed
        likely = self.race.best_of(begun)[:wanted]
        return self.deadline.closes([(self._pace(begun[name]), self._done(name)) for name in likely])

    def _sure(self) -> set[str]:
        """Trials at work that go on whatever comes, so that their folds need not wait for their turn."""
        if not self.planned:
            return set()
        if self.empty:
            return {self._eldest()} - {""}
        first = min(self.race.rungs)
        busy = {**self.running, **self.parallel.parked}
        return {name for name in busy if name in self.race.beyond[first]} if self.drained else set()

    def _one_more(self) -> AllFolds | None:
        """One more goes on from its rung than was thought, where there is time for it: none idles."""
        while self.planned and self.waiting and self.race.members < len(self.ledger.numbers) and self.drained:
            self._more += 1
            self._weigh()
            if (job := self.next_trial()) is not None:
                return job
        return None

    def _done(self, trial_id: str) -> int:
        """Epochs that a trial has done, by whichever worker."""
        step = max(self.steps.get(trial_id, 0), self._heard.get(trial_id, 0))
        return step + self.parallel.epochs_ahead(trial_id, step)

    def _eldest(self) -> str:
        """The trial at work that began first; empty where there is none."""
        return next((name for name in self.ledger.numbers if name in self.running or name in self.parallel.parked), "")

    def _hear_fold(self, job: OneFold, message: Message) -> bool:
        """A failure, or one death too many, decides nothing: the trial meets it itself when the fold's turn comes."""
        trial_id, failed = job.trial.id, isinstance(message, Failed)
        if isinstance(message, Died):
            done = len(job.trial.fold(job.fold).epochs())
            failed = bool(self._deaths.one_more(f"{trial_id}/{job.part}", done))
        wanted = trial_id in self.running or trial_id in self.parallel.parked
        if isinstance(message, Report):
            self._time(job.trial, message)
            rest = self.search.epochs - message.step % self.search.epochs
            lasts = self.deadline.lasts(self._pace(job.trial), rest)
            if wanted and not self.aborted and not message.fold_done and lasts:
                return True
        done = isinstance(message, Report) and message.fold_done
        parked = self.parallel.end(trial_id, job.fold, self.steps.get(trial_id, 0), failed=failed, done=done)
        if parked is not None:
            self.unfinished.append(parked)
        if not wanted and self.ledger.find(trial_id).state == TrialState.PRUNED:
            job.trial.delete_leftovers()
        return False

    def _park(self, trial: Trial, fold: int) -> None:
        self.parallel.parked[trial.id] = self.running.pop(trial.id)
        self.watchers.ended(trial, "waiting", f"for fold {fold}, which another worker trains")

    def _died(self, trial: Trial, reason: str) -> None:
        """Another worker goes on from the last epoch, unless that was tried too often without getting on."""
        if trial.id not in self.running:
            return
        if cause := self._deaths.one_more(trial.id, sum(len(fold.epochs()) for fold in trial.folds()), reason):
            self._fail(trial, cause)
            return
        self.unfinished.appendleft(self.running.pop(trial.id))
        self.watchers.ended(trial, "waiting", f"{reason or 'its process died'}; another goes on from its last epoch")

    def _fail(self, trial: Trial, trace: str) -> None:
        """Its traceback is kept, and the search goes on, unless nothing but failures came so far."""
        cause = Failed(trace).cause
        write_text(trial.error, trace)
        self.ledger.fail(trial.id, cause)
        self._failures += 1
        if self._failures == FIRST_FAILURES and not self._successes:
            self.aborted = f"the first {FIRST_FAILURES} trials all failed; the last: {cause}"
        self._end(trial, "failed", cause)

    def _fits(self, config: TrialConfig) -> bool:
        return not self.planned or self.deadline.fits(kind_of(config))

    def _promoted(self) -> Trial | None:
        able = {i for i, t in self.waiting.items() if self.deadline.fits(self._pace(t), self._done(i))}
        trial_id = self.race.promote(able if self.planned else self.waiting, drained=self.drained)
        return None if trial_id is None else self.waiting.pop(trial_id)

    def _settle(self, trial: Trial, step: int, score: float) -> bool:
        """The consequences of a score that the ledger holds; True when the trial goes on now."""
        if step == self.full and math.isfinite(score):
            self.ledger.complete(trial.id, trial.result.oof_score)
            self._complete += 1
            self._end(trial, "complete", "")
            return False
        verdict = self.race.decide(trial.id, step, score, drained=self.drained)
        if verdict.action == WAIT:
            self.running.pop(trial.id, None)
            self.waiting[trial.id] = trial
            self.watchers.ended(trial, "waiting", verdict.reason)
        elif verdict.action == STOP:
            self._stop(trial, verdict.reason)
        return verdict.action == GO

    def _stop_hopeless(self) -> None:
        for trial_id, reason in self.race.hopeless(self.waiting):
            self._stop(self.waiting[trial_id], reason)

    def _stop(self, trial: Trial, reason: str) -> None:
        self.ledger.stop(trial.id, reason)
        self._end(trial, "stopped", reason)

    def _end(self, trial: Trial, state: str, reason: str) -> None:
        for place in (self.running, self.waiting, self.steps, self._heard):
            place.pop(trial.id, None)
        self._successes += state != "failed"
        if state == "stopped":  # one that failed goes on from its last epoch when the search is resumed
            trial.delete_leftovers()
        self.watchers.ended(trial, state, reason)
