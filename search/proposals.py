"""New trials: suggestions that resolve to a configuration which is valid, unknown and affordable."""

from collections.abc import Callable
from dataclasses import dataclass

from search.ledger import Ledger
from search.sampler.suggest import Suggester
from search.space import DataFacts, SpaceFile
from trainable.config import TrialConfig
from trainable.errors import InputError
from trainable.files import write_json
from trainable.run.paths import RunPaths

ATTEMPTS = 50  # suggestions in a row that may be refused


@dataclass
class Proposals:
    """note: why there are no more, once there are none."""

    paths: RunPaths
    space: SpaceFile
    data: DataFacts
    folds_fingerprint: str
    ledger: Ledger
    suggester: Suggester
    note: str = ""

    def next(self, fits: Callable[[TrialConfig], bool]) -> tuple[str, TrialConfig] | None:
        """A new trial, in the ledger from now on; None when ATTEMPTS suggestions in a row were refused.

        Trials that wait in the ledger (SEARCH.first, search.queue) come first. fits: whether one could be complete by
        the deadline.
        """
        problem = ""
        draws = self.suggester.draws(self.ledger.trials(), len(self.ledger.numbers))
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
            trial_id = config.trial_id(self.folds_fingerprint)
            if trial_id in self.ledger.numbers:
                self.ledger.refuse(asked, f"the same configuration as {trial_id}")
            elif not fits(config):
                problem = "no more trials are begun: those suggested could not be complete by the deadline"
                self.ledger.refuse(asked, problem)
            else:
                write_json(self.paths.trial(trial_id).config, config.to_dict())
                self.ledger.add(asked, trial_id)
                return trial_id, config
        self.note = problem or f"the space seems exhausted: {ATTEMPTS} suggestions in a row were known already"
        return None
