"""How far long work is: a bar where a terminal or a notebook can draw one, elsewhere a line now and then."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from trainable.words import duration

FIRST, BETWEEN = 10.0, 60.0  # seconds to the first line, and from one to the next

T = TypeVar("T")


class Progress(Bars):
    """rich.progress.Progress with one look for all commands, and with lines in logs, pipes and batch jobs.

    There, work that ends within `FIRST` seconds says nothing. transient: whether a bar that is done goes.
    """

    def __init__(self, transient: bool = False) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        super().__init__(*columns, transient=transient)
        self.lines = self.disable = not (self.console.is_terminal or self.console.is_jupyter)
        self.due, self.said = time.monotonic() + FIRST, False

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._mark_time()

    def update(self, task_id: TaskID, **fields: Any) -> None:
        super().update(task_id, **fields)
        self._mark_time()

    def stop(self) -> None:
        super().stop()
        if self.said:
            self._tell(task for task in self.tasks if task.finished)
            self.said = False

    def _mark_time(self) -> None:
        if self.lines and time.monotonic() >= self.due:
            self.due, self.said = time.monotonic() + BETWEEN, True
            self._tell(self.tasks)

    def _tell(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.total:
                self.console.print(_line(task), highlight=False, markup=False, soft_wrap=True)


def _line(task: Task) -> str:
    done, total = int(task.completed), int(task.total or 0)
    line, taken = f"{task.description}: {done:,} of {total:,}", task.elapsed or 0.0
    if task.finished:
        return f"{line} in {duration(taken)}"
    return f"{line}, about {duration(taken / done * (total - done))} left" if done else line


def tracked(values: Iterable[T], title: str, total: int) -> Iterator[T]:
    """The values, one after another, counted."""
    with Progress() as bar:
        task = bar.add_task(title, total=total)
        for value in values:
            yield value
            bar.advance(task)
