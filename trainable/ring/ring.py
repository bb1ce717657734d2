"""Batches through shared memory: workers fill slots in place, in the order of the plans, and no pixel is copied."""

import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from trainable.ring.layout import Layout, slots_of
from trainable.ring.memory import Mapped, slots_that_fit
from trainable.ring.plan import Plan
from trainable.ring.slots import Slots
from trainable.ring.worker import Source
from trainable.ring.workers import Workers

EACH = 2  # slots a worker: one that it fills, one that is ready or on its way
AHEAD = 2  # of the largest batches, beside those that are worked on: one on its way to a device, one ready


class Pins(Protocol):
    """What keeps memory where it is, so that a device may read it by itself."""

    def pin(self, memory: np.ndarray) -> None: ...

    def unpin(self, memory: np.ndarray) -> None: ...


@dataclass(eq=False)
class _Batch:
    """slots: None until they are handed out. missing: how many of them are not filled yet."""

    rows: np.ndarray
    slots: range | None = None
    missing: int = 0
    dropped: bool = False


@dataclass(eq=False)
class _Stream:
    """A plan and its batches: those to be handed out, then those that are being made or ready."""

    plan: Plan
    todo: deque[_Batch]
    made: deque[_Batch] = field(default_factory=deque)


class Ring:
    """Slots, and the workers that fill them. largest: rows of the largest batch. held: batches worked on at once.

    What finds no room after all is made by the process that asks for it.
    """

    def __init__(self, source: Source, workers: int, pins: Pins, *, largest: int, held: int = 1) -> None:
        self.source, self.pins = source, pins
        shape, usual = source.shape, slots_of(largest)
        wanted, least = EACH * workers + (AHEAD + held) * usual, workers + (1 + held) * usual
        slots = slots_that_fit(wanted, least, Layout.bytes_of(1, shape, 0))
        self.memory = Mapped(Layout.bytes_of(slots, shape, workers))
        self.layout, self.slots = Layout(self.memory, slots, shape, workers), Slots(slots)
        self.streams: list[_Stream] = []  # in the order in which they are made
        self.expected: deque[_Stream] = deque()
        self.owners: dict[int, _Batch] = {}  # by slot, of those that are not filled yet
        pins.pin(self.layout.samples)
        try:
            self.workers = Workers(self.layout, source)
        except BaseException:
            pins.unpin(self.layout.samples)
            self.memory.close()
            raise

    def stream(self, plan: Plan) -> Iterator[np.ndarray]:
        """The batches of a plan, uint8 [B, *shape]: views of slots, which are used again when the view is dropped.

        Raises Lost where a worker has ended.
        """
        if not any(stream.plan.same(plan) for stream in self.expected):
            self.expect([plan])
        while not self.expected[0].plan.same(plan):
            self._drop(self.expected.popleft())
        stream = self.expected.popleft()
        self.streams.remove(stream)
        self.streams.insert(0, stream)  # before what others have begun and left
        try:
            while stream.made or stream.todo:
                self._hear(self.workers.wait(0))  # of one that ended nobody would hear while the others keep up
                self._hand_out()
                if not stream.made and not self.owners:
                    # Larger than the ring, or all slots are held by whoever asks.
                    yield self._make_here(stream.todo.popleft().rows, plan.epoch)
                elif not stream.made or stream.made[0].missing:
                    self._hear(self.workers.wait())
                else:
                    yield self._view(stream.made.popleft())
        finally:
            self._drop(stream)

    def expect(self, plans: Sequence[Plan]) -> None:
        """Make what will be asked for next, in this order, as slots are left; what was expected else is forgotten."""
        known = list(self.expected)
        self.expected.clear()
        for plan in plans:
            stream = next((stream for stream in known if stream.plan.same(plan)), None)
            if stream is None:
                stream = _Stream(plan, deque(map(_Batch, plan.batches)))
                self.streams.append(stream)
            else:
                known.remove(stream)
            self.expected.append(stream)
        for stream in known:
            self._drop(stream)
        self._hand_out()

    def close(self) -> None:
        """End the workers; batches that are held stay as they are."""
        self.workers.close()
        self.pins.unpin(self.layout.samples)
        self.memory.close()

    def _hand_out(self) -> None:
        """Give the workers whatever there are slots for."""
        for stream in self.streams:
            while stream.todo:
                batch = stream.todo[0]
                slots = self.slots.take(slots_of(len(batch.rows)))
                if slots is None:
                    return
                stream.made.append(stream.todo.popleft())
                batch.slots, batch.missing = slots, len(slots)
                size = self.layout.rows.shape[1]
                for number, slot in enumerate(slots):
                    rows = batch.rows[number * size : (number + 1) * size]
                    self.layout.rows[slot, : len(rows)] = rows
                    self.layout.orders[slot] = stream.plan.epoch, len(rows)
                    self.owners[slot] = batch
                self.workers.hand_out(slots)

    def _hear(self, filled: list[int]) -> None:
        for slot in filled:
            batch = self.owners.pop(slot)
            batch.missing -= 1
            if batch.dropped and not batch.missing:
                assert batch.slots is not None
                self.slots.give_back(batch.slots)

    def _view(self, batch: _Batch) -> np.ndarray:
        assert batch.slots is not None
        view = self.layout.batch(batch.slots.start, len(batch.rows))
        weakref.finalize(view.base, self.slots.give_back, batch.slots).atexit = False
        return view

    def _make_here(self, rows: np.ndarray, epoch: int) -> np.ndarray:
        batch = np.empty((len(rows), *self.source.shape), np.uint8)
        self.source.fill(epoch, rows, batch)
        return batch

    def _drop(self, stream: _Stream) -> None:
        self.streams.remove(stream)
        for batch in stream.made:
            batch.dropped = True
            if not batch.missing:
                assert batch.slots is not None
                self.slots.give_back(batch.slots)
        stream.made.clear()
        stream.todo.clear()
