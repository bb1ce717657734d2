"""The worker processes of a ring: started, handed slots, listened to, ended."""

import multiprocessing
import os
import selectors
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler

from trainable.errors import Lost
from trainable.ring.layout import Layout
from trainable.ring.worker import LAST_WORDS, NUMBER, Source, fill_slots
from trainable.spawn import ours_alone


class Workers:
    """`layout.workers` processes. Started anew and not forked: forking hangs inside Ray's actors."""

    def __init__(self, layout: Layout, source: Source) -> None:
        self.layout = layout
        spawn = multiprocessing.get_context("spawn")
        theirs, self._tasks = spawn.Pipe(duplex=False)
        self._done, back = spawn.Pipe(duplex=False)
        self._heard: list[Connection] = []
        self.processes: list[BaseProcess] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._done, selectors.EVENT_READ)
        try:
            packed = bytes(ForkingPickler.dumps(source))
            with _without_interrupts(), ours_alone():
                for number in range(layout.workers):
                    heard, words = spawn.Pipe(duplex=False)
                    self._heard.append(heard)
                    arguments = (number, layout, packed, theirs, back, words)
                    process = spawn.Process(target=fill_slots, args=arguments, daemon=True)
                    process.start()
                    self.processes.append(process)
                    self._selector.register(process.sentinel, selectors.EVENT_READ, number)
                    words.close()
        except BaseException:
            self.close()
            raise
        finally:
            theirs.close()
            back.close()

    def hand_out(self, slots: range) -> None:
        """Have these filled, by whoever is free."""
        with suppress(BrokenPipeError):  # all have ended: `wait` says of what
            os.write(self._tasks.fileno(), b"".join(slot.to_bytes(NUMBER, "little") for slot in slots))

    def wait(self, seconds: float | None = None) -> list[int]:
        """Slots that have been filled meanwhile; waits for one. Raises Lost where a worker has ended."""
        found: list[int] = []
        for key, _ in self._selector.select(seconds):
            if key.data is not None:
                raise Lost(self._obituary(key.data))
            content = os.read(self._done.fileno(), 4096)
            found += memoryview(content).cast("i")
        return found

    def close(self) -> None:
        """End them, now: they keep nothing that could be lost."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()
            process.close()
        for pipe in (self._tasks, self._done, *self._heard):
            pipe.close()
        self._selector.close()
        self.processes, self._heard = [], []

    def _obituary(self, number: int) -> str:
        process = self.processes[number]
        process.join()
        code, slot = process.exitcode, int(self.layout.busy[number]) - 1
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit code {code}"
        at = ""
        if slot >= 0:
            epoch, count = self.layout.orders[slot].tolist()
            rows = self.layout.rows[slot, :count].tolist()
            more = ", ..." if count > 5 else ""
            of = "for prediction" if epoch < 0 else f"of epoch key {epoch}"
            at = f" at rows {', '.join(map(str, rows[:5]))}{more} {of}"
        heard, said = self._heard[number], b""
        while heard.poll() and (more_said := _read(heard)):
            said += more_said
        killed = " (where memory is short the system kills)" if code == -signal.SIGKILL else ""
        words = said.decode(errors="replace").strip()[-LAST_WORDS:] or f"none{killed}"
        return (
            f"worker {number + 1} of {self.layout.workers} that prepare batches (process {process.pid}) {how}{at}; "
            f"its last words: {words}"
        )


def _read(pipe: Connection) -> bytes:
    return os.read(pipe.fileno(), LAST_WORDS)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started here do not see Ctrl-C before they have set themselves up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
