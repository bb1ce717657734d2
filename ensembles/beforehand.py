"""What a comparison of methods leaves out, and how long it may take, said before it begins."""

import time

from ensembles.greedy import scores_one_by_one
from ensembles.members import Members
from ensembles.methods import applicable, left_out
from ensembles.methods.bagged import BAGS
from ensembles.methods.bagged import SIZE as MOST_PICKS
from ensembles.nested import CALLS

ONCE = (
    "best_single",
    "mean_top5",
    "hard_vote",
    "geometric_mean",
    "rank_mean",
    "stacking",
    "row_stacking",
)  # call a metric once a member
PICKING = ("greedy",)  # once a member and pick


def beforehand(members: Members, size: int, methods: list[str] | None = None) -> list[str]:
    """Sentences: methods that make no sense for the metric; of one that is called for each candidate, the time.

    size: most picks of greedy selection. methods: the ones that are fitted; None where all that apply are compared.
    """
    metric = members.metric
    given = (len(members.classes), members.attributes)
    usual = set(applicable(*given))
    unfit = {name: why for name, why in left_out(*given, metric).items() if name in usual}
    lines = [f"left out under {metric.shown}: {name}, {why}" for name, why in unfit.items() if methods is None]
    if scores_one_by_one(metric):
        folds, attributes = len(set(members.fold.tolist())), len(members.attributes)
        calls = calls_of(
            methods or applicable(*given, metric), len(members.members), size, folds, attributes, auto=methods is None
        )
        start = time.perf_counter()
        metric.score(members.labels, members.probabilities[0])
        seconds = time.perf_counter() - start
        lines.append(
            f"{metric.shown} is called for every candidate: at most {calls:,} calls of {1000 * seconds:.1f} ms, "
            f"{_words(calls * seconds)}"
        )
    return lines


def calls_of(methods: list[str], members: int, size: int, folds: int, attributes: int = 0, *, auto: bool = True) -> int:
    """Most calls of a metric that comparing methods makes; two folds are halved, see `ensembles.nested`."""
    folds = 4 if folds == 2 else folds
    fits = folds + 1 + (folds * (folds - 1) // 2 if auto else 0)
    picking = sum(name in PICKING for name in methods) + attributes * ("per_attribute" in methods)
    bagged = BAGS * min(size, MOST_PICKS) if "bagged_greedy" in methods else 0
    of_fits = fits * (members * (sum(name in ONCE for name in methods) + size * picking + bagged))
    tables = (
        len(methods) * (folds + 2) + 1 if auto else len(methods)
    )  # nested scores with their draws: within each fold, over all, with auto
    return of_fits + (CALLS + 1) * tables + len(methods) + 1


def _words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
