"""What a search leaves in its run for reports, which know neither Optuna nor the race."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.ledger import REASON, STATES, Ledger, parameters
from search.race import Race
from trainable.run import Run
from trainable.run.search_record import Parameter, Rung, SearchRecord, TrialCourse

FEWEST = 4  # trials that a statement about parameters needs


def write_search_record(run: Run, ledger: Ledger, race: Race) -> None:
    """Leave the record in the run; trials apart from a search do not replace the record of that search."""
    if not ledger.apart:
        run.write_search(record_of(ledger, race))


def record_of(ledger: Ledger, race: Race) -> SearchRecord:
    """The search so far: every trial of the ledger, the rungs of the race, and what mattered at the first of them.

    Nobody is at any trial now: one that has not ended waits.
    """
    trials = ledger.named()
    return SearchRecord(
        trials=[
            TrialCourse(
                trial=name,
                number=number,
                state="waiting" if frozen.state == TrialState.RUNNING else STATES[frozen.state],  # type: ignore[arg-type]
                score=_number(frozen.value if frozen.state == TrialState.COMPLETE else None),
                parameters=parameters(frozen),
                scores={step: _number(score) for step, score in sorted(frozen.intermediate_values.items())},
                reason=str(frozen.user_attrs.get(REASON, "")),
            )
            for number, (name, frozen) in enumerate(trials.items(), start=1)
        ],
        rungs=[
            Rung(step, {name: _number(score) for name, score in held.items()}, tuple(sorted(race.beyond[step])))
            for step, held in race.rungs.items()
        ],
        fold_scores={name: [_number(score) for score in scores] for name, scores in race.fold_scores.items()},
        importances=importances(trials, next(iter(race.rungs.values()))),
        parameters={name: _range(drawn) for name, drawn in _distributions(trials.values()).items()},
    )


def importances(trials: Mapping[str, FrozenTrial], scores: Mapping[str, float]) -> dict[str, float]:
    """Each parameter's share of the variance of scores {trial: score}, by Optuna's fANOVA, the largest first.

    The scores are those of the first rung, where all trials had the same epochs. Parameters that only some trials have
    are left out. Empty where there are too few trials, or no variance to share out.
    """
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for name, score in scores.items():
        if name in trials and math.isfinite(score):
            own = trials[name]
            study.add_trial(create_trial(params=own.params, distributions=own.distributions, value=score))
    if len(study.trials) < FEWEST:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    try:
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError):  # all scores alike
        return {}
    return {name: float(share) for name, share in found.items()}


def _distributions(trials: Iterable[FrozenTrial]) -> dict[str, BaseDistribution]:
    found: dict[str, BaseDistribution] = {}
    for frozen in trials:
        found |= frozen.distributions
    return dict(sorted(found.items()))


def _range(drawn: BaseDistribution) -> Parameter:
    if isinstance(drawn, FloatDistribution):
        return Parameter("float", drawn.low, drawn.high, drawn.log)
    if isinstance(drawn, IntDistribution):
        return Parameter("int", float(drawn.low), float(drawn.high), drawn.log)
    assert isinstance(drawn, CategoricalDistribution)
    return Parameter("choice", choices=tuple(_plain(choice) for choice in drawn.choices))


def _plain(value: Any) -> Any:
    """As `search.ledger.parameters` gives a value."""
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _number(value: float | None) -> float:
    """The race holds -inf for a network that diverged, the ledger None."""
    return float(value) if value is not None and math.isfinite(value) else math.nan
