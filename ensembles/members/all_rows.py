"""Members that predict with their networks of all rows (`search.run --retrain RUN TRIAL... --all-rows`)."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ensembles.members.member import Member
from ensembles.members.outside import Outside
from ensembles.members.whole import broken_members, refuse
from trainable.commands import spoken
from trainable.errors import InputError


def on_all_rows(voters: Sequence[Member | Outside]) -> list[Member | Outside]:
    """The same members, predicting with their networks of all rows; one from elsewhere as its table says.

    Raises InputError where networks are broken, or were not trained: then it names the command that trains them.
    """
    found = [member.on_all_rows() for member in voters]
    missing: dict[Path, list[str]] = defaultdict(list)
    for factor in dict.fromkeys(f for member in found for f in member.factors):
        if not factor.trial.all_rows.finished:
            missing[factor.run.root].append(factor.trial.id)
    if missing:
        train = [spoken("search", "--retrain", run, *names, "--all-rows") for run, names in missing.items()]
        raise InputError(
            f"--all-rows: received {sum(map(len, missing.values()))} members that have no network of all rows; "
            f"allowed: first {'; '.join(train)}"
        )
    refuse(broken_members(found))
    return found
