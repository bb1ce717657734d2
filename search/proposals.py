"""New trials: suggestions that resolve to a configuration which is valid, unknown and affordable."""

from collections.abc import Callable
from dataclasses import dataclass

from search.features_first import FrozenScores
from search.ledger import Ledger
from search.sampler.suggest import Suggester
from search.space import DataFacts
from search.space_file import SpaceFile
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.run import Run, Trial

ATTEMPTS = 50  # suggestions in a row that may be refused


@dataclass
class Proposals:
    """identify: a configuration's trial_id. frozen: what a stage of features came to before the search.

    note: why there are no more new trials, once there are none.
    """

    run: Run
    space: SpaceFile
    data: DataFacts
    identify: Callable[[TrialConfig], str]
    ledger: Ledger
    suggester: Suggester
    frozen: FrozenScores
    note: str = ""

    def next(self, fits: Callable[[TrialConfig], bool]) -> Trial | None:
        """A new trial, in the ledger from now on; None when ATTEMPTS suggestions in a row were refused.

        Trials that wait in the ledger (SEARCH.first, search.queue) come first. fits: whether one could be complete by
        the deadline.
        """
        problem = ""
        number = len(self.ledger.numbers)
        drawn = self.suggester.draws(self.ledger.trials(), number)
        draws = self.frozen.best_first(drawn, self.space, self.data, number)
        for _ in range(ATTEMPTS):
            asked = self.ledger.waiting()
            if asked is None:
                asked = next(draws)
            try:
                config = self.space.config(asked, self.data)
            except InputError as error:  # a corner that the plan's draws did not meet
                problem = str(error)
                self.ledger.refuse(asked, problem)
                continue
            trial_id = self.identify(config)
            if trial_id in self.ledger.numbers or trial_id in self.frozen.trials:
                self.ledger.refuse(asked, f"the same configuration as {trial_id}")
            elif not fits(config):
                problem = "no more trials are begun: those suggested could not be complete by the deadline"
                self.ledger.refuse(asked, problem)
            else:
                trial = self.run.trial(trial_id)
                trial.begin(config)
                self.ledger.add(asked, trial_id)
                return trial
        self.note = problem or f"the space seems exhausted: {ATTEMPTS} suggestions in a row were known already"
        return None
