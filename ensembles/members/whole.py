"""Whether the networks of members are the files that were trained."""

from collections.abc import Iterable

from ensembles.members.member import Member
from ensembles.members.outside import Outside
from trainable.errors import InputError

SKIP = "or --skip-broken-members to choose without it"


def broken_members(members: Iterable[Member | Outside]) -> dict[str, str]:
    """{name: what is wrong} of the members that cannot predict: a file is missing, or not the one that was written."""
    found = {}
    for member in members:
        reasons = [reason for factor in member.factors if (reason := _wrong(factor))]
        if reasons:
            found[member.name] = reasons[0]
    return found


def refuse(broken: dict[str, str], *otherwise: str) -> None:
    """Raise InputError naming every broken member, if there is one; `otherwise` says what else is allowed."""
    if broken:
        names = "; ".join(f"member {name}: {reason}" for name, reason in broken.items())
        raise InputError(f"{names}; allowed: {', '.join(('the files as trained', *otherwise))}")


def _wrong(member: Member) -> str:
    if not member.trial.begun:
        return f"{member.trial.root}: its configuration is missing"
    return next((reason for fold in member.networks() if (reason := fold.broken())), "")
