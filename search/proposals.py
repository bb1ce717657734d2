"""New trials: suggestions that resolve to a configuration which is valid, unknown and affordable."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from optuna.trial import Trial as Asked

from search.features_first import FrozenScores
from search.ledger import Ledger
from search.prior import Prior
from search.sampler.by_prior import Ranking, best_first
from search.sampler.suggest import Suggester
from search.space import DataFacts
from search.space_file import SpaceFile
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.run import Run, Trial

ATTEMPTS = 50  # suggestions in a row that may be refused
TOO_LATE = "no more trials are begun: those suggested could not be complete by the deadline"
AT_RANDOM = 4  # one of so many suggestions of the start-up phase is drawn without the prior


@dataclass
class Proposals:
    """identify: a configuration's trial_id. frozen: what a stage of features came to before the search.

    prior: with `frozen`, orders the draws before the sampler has enough trials to learn from.

    note: why there are no more new trials, once there are none.
    """

    run: Run
    space: SpaceFile
    data: DataFacts
    identify: Callable[[TrialConfig], str]
    ledger: Ledger
    suggester: Suggester
    frozen: FrozenScores
    prior: Prior | None = None
    note: str = ""

    def next(self, fits: Callable[[TrialConfig], bool], again: str | None = None) -> Trial | None:
        """A new trial, in the ledger from now on; None when ATTEMPTS suggestions in a row were refused.

        Trials that wait in the ledger (SEARCH.first, search.queue) come first. fits: whether one could be complete by
        the deadline. again: the trial of which another seed is to be trained, rather than a suggestion.
        """
        problem = ""
        draws = self._draws(len(self.ledger.numbers))
        for _ in range(ATTEMPTS):
            asked = self.ledger.waiting()
            if asked is None and again is not None and not self.run.trial(again).config.fitted:  # nothing is drawn
                return self._another_seed(again, fits)
            if asked is None:
                asked = next(draws)
            try:
                config = self.space.config(asked, self.data)
            except InputError as error:  # a corner that the plan's draws did not meet
                problem = str(error)
                self._refuse(asked, problem)
                continue
            trial_id = self.identify(config)
            if trial_id in self.ledger.numbers or trial_id in self.frozen.trials:
                self._refuse(asked, f"the same configuration as {trial_id}")
            elif not fits(config):
                problem = TOO_LATE
                self._refuse(asked, problem)
            else:
                trial = self.run.trial(trial_id)
                trial.begin(config)
                self.ledger.add(asked, trial_id)
                return trial
        self.note = problem or f"the space seems exhausted: {ATTEMPTS} suggestions in a row were known already"
        return None

    def _another_seed(self, of: str, fits: Callable[[TrialConfig], bool]) -> Trial | None:
        config = self.run.trial(of).config
        if not fits(config):
            self.note = TOO_LATE
            return None
        seeds = (replace(config, seed=(config.seed + i) % 2**31) for i in range(1, len(self.ledger.numbers) + 1))
        config = next(each for each in seeds if self.identify(each) not in self.ledger.numbers)
        trial = self.run.trial(self.identify(config))
        trial.begin(config)
        self.ledger.repeat(trial.id, of)
        print(f"trial {trial.id}: another seed of {of}; the time is too short to find a better one", flush=True)
        return trial

    def _refuse(self, asked: Asked, reason: str) -> None:
        """Of a suggestion nobody need know; what somebody has queued is told."""
        if asked.study is self.ledger.study:
            print(f"warning: queued parameters {asked.params} are passed over: {reason}", file=sys.stderr)
        self.ledger.refuse(asked, reason)

    def _draws(self, number: int) -> Iterator[Asked]:
        """Suggestions for the trial of this number, best first."""
        draws = self.suggester.draws(self.ledger.trials(), number)
        learning = self.suggester.sampler != "tpe" or number >= self.suggester.startup
        if learning or not (self.prior or self.frozen.best) or number % AT_RANDOM == AT_RANDOM - 1:
            return draws
        early = 2 * number < self.suggester.startup
        ranking = Ranking(self.prior, self.frozen.score if early else None)
        further = self.suggester.at_random(number)
        return best_first(draws, further, lambda asked: self.space.config(asked, self.data), ranking)
