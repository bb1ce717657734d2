"""Workers on simulated time, by hand."""

from __future__ import annotations

from collections.abc import Iterator

from search.executors.simulated import Epoch, Simulated

SECONDS = {"a": [3.0, 3.0], "b": [2.0, 2.0, 2.0], "c": [1.0], "d": [1.0]}


class World:
    def epochs(self, job: str) -> Iterator[Epoch]:
        for number, seconds in enumerate(SECONDS[job], start=1):
            yield seconds, lambda number=number: number  # type: ignore[misc]


class Queue:
    """Hands out a, b, c, d; b is ended after its second epoch, and d comes only after c."""

    def __init__(self, simulated: Simulated[str]) -> None:
        self.simulated = simulated
        self.jobs, self.heard = ["a", "b", "c", "d"], list[tuple[float, str, object]]()

    def next_job(self) -> str | None:
        if self.jobs[:1] == ["d"] and not any(job == "c" for _, job, _ in self.heard):
            return None
        return self.jobs.pop(0) if self.jobs else None

    def hear(self, job: str, message: object) -> bool:
        self.heard.append((self.simulated.seconds, job, message))
        return (job, message) != ("b", 2)


def test_messages_come_in_the_order_of_their_ends_and_free_workers_ask_again() -> None:
    simulated = Simulated(World(), workers=2)
    driver = Queue(simulated)
    simulated.execute(driver)
    assert driver.heard == [
        (2.0, "b", 1),
        (3.0, "a", 1),
        (4.0, "b", 2),  # ended: its worker takes c
        (5.0, "c", 1),  # and then d
        (6.0, "a", 2),
        (6.0, "d", 1),
    ]
    assert simulated.seconds == 6.0


def test_one_worker_does_everything_in_turn() -> None:
    simulated = Simulated(World(), workers=1)
    driver = Queue(simulated)
    simulated.execute(driver)
    assert [(job, message) for _, job, message in driver.heard] == [
        ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1), ("d", 1)
    ]  # fmt: skip
    assert simulated.seconds == 12.0
