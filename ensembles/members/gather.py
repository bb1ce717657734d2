"""All members that a command asks for."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ensembles.kinds import HEADS, UNEXPORTABLE
from ensembles.members.free_heads import fit_free_heads
from ensembles.members.kinds import is_unexportable, kind_of
from ensembles.members.load import Members, load_members, with_outside
from trainable.errors import InputError
from trainable.run import Run


def gather(runs: Sequence[Path], given: argparse.Namespace, *, heads: bool = True) -> Members:
    """Members of the runs, of the kinds that `ensembles.build.add_members` lets one ask for; raises InputError.

    heads: whether further heads are fitted where a run has features, unless they are not asked for.
    """
    opened = [Run.open(place) for place in runs]
    fitted = [fit_free_heads(run) for run in opened] if heads and HEADS not in given.without else []
    places = [*runs, *(own.root for own in fitted if own is not None)]
    members = load_members(places, skip_broken=given.skip_broken_members, metric=given.metric)
    if given.also:
        members = with_outside(members, given.also)
    unwanted = {member.name for member in members.members if kind_of(member) in given.without}
    if UNEXPORTABLE in given.without:
        unwanted |= {member.name for member in members.members if is_unexportable(member)}
    if len(unwanted) == len(members.members):
        raise InputError(f"--without: received {' '.join(given.without)}, which leaves no member; allowed: fewer kinds")
    return members.without(unwanted)
