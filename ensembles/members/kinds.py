"""Which kind a member is of."""

from ensembles.kinds import ELSEWHERE, FEATURES, HEADS, NETWORKS
from ensembles.members.member import Member
from ensembles.members.outside import Outside
from trainable.config.head import LINEAR
from trainable.run.folder import RunFolder


def kind_of(member: Member | Outside) -> str:
    """One of `ensembles.kinds.KINDS`, never the last; a product is of the kind of its first factor."""
    if isinstance(member, Outside):
        return ELSEWHERE
    above = RunFolder(member.run.root.parent)
    if above.heads == member.run.root and above.begun:
        return HEADS
    return FEATURES if member.trial.config.fitted else NETWORKS


def is_unexportable(member: Member | Outside) -> bool:
    """Whether it is of the last of `ensembles.kinds.KINDS`, besides its own: a head that is no layer of one network."""
    if not isinstance(member, Member) or not member.trial.config.fitted:
        return False
    return member.trial.config.head.name not in LINEAR or len(member.trial.config.tables) > 1
