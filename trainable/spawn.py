"""Processes that are started anew import our packages alone, whatever the program is that starts them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

HOME = str(Path(__file__).parents[1])  # where our packages lie


@contextmanager
def ours_alone() -> Iterator[None]:
    """Within it `multiprocessing` starts processes that do not run the main file again, and find ours before others.

    A command's main file imports torch, or all of Ray; a script that calls `foldvote` would begin anew in each of them.
    And a `trainable.py` in the working folder would be taken for ours.
    """
    main, path = sys.modules["__main__"], sys.path.copy()
    sys.modules["__main__"] = ModuleType("__main__")
    sys.path.insert(0, HOME)
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        sys.path[:] = path
