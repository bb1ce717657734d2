"""What the driver does with suggestions and reports: ledger first, then the race, then everybody who watches.

Ray's searcher and scheduler (search.tuner) are thin adapters of this; it knows no Ray, so tests drive it directly.
"""

import shutil
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from optuna.trial import TrialState

from search.ledger import REASON, Ledger, last_score
from search.race import Race
from search.space import DataFacts, Search, SpaceFile
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.files import read_json, write_json, write_text
from trainable.store import RunPaths

FIRST_FAILURES = 3
ATTEMPTS = 50  # suggestions in a row that may be known already, or invalid


class Watcher(Protocol):
    """Somebody who looks on: the table, TensorBoard, the leaderboard."""

    def began(self, trial_id: str) -> None: ...
    def reported(self, trial_id: str, report: dict[str, Any]) -> None: ...
    def ended(self, trial_id: str, state: str, reason: str) -> None: ...


@dataclass
class Director:
    """One search: hands out configurations, takes reports, decides."""

    paths: RunPaths
    space: SpaceFile
    search: Search
    data: DataFacts
    folds_fingerprint: str
    ledger: Ledger
    race: Race
    watchers: list[Watcher]
    unfinished: deque[str] = field(default_factory=deque)
    aborted: str = ""  # why the search ends: running trials are stopped at their next report
    note: str = ""  # why there were fewer trials than asked for
    _failures: int = 0
    _successes: int = 0

    def resume(self) -> None:
        """Rebuild rungs, race and queue from the ledger; settle what a crash left between report and decision."""
        self.ledger.drop_unnamed()
        for trial_id, frozen in self.ledger.named().items():
            for step in sorted(frozen.intermediate_values):
                self.race.record(trial_id, step, frozen.intermediate_values[step])
        for trial_id, frozen in self.ledger.named().items():
            self._successes += frozen.state in (TrialState.COMPLETE, TrialState.PRUNED)
            if frozen.state != TrialState.RUNNING:
                continue
            last = last_score(frozen)
            if last is None or self._settle(trial_id, *last):
                self.unfinished.append(trial_id)

    def next_trial(self) -> tuple[str, TrialConfig] | None:
        """The next trial to run, unfinished ones first; None when there is none left."""
        if self.aborted:
            return None
        if self.unfinished:
            trial_id = self.unfinished.popleft()
            self._tell("began", trial_id)
            return trial_id, TrialConfig.from_dict(read_json(self.paths.trial(trial_id).config))
        problem = ""
        for _ in range(ATTEMPTS):
            if len(self.ledger.numbers) >= self.search.trials:
                return None
            trial = self.ledger.ask()
            try:
                config = self.space.config(trial, self.data, self.search)
            except InputError as error:  # a corner that the plan's draws did not meet
                problem = str(error)
                self.ledger.refuse(trial, problem)
                continue
            trial_id = config.trial_id(self.folds_fingerprint)
            if trial_id in self.ledger.numbers:
                self.ledger.answer_duplicate(trial, trial_id)
                continue
            write_json(self.paths.trial(trial_id).config, config.to_dict())
            self.ledger.begin(trial, trial_id)
            self._tell("began", trial_id)
            return trial_id, config
        self.note = problem or f"the space seems exhausted: {ATTEMPTS} suggestions in a row were known already"
        return None

    def report(self, trial_id: str, report: dict[str, Any]) -> bool:
        """Take a trial's report (trainable.train.Report as a dict, or {"error": traceback}); False: stop it."""
        if "error" in report:
            self.failed(trial_id, report["error"])
            return False
        if self.aborted:
            return False
        self._tell("reported", trial_id, report)
        step, score = report["step"], report["score"]
        if not report["decides"] or not self.ledger.report(trial_id, step, score):
            return True
        self.race.record(trial_id, step, score)
        return self._settle(trial_id, step, score)

    def failed(self, trial_id: str, trace: str) -> None:
        """A trial raised, or its process died too often: it is FAIL, its traceback is kept, the search goes on."""
        cause = trace.strip().splitlines()[-1]
        write_text(self.paths.trial(trial_id).error, trace)
        self.ledger.fail(trial_id, cause)
        self._failures += 1
        if self._failures == FIRST_FAILURES and not self._successes:
            self.aborted = f"the first {FIRST_FAILURES} trials all failed; the last: {cause}"
        self._end(trial_id, "failed", cause)

    def _settle(self, trial_id: str, step: int, score: float) -> bool:
        """The consequences of a score that the ledger holds; True when the trial goes on."""
        if step == self.search.epochs * self.search.folds:
            self.ledger.complete(trial_id, read_json(self.paths.trial(trial_id).result)["oof_macro_f1"])
            self._end(trial_id, "complete", "")
            return False
        decision = self.race.decide(trial_id, step, score)
        if decision.go:
            return True
        self.ledger.stop(trial_id, decision.reason)
        self._end(trial_id, "stopped", decision.reason)
        return False

    def _end(self, trial_id: str, state: str, reason: str) -> None:
        self._successes += state != "failed"
        if state != "complete":
            self.paths.trial(trial_id).delete_leftovers()
        self._tell("ended", trial_id, state, reason)

    def _tell(self, event: str, *arguments: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, event)(*arguments)


def reason_of(ledger: Ledger, trial_id: str) -> str:
    return ledger.find(trial_id).user_attrs.get(REASON, "")


def clear_stopped(paths: RunPaths, ledger: Ledger) -> None:
    """Delete again what a dying worker may have written after its trial was stopped."""
    for trial_id, frozen in ledger.named().items():
        if frozen.state in (TrialState.PRUNED, TrialState.FAIL):
            paths.trial(trial_id).delete_leftovers()
    shutil.rmtree(paths.ray, ignore_errors=True)
