"""Whether a member's checkpoints are the files that were trained."""

import json
from collections.abc import Iterable

from ensembles.members import Member
from trainable.errors import InputError
from trainable.files import digest, read_json


def broken_members(members: Iterable[Member]) -> dict[str, str]:
    """{name: what is wrong} of the members that cannot predict: a file missing, or another than was written."""
    found = {}
    for member in members:
        reasons = [reason for factor in member.factors if (reason := _wrong(factor))]
        if reasons:
            found[member.name] = reasons[0]
    return found


def refuse(broken: dict[str, str], *otherwise: str) -> None:
    """InputError naming every broken member; `otherwise` is what else is allowed."""
    if broken:
        names = "; ".join(f"member {name}: {reason}" for name, reason in broken.items())
        raise InputError(f"{names}; allowed: {', '.join(('the files as trained', *otherwise))}")


def _wrong(member: Member) -> str | None:
    if not member.trial.config.is_file():
        return f"{member.trial.config}: missing"
    for fold in member.networks():
        try:
            written = read_json(fold.result)["weights_sha256"]
        except (OSError, KeyError, json.JSONDecodeError):
            return f"{fold.result}: missing or unreadable"
        if not fold.weights.is_file() or digest(fold.weights) != written:
            return f"{fold.weights}: missing or changed since it was written"
    return None
