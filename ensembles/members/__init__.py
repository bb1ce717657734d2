"""Members: the complete trials of one or several runs, as candidates of a vote."""

from ensembles.members.all_rows import on_all_rows
from ensembles.members.free_heads import fit_free_heads
from ensembles.members.gather import gather
from ensembles.members.kinds import kind_of
from ensembles.members.load import Members, load_members
from ensembles.members.member import JOINT, Member
from ensembles.members.outside import Outside
from ensembles.members.partial import PARTIAL, missing_rows, partial_member
from ensembles.members.products import multiply
from ensembles.members.whole import SKIP, broken_members, refuse

__all__ = [
    "JOINT",
    "PARTIAL",
    "SKIP",
    "Member",
    "Members",
    "Outside",
    "broken_members",
    "fit_free_heads",
    "gather",
    "kind_of",
    "load_members",
    "missing_rows",
    "multiply",
    "on_all_rows",
    "partial_member",
    "refuse",
]
