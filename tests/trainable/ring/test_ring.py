"""The ring: what comes out is what was asked for, whoever made it, and nothing is left of those who did."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import psutil
import pytest
from counting import Counting, sample

from trainable.device import CPU
from trainable.errors import InputError, Lost
from trainable.images.loader import Loader
from trainable.ring.layout import SLOT_ROWS
from trainable.ring.memory import slots_that_fit
from trainable.ring.plan import Plan
from trainable.ring.ring import Ring
from trainable.ring.slots import Slots

ROWS = np.random.default_rng(0).permutation(300)


@contextmanager
def ring(source: Counting | None = None, workers: int = 2, largest: int = 64) -> Iterator[Ring]:
    made = Ring(source or Counting(), workers, CPU, largest=largest)
    try:
        yield made
    finally:
        made.close()


def processes() -> set[int]:
    """Those started by this one, without multiprocessing's own, which stays to the end."""
    return {child.pid for child in psutil.Process().children()} - {resource_tracker._resource_tracker._pid}  # type: ignore[attr-defined]


def right(found: np.ndarray, epoch: int, rows: np.ndarray) -> bool:
    return found.shape == (len(rows), 4, 3, 3) and bool((found == sample(epoch, rows)[:, None, None, None]).all())


def all_right(made: Ring, plan: Plan) -> bool:
    return all(right(f, plan.epoch, rows) for f, rows in zip(made.stream(plan), plan.batches, strict=True))


def free(made: Ring) -> int:
    """Slots that can be had when all that is in the making has been made."""
    while made.owners:
        made._hear(made.workers.wait())
    assert made.slots.take(len(made.slots.free) + 1) is None
    return sum(made.slots.free)


@pytest.fixture(scope="module")
def two() -> Iterator[Ring]:
    with ring() as made:
        yield made


@pytest.mark.parametrize("batch_size", [1, 5, SLOT_ROWS, SLOT_ROWS + 1, 64, 100])
def test_batches_of_any_size_come_whole_and_in_order(two: Ring, batch_size: int) -> None:
    assert all_right(two, Plan(3, ROWS, batch_size))
    assert all_right(two, Plan(4, ROWS[:1], batch_size))
    assert list(two.stream(Plan(5, ROWS[:0], batch_size))) == []
    assert free(two) == two.layout.slots


def test_batch_larger_than_the_ring_is_made_by_who_asks(two: Ring) -> None:
    rows = np.arange(SLOT_ROWS * two.layout.slots + 1)
    assert all_right(two, Plan(1, np.concatenate([rows, rows]), len(rows)))


def test_held_batches_are_not_filled_anew(two: Ring) -> None:
    plan = Plan(2, np.arange(1000), 64)
    held = list(two.stream(plan))
    assert all(right(found, 2, rows) for found, rows in zip(held, plan.batches, strict=True))
    part = held[0][3:]  # a view of a view holds on to its slots as well
    del held
    assert free(two) == two.layout.slots - 2
    assert all_right(two, Plan(9, np.arange(1000), 64)) and right(part, 2, plan.batches[0][3:])


def test_abandoned_and_unexpected_plans_leave_nothing_behind(two: Ring) -> None:
    next(two.stream(Plan(1, ROWS, 16)))
    two.expect([Plan(6, ROWS, 16), Plan(7, ROWS, 20)])
    assert all_right(two, Plan(8, ROWS, 16))
    begun = two.stream(Plan(1, ROWS, 16))
    next(begun)
    assert all_right(two, Plan(2, ROWS, 16))  # while another is open
    assert right(next(begun), 1, Plan(1, ROWS, 16).batches[1])
    begun.close()
    assert free(two) == two.layout.slots


def test_what_is_expected_is_made_meanwhile() -> None:
    now, later, last = Plan(1, ROWS[:64], 32), Plan(-1, ROWS[:128], 64), Plan(2, ROWS, 32)
    with ring() as made:
        made.expect([now, later, last])
        assert all_right(made, now)
        while made.owners:  # nobody asks
            made._hear(made.workers.wait())
        assert [[batch.missing for batch in stream.made] for stream in made.streams] == [[0, 0], [0] * 4]
        stream = made.stream(later)
        assert right(next(stream), -1, later.batches[0])
        begun = made.streams[1].made
        made.expect([last])  # as before: what has been begun of it stays
        assert made.streams[1].made is begun
        assert right(next(stream), -1, later.batches[1]) and next(stream, None) is None
        assert all_right(made, last)


