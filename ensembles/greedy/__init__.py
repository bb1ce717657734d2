"""Greedy ensemble selection with replacement on macro-F1."""

from ensembles.greedy.select import Selection, greedy_selection
from ensembles.greedy.table import member_scores

__all__ = ["Selection", "greedy_selection", "member_scores"]
