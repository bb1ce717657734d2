"""Greedy ensemble selection with replacement on any metric."""

from ensembles.greedy.select import Selection, greedy_selection, member_scores, scores_one_by_one
from ensembles.greedy.table import Table

__all__ = ["Selection", "Table", "greedy_selection", "member_scores", "scores_one_by_one"]
