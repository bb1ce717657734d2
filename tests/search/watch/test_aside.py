"""Work aside is done in order, and what hangs does not hold up the end."""

import subprocess
import sys
import threading
import time

import pytest

from search.watch.aside import ALOUD, Aside


def test_work_is_done_in_order_and_the_end_waits_for_it() -> None:
    done: list[int] = []
    aside = Aside("Pictures")
    for i in range(50):
        aside.later(lambda i=i: done.append(i))  # type: ignore[misc]
    assert aside.end(drop=False, last=lambda: done.append(-1))
    assert done == [*range(50), -1]


def test_an_interrupted_search_finishes_only_what_is_begun_and_says_farewell() -> None:
    done: list[str] = []
    begun, go = threading.Event(), threading.Event()
    aside = Aside("Pictures")
    aside.later(lambda: (begun.set(), go.wait(), done.append("begun"))[0])
    aside.later(lambda: done.append("never"))
    assert begun.wait(10)
    threading.Timer(0.2, go.set).start()
    assert aside.end(drop=True, last=lambda: done.append("farewell"))
    assert done == ["begun", "farewell"]


def test_what_hangs_is_left_behind_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    go = threading.Event()
    aside = Aside("MLflow", farewell=0.2)
    aside.later(lambda: [go.wait()][0] and None)
    aside.later(lambda: None)
    began = time.monotonic()
    assert not aside.end(drop=False)
    assert time.monotonic() - began < 5
    assert "warning: MLflow did not end within 0 s; what it had left to draw (1) is left out" in capsys.readouterr().err
    go.set()


def test_what_takes_longer_is_finished_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    aside, done = Aside("TensorBoard", farewell=30), list[int]()
    aside.later(lambda: time.sleep(ALOUD + 0.5))
    aside.later(lambda: done.append(1))
    assert aside.end(drop=False) and done == [1]
    assert capsys.readouterr().out == "TensorBoard: finishing what is left, for 30 s at most\n"


BUSY = """
import time

import torch

from search.watch.aside import ALOUD, Aside
from trainable import leaving
from trainable.command import guarded

leaving.LEAVE = {leave}


def compute():
    until = time.monotonic() + {seconds}
    while time.monotonic() < until:
        torch.nn.functional.gelu(torch.ones(1000, 1000))


def work():
    aside = Aside("pictures", farewell=0.1)
    aside.later(compute)
    assert not aside.end(drop=False)
    print("next: the last line")
    return {code}


raise SystemExit(guarded(work))
"""


@pytest.mark.parametrize(("seconds", "leave", "code"), [(2, 15, 0), (60, 1, 0), (60, 1, 130)])
def test_process_whose_thread_still_computes_ends_without_an_abort(seconds: int, leave: int, code: int) -> None:
    """However long that takes: a picture took longer than the end waits, and the search ended with a trace and 134."""
    script = BUSY.format(seconds=seconds, leave=leave, code=code)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == code and ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stdout.splitlines()[-1] == "next: the last line"
