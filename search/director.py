"""What a search does with suggestions and messages: ledger first, then the race, then everybody who watches.

It knows neither Ray nor a clock's speed: executors (search.executors) hand it messages, and tests drive it directly.
"""

import math
import uuid
from dataclasses import dataclass, field

from optuna.trial import TrialState

from search.interrupt import Interrupt
from search.jobs import TIME_OVER, AllFolds, Died, Failed, Fatal, Job, Message, OneFold, claimed
from search.ledger import Ledger, last_score
from search.places import Places
from search.proposals import Proposals
from search.race import GO, STOP, WAIT, Race
from search.retries import Deaths
from search.space import Search
from search.time_plan import TimePlan
from search.watch import Watchers
from trainable.files import write_text
from trainable.run import Run, Trial
from trainable.training.report import Report

FIRST_FAILURES = 3


@dataclass
class Director:
    """One sitting of a search: hands out jobs, takes messages, decides. Made by `search.assemble`.

    places: where its trials are. time: what `--hours` says of them. owner: this driver's token, see
    trainable.files.fence. aborted: why the search ends, when it does so early; running trials are stopped at their
    next message. disk_full: that is why.
    """

    run: Run
    search: Search
    ledger: Ledger
    race: Race
    proposals: Proposals
    watchers: Watchers
    places: Places
    time: TimePlan
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    interrupt: Interrupt = field(default_factory=Interrupt)
    aborted: str = ""
    disk_full: bool = False
    _deaths: Deaths = field(default_factory=Deaths)
    _failures: int = 0
    _successes: int = 0

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
            self.places.complete += frozen.state == TrialState.COMPLETE
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
        return self.time.enough

    @property
    def expired(self) -> bool:
        """Whether nothing may go on any more, not even what is under way."""
        return self.time.deadline.passed

    @property
    def finished(self) -> bool:
        """No job will come any more."""
        idle = not (self.places.running or self.places.unfinished or self.places.parallel.training)
        return bool(self.aborted) or (idle and self.drained)

    def next_job(self) -> Job | None:
        """What a free worker does: a trial, or one fold of a trial before its turn; None: nothing now.

        Folds of trials that are past their rungs come before new trials while the race would stop none of them: they
        are wanted in any case, and a search that finishes what it has begun has its first complete trials sooner.
        """
        self.interrupt.check()
        self.time.weigh()
        sure = self.time.sure(drained=self.drained)
        finish_first = self.race.lets_all_finish or bool(sure)
        if sure and not self.time.empty and (fold := self.next_fold()):
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
        trial = self.places.unfinished.popleft() if self.places.unfinished else self._promoted()
        if trial is None and fresh and not self.drained:
            trial = self.proposals.next(self.time.fits, again=self.time.again())
        if trial is None:
            return None
        self.places.running[trial.id] = trial
        step = self.places.steps.setdefault(trial.id, 0)
        self.watchers.began(trial)
        after = max(step, self.places.heard.get(trial.id, 0))
        return claimed(AllFolds(trial, self.owner, after, rungs=self.time.rungs()))

    def next_fold(self) -> OneFold | None:
        """A later fold of a trial that is past its rungs, before its turn."""
        if self.aborted or self.time.deadline.passed:
            return None
        sure, places = self.time.sure(drained=self.drained), self.places
        ahead = sure if self.drained else sure | self.race.ahead
        lasting = [
            (trial, places.steps[name])
            for name, trial in places.busy.items()
            if self.time.deadline.lasts(self.time.pace(trial), self.search.epochs)
        ]
        found = places.parallel.take(lasting, ahead, furthest=bool(sure))
        return claimed(OneFold(*found, self.owner)) if found else None

    def hear(self, job: Job, message: Message) -> bool:
        """Take a message of a job; False: its worker is to be free, because the trial has ended or waits."""
        self.interrupt.check()
        if isinstance(message, Fatal):  # not the trial's fault: it stays unfinished, for --resume
            self.aborted, self.disk_full = message.reason, message.disk_full
        elif self.time.deadline.passed:
            self.aborted = self.aborted or TIME_OVER
        if isinstance(job, OneFold):
            return self._hear_fold(job, message)
        if isinstance(message, Died):
            self._died(job.trial, message.reason)
        elif isinstance(message, Failed):
            self._fail(job.trial, message.traceback)
        elif self.aborted or not isinstance(message, Report):
            self.places.running.pop(job.trial.id, None)
        else:
            return self._hear_report(job.trial, message)
        return False

    def conclude(self) -> None:
        """End what still waits when the search is over: none of it can go on."""
        if not self.aborted and self.drained and not self.places.running:
            for trial in list(self.places.waiting.values()):
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
        self.places.steps[trial.id] = last[0] if last else 0
        if last is not None and last[0] in self.race.rungs:
            self.places.waiting[trial.id] = trial  # the race finds again whom it had let go on
            self.watchers.ended(trial, "waiting", "at its rung")
        elif last is None or self._settle(trial, *last):
            self.places.unfinished.append(trial)

    def _hear_report(self, trial: Trial, report: Report) -> bool:
        if trial.id not in self.places.running:  # said before it was told that the trial is over
            return False
        self.places.heard[trial.id] = report.step
        self.watchers.reported(trial, report)
        self.time.heard(trial, report)
        if not report.decides or report.step <= self.places.steps[trial.id]:
            return self._goes_on(trial, report.step)
        self.ledger.report(trial.id, report.step, report.score)
        self.places.steps[trial.id] = report.step
        self.race.record(trial.id, report.step, report.score)
        go = self._settle(trial, report.step, report.score)
        self._stop_hopeless()
        if go and report.fold_done and self.places.parallel.is_training(trial.id, report.fold + 1):
            self._park(trial, report.fold + 1)
            return False
        return go and self._goes_on(trial, report.step)

    def _goes_on(self, trial: Trial, step: int) -> bool:
        if self.time.lasts(trial, step):
            return True
        self.places.late[trial.id] = self.places.running.pop(trial.id)
        self.watchers.ended(trial, "waiting", "the time is not enough for its next epochs")
        return False

    def _one_more(self) -> AllFolds | None:
        while self.drained and self.time.one_more():
            if (job := self.next_trial()) is not None:
                return job
        return None

    def _hear_fold(self, job: OneFold, message: Message) -> bool:
        """A failure, or one death too many, decides nothing: the trial meets it itself when the fold's turn comes."""
        trial_id, failed = job.trial.id, isinstance(message, Failed)
        if isinstance(message, Died):
            done = len(job.trial.fold(job.fold).epochs())
            failed = bool(self._deaths.one_more(f"{trial_id}/{job.part}", done))
        wanted = trial_id in self.places.busy
        if isinstance(message, Report):
            self.time.heard(job.trial, message)
            self.places.parallel.heard(trial_id, job.fold, message.step)
            rest = self.search.epochs - message.step % self.search.epochs
            lasts = self.time.deadline.lasts(self.time.pace(job.trial), rest)
            if wanted and not self.aborted and not message.fold_done and lasts:
                return True
        done = isinstance(message, Report) and message.fold_done
        parked = self.places.parallel.end(
            trial_id, job.fold, self.places.steps.get(trial_id, 0), failed=failed, done=done
        )
        if parked is not None:
            self.places.unfinished.append(parked)
        if not wanted and self.ledger.find(trial_id).state == TrialState.PRUNED:
            job.trial.delete_leftovers()
        return False

    def _park(self, trial: Trial, fold: int) -> None:
        self.places.parallel.parked[trial.id] = self.places.running.pop(trial.id)
        self.watchers.ended(trial, "waiting", f"for fold {fold}, which another worker trains")

    def _died(self, trial: Trial, reason: str) -> None:
        """Another worker goes on from the last epoch, unless that was tried too often without getting on."""
        if trial.id not in self.places.running:
            return
        if cause := self._deaths.one_more(trial.id, sum(len(fold.epochs()) for fold in trial.folds()), reason):
            self._fail(trial, cause)
            return
        self.places.unfinished.appendleft(self.places.running.pop(trial.id))
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

    def _promoted(self) -> Trial | None:
        trial_id = self.race.promote(self.time.able(), drained=self.drained)
        return None if trial_id is None else self.places.waiting.pop(trial_id)

    def _settle(self, trial: Trial, step: int, score: float) -> bool:
        """The consequences of a score that the ledger holds; True when the trial goes on now."""
        if step == self.full and math.isfinite(score):
            self.ledger.complete(trial.id, trial.result.oof_score)
            self.places.complete += 1
            self._end(trial, "complete", "")
            return False
        verdict = self.race.decide(trial.id, step, score, drained=self.drained)
        if verdict.action == WAIT:
            self.places.running.pop(trial.id, None)
            self.places.waiting[trial.id] = trial
            self.watchers.ended(trial, "waiting", verdict.reason)
        elif verdict.action == STOP:
            self._stop(trial, verdict.reason)
        return verdict.action == GO

    def _stop_hopeless(self) -> None:
        for trial_id, reason in self.race.hopeless(self.places.waiting):
            self._stop(self.places.waiting[trial_id], reason)

    def _stop(self, trial: Trial, reason: str) -> None:
        self.ledger.stop(trial.id, reason)
        self._end(trial, "stopped", reason)

    def _end(self, trial: Trial, state: str, reason: str) -> None:
        self.places.forget(trial.id)
        self._successes += state != "failed"
        if state == "stopped":  # one that failed goes on from its last epoch when the search is resumed
            trial.delete_leftovers()
        self.watchers.ended(trial, state, reason)
