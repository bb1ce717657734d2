"""What the methods that vote are called and do, for help texts: `ensembles.methods`, whose table a test holds them to,
is slow to import.
"""

METHODS_IN_WORDS = {
    "best_single": "the member with the best score alone",
    "mean_top5": "mean of the five best members",
    "hard_vote": "share of the best members whose first choice a class is",
    "geometric_mean": "geometric mean of the best members",
    "rank_mean": "by name only: mean of the best members, each on the scale of its own ranks",
    "greedy": "picks members one by one, each time the one that helps most",
    "bagged_greedy": "greedy on many random halves of the groups, counted together",
    "hill_climb": "by name only: greedy that may also subtract a member",
    "log_pool": "a weight for each log-probability, fitted to the log loss",
    "stacking": "by name only: logistic regression on log-probabilities, shrunk to log_pool",
    "row_stacking": "by name only: stacking that also sees a row's columns and its group's photos",
    "per_attribute": "greedy for each attribute of classes that are products",
    "attribute_pool": "log_pool for each attribute of classes that are products",
}