def test_two_rings_do_not_know_each_other(two: Ring) -> None:
    with ring(workers=1, largest=4) as other:
        streams = two.stream(Plan(1, ROWS, 10)), other.stream(Plan(2, ROWS, 10))
        for rows, mine, theirs in zip(Plan(1, ROWS, 10).batches, *streams, strict=True):
            assert right(mine, 1, rows) and right(theirs, 2, rows)


@pytest.mark.parametrize(
    ("trouble", "word"),
    [(Counting(kill=70), "was killed by SIGKILL at rows 58, 59, 60, 61, 62, ... of epoch key 3"),
     (Counting(fail=5), "KeyError: 'no photo in row 5'")],
)  # fmt: skip
def test_worker_that_ends_is_named_with_its_last_words(trouble: Counting, word: str) -> None:
    loader, before = Loader(trouble, workers=2), processes()  # type: ignore[arg-type]
    with pytest.raises(Lost, match=r"worker [12] of 2 that prepare batches \(process \d+\)") as caught:
        list(loader.train(np.arange(200), 32, 3))
    assert word in str(caught.value)
    assert processes() <= before
    trouble.kill = trouble.fail = -1
    batches = [images.numpy().copy() for _, images in loader.train(np.arange(200), 32, 3)]
    assert right(np.concatenate(batches), 3, np.arange(200))  # by others


def test_worker_killed_while_nobody_waits_is_noticed_at_the_next_batch() -> None:
    with ring() as made:
        stream = made.stream(Plan(1, np.arange(5000), 32))
        next(stream)
        made.workers.processes[1].kill()
        made.workers.processes[1].join()
        with pytest.raises(Lost, match="worker 2 of 2"):
            next(stream)
        made.workers.processes[0].kill()
        made.workers.processes[0].join()
        made.expect([Plan(2, ROWS, 32)])  # though nobody is left to hear of it
        with pytest.raises(Lost, match=r"worker [12] of 2"):
            list(made.stream(Plan(2, ROWS, 32)))


def shared() -> list[str]:
    """What this process has mapped from /dev/shm, where other processes have files too."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line.split()[-1] for line in lines if "/dev/shm/" in line]


def test_ring_lies_on_no_file_system_and_leaves_nothing_open(tmp_path: Path) -> None:
    """So a container's /dev/shm of 64 MB does not matter."""
    gc.collect()
    before, opened = shared(), psutil.Process().num_fds()
    with ring(Counting(shape=(256, 256, 3)), workers=1, largest=128) as made:
        assert made.memory.size > 64e6
        assert str(Path(f"/proc/self/fd/{made.memory.descriptor}").readlink()).startswith("/memfd:")
        assert next(made.stream(Plan(0, np.arange(32), 32)))[3, 0, 0, 0] == 3
        assert shared() == before
    del made
    assert psutil.Process().num_fds() == opened


