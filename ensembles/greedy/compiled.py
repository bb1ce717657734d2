"""`compiled`: numba's `njit` without the GIL, kept on disk where a folder for it can be written.

Threads are ours (`concurrent.futures`), not numba's `parallel=True`: that one's thread layers die after a fork
or under two Python threads, and compile several times longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Machine code of `function` for the types it is first called with."""
    jit: Any = numba.njit
    try:
        return cast(Callable[P, R], jit(nogil=True, cache=True)(function))
    except RuntimeError:  # numba: "no locator available", neither __pycache__ nor the user's cache is writable
        return cast(Callable[P, R], jit(nogil=True)(function))
