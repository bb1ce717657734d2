"""Runs search.run, and kills the process with SIGKILL at a named point: python crash.py POINT COUNT ARGUMENTS...

The points lie where a crash hurts most; COUNT is how often the point is passed before it strikes.
"""

import os
import signal
import sys

from search import director, ledger, run
from search.watch import leaderboard
from trainable import files
from trainable.run import Trial


def strike_after(owner: object, name: str, count: int, *, before: bool = False) -> None:
    """Make owner.name kill the process in its call number `count`, after it has done its work (or before)."""
    original = getattr(owner, name)
    left = [count]

    def wrapped(*arguments: object, **named: object) -> object:
        left[0] -= 1
        if before and left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


POINTS = {
    "between write and rename": lambda n: strike_after(files.os, "fsync", n),
    "after the suggestion, before the worker": lambda n: strike_after(ledger.Ledger, "add", n),
    "after the job's claim, before the worker": lambda n: strike_after(Trial, "claim", n),
    "between report and decision": lambda n: strike_after(ledger.Ledger, "report", n),
    "between the last report and complete": lambda n: strike_after(ledger.Ledger, "complete", n, before=True),
    "between stop and clean-up": lambda n: strike_after(ledger.Ledger, "stop", n),
    "in the leaderboard": lambda n: strike_after(leaderboard, "row", n),
    "in the first decision": lambda n: strike_after(director.Director, "_settle", n, before=True),
}

if __name__ == "__main__":
    point, count, *arguments = sys.argv[1:]
    if point:
        POINTS[point](int(count))
    sys.argv = ["search.run", *arguments]
    raise SystemExit(run.main(arguments))
