"""Names of the methods that vote, for help texts: `ensembles.methods`, whose table a test holds them to, is slow to
import.
"""

METHOD_NAMES = (
    *("best_single", "mean_top5", "hard_vote", "geometric_mean", "rank_mean", "greedy", "bagged_greedy", "hill_climb"),
    *("log_pool", "stacking", "row_stacking", "per_attribute", "attribute_pool"),
)
