"""Label errors: people whose given gender, age band or mask state a vote contradicts on their photos."""

from ensembles.suspects.command import main
from ensembles.suspects.find import Suspect, find_suspects
from ensembles.suspects.votes import read_votes, votes_by_fold

__all__ = ["Suspect", "find_suspects", "main", "read_votes", "votes_by_fold"]
