"""Submissions against each other, and against what the leaderboard said."""

from ensembles.compare.command import main
from ensembles.compare.comparison import Comparison, compare, consensus, read_submissions

__all__ = ["Comparison", "compare", "consensus", "main", "read_submissions"]
