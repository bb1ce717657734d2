"""Work that no trial waits for: a thread that does it in order, and a farewell that ends."""

import os
import queue
import sys
import threading
import time
from collections.abc import Callable

from trainable.leaving import wait_for

FAREWELL = 60.0  # seconds that the end of a search may wait for a server, or for pictures
ALOUD = 2.0  # seconds of that without a word
BEHIND = 10  # niceness of the threads: what computes there takes no core from a trial


class Aside:
    """A thread for one watcher. It ends with the process, whatever it is at: a server that hangs holds nobody up."""

    def __init__(self, name: str, farewell: float = FAREWELL) -> None:
        self.name, self.farewell = name, farewell
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def later(self, work: Callable[[], None]) -> None:
        """Do `work`, which raises nothing, after all that came before it."""
        self._work.put(work)

    def end(self, *, drop: bool, last: Callable[[], None] | None = None) -> bool:
        """Let it finish; False when that took longer than the farewell, which is said.

        drop: leave out what has not begun. last: what is done then, in any case.
        """
        began, left = time.monotonic(), self._drain() if drop else 0
        if last is not None:
            self._work.put(last)
        self._work.put(None)
        self._thread.join(min(ALOUD, self.farewell))
        if self._thread.is_alive() and self.farewell > ALOUD:
            print(f"{self.name}: finishing what is left, for {self.farewell:.0f} s at most", flush=True)
            self._thread.join(self.farewell - ALOUD)
        if not self._thread.is_alive():
            return True
        left += self._drain()
        self._work.put(None)
        wait_for(self._thread)
        waited = time.monotonic() - began
        print(
            f"warning: {self.name} did not end within {waited:.0f} s; what it had left to draw ({left}) is left out: "
            "pictures or charts of the last epochs; every result is kept",
            file=sys.stderr,
        )
        return False

    def _run(self) -> None:
        if sys.platform == "linux":  # where a thread has a niceness of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND)
        while (work := self._work.get()) is not None:
            work()

    def _drain(self) -> int:
        """Take out what has not begun."""
        count = 0
        while not self._work.empty():
            try:
                count += self._work.get_nowait() is not None
            except queue.Empty:  # the thread was faster
                break
        return count
