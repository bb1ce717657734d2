"""The end of a process while one of its threads is in the middle of something."""

import atexit
import os
import sys
import threading

LEAVE = 15.0  # seconds that the end of the process waits for the threads
code = 0  # with which the command ends, as trainable.command.guarded knows it
_threads: list[threading.Thread] = []


def wait_for(thread: threading.Thread) -> None:
    """Let the end of the process wait for a thread, and end without it where that takes too long.

    The interpreter would unwind it, which torch and Ray answer with an abort, a page of addresses, and another exit
    code.
    """
    _threads.append(thread)


@atexit.register  # who registers later is called before: by then all else has ended
def _leave() -> None:
    for thread in _threads:
        thread.join(LEAVE)
    if any(thread.is_alive() for thread in _threads):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1 if hasattr(sys, "last_type") else code)
