"""Submissions against each other, and against what the leaderboard said."""
