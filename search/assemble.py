"""A search put together: the one place where a Director is made, for the command, the tests and the benchmarks."""

from collections.abc import Callable, Iterable

from search.deadline import Deadline
from search.director import Director
from search.features_first import FrozenScores
from search.ledger import Ledger
from search.parallel_folds import ParallelFolds
from search.places import Places
from search.prior import published_prior
from search.proposals import Proposals
from search.race import Race
from search.sampler.suggest import Suggester
from search.space import DataFacts
from search.space_file import SpaceFile
from search.time_plan import TimePlan
from search.watch import Watcher, Watchers
from trainable.config import TrialConfig
from trainable.run import Run


def assemble(
    run: Run,
    space: SpaceFile,
    ledger: Ledger,
    *,
    data: DataFacts | None = None,
    identify: Callable[[TrialConfig], str] | None = None,
    race: Race | None = None,
    suggester: Suggester | None = None,
    deadline: Deadline | None = None,
    watchers: Iterable[Watcher] = (),
    frozen: FrozenScores | None = None,
) -> Director:
    """The director of a run's search; `Director.resume` then takes the run over from its ledger.

    data, identify: what the space may know and how a configuration is named, by default the run's own (simulations
    have neither photos nor folds). race, suggester: as `SEARCH` asks for them unless given. frozen: what a stage of
    features came to.
    """
    s = space.search
    race, frozen = race or space.race(), frozen or FrozenScores()
    places = Places(ParallelFolds(s.epochs, s.folds))
    return Director(
        run=run,
        search=s,
        ledger=ledger,
        race=race,
        proposals=Proposals(
            run,
            space,
            data or DataFacts.of(run.manifest),
            identify or run.identify,
            ledger,
            suggester or Suggester(s.sampler, s.seed, s.startup),
            frozen,
            published_prior() if s.prior and s.sampler == "tpe" else None,
        ),
        watchers=Watchers(watchers),
        places=places,
        time=TimePlan(s, ledger, race, places, deadline or Deadline(), frozen=bool(frozen.trials)),
    )
