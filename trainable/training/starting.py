"""What a fold's first epoch takes beside training, so that nobody takes it for what an epoch costs."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Batch = TypeVar("Batch")


@dataclass
class Starting:
    """Finds it by the first batch: workers begin, the way to call a network is found, a launch is recorded.

    On a GPU that takes seconds where an epoch may take a third of one. seconds: 0 before and after the first epoch.
    """

    seconds: float = 0.0
    _epochs: int = 0

    def watch(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches of an epoch, as they are asked for one after another; `seconds` holds when they are over."""
        self.seconds, self._epochs = 0.0, self._epochs + 1
        began = first = time.perf_counter()
        number = 0
        for number, batch in enumerate(batches):
            yield batch
            if number == 0:
                first = time.perf_counter()
        if number and self._epochs == 1:
            rest = (time.perf_counter() - first) / number
            self.seconds = max(0.0, first - began - rest)