def test_need_is_known_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = psutil.virtual_memory()._replace(available=10_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert slots_that_fit(40, 10, 100_000) == 40
    assert slots_that_fit(80, 10, 100_000) == 50  # half of what is free
    with pytest.raises(InputError, match="needs 6 MB, received 10 MB free, of which 50% may be used; allowed: fewer"):
        slots_that_fit(80, 60, 100_000)
    with ring(Counting(shape=(64, 64, 3)), workers=1) as made:
        assert made.layout.slots == 8, "two for the worker and three batches"
    memory = memory._replace(available=6_000_000)
    with ring(Counting(shape=(64, 64, 3)), workers=1) as made:
        assert made.layout.slots == 7


def test_slots_go_round_and_are_taken_together() -> None:
    slots = Slots(6)
    first, second = slots.take(2), slots.take(3)
    assert (first, second) == (range(2), range(2, 5))
    assert slots.take(2) is None  # one is left
    assert first is not None and second is not None
    slots.give_back(first)
    assert slots.take(2) == range(2)
    slots.give_back(second)
    assert slots.take(1) == range(2, 3)
    assert slots.take(3) == range(3, 6)


INTERRUPTED = """
import signal
import numpy as np
from counting import Counting
from trainable.ring.plan import Plan
from trainable.ring.ring import Ring

class Nothing:
    def pin(self, memory): ...
    def unpin(self, memory): ...

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    stream = Ring(Counting(seconds=0.2), 2, Nothing(), largest=32).stream(Plan(0, np.arange(9000), 32))
    next(stream)
    print("begun", flush=True)
    for _ in stream:
        pass
"""


def test_interrupt_ends_all_at_once_with_one_traceback(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(INTERRUPTED)
    paths = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parents[3])])
    asks = subprocess.Popen(
        [sys.executable, str(tmp_path / "asks.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
        start_new_session=True,  # a process group of its own, as in a terminal
    )
    with asks:
        assert asks.stdout is not None and asks.stderr is not None
        assert asks.stdout.readline() == "begun\n"
        workers = psutil.Process(asks.pid).children()
        os.killpg(asks.pid, signal.SIGINT)
        said = asks.stderr.read()  # to its end: nobody holds it any more
        asks.wait(5)
    assert said.count("Traceback") == 1 and said.rstrip().endswith("KeyboardInterrupt")
    assert psutil.wait_procs(workers, timeout=5)[1] == []


def test_a_worker_that_ended_is_heard_of_though_the_others_keep_up() -> None:
    """On a busy machine one worker was always ahead of whoever asked, and for 20 epochs nobody waited."""
    with ring(workers=2) as made:
        plans = [Plan(0, ROWS[:40], 20), Plan(1, ROWS[:40], 20)]
        made.expect(plans)
        assert all_right(made, plans[0])
        while made.owners:  # all of the second plan lies there
            made._hear(made.workers.wait())
        made.workers.processes[0].kill()
        made.workers.processes[0].join()
        with pytest.raises(Lost, match="was killed by SIGKILL"):
            next(made.stream(plans[1]))


@pytest.mark.slow
def test_soak_200_epochs_with_workers_killed_leave_nothing() -> None:
    """Each twentieth epoch, at a moment drawn at random, a worker is killed; the epoch is then run again."""
    rng, loader = np.random.default_rng(0), Loader(Counting(), workers=2)  # type: ignore[arg-type]
    shared, me = sorted(Path("/dev/shm").iterdir()), psutil.Process()
    before = processes()
    seen: list[tuple[int, int, int]] = []
    lost = 0
    for epoch in range(200):
        victim = int(rng.integers(18)) if epoch % 20 == 10 else -1
        for attempt in range(2):
            try:
                _one_epoch(loader, epoch, victim if attempt == 0 else -1)
                break
            except Lost:
                lost += 1
        if epoch in (20, 199):
            gc.collect()
            seen.append((me.memory_info().rss, me.num_fds(), len(processes())))
    assert lost == 10
    assert sorted(Path("/dev/shm").iterdir()) == shared
    assert seen[1][1:] == seen[0][1:], "open files, and processes"
    assert seen[1][0] < seen[0][0] + 2**22, "memory"
    del loader
    gc.collect()
    assert processes() <= before


def _one_epoch(loader: Loader, epoch: int, victim: int) -> None:
    """300 rows trained on and predicted; a worker is killed before batch `victim`."""
    loader.expect(Plan(epoch, ROWS, 17), Plan(-1, ROWS, 64), Plan(epoch + 1, ROWS, 17))
    for number, (rows, images) in enumerate(loader.train(ROWS, 17, epoch)):
        if number == victim:
            worker = loader._ring[0].workers.processes[epoch % 2]
            worker.kill()
            worker.join()  # on a busy machine it lives on for 20 epochs
        assert right(images.numpy(), epoch, rows)
    for rows, images in loader.predict(ROWS, 64):
        assert right(images.numpy(), -1, rows)
