"""Find, train and combine image classifiers for a small, imbalanced data set whose images come in groups.

    import foldvote

    run = foldvote.search("demo", "data/sample", trials=8)    # a space by name, or its file
    run.leaderboard()                                         # pandas, a row a trial
    vote = foldvote.build(run)                                # chosen on out-of-fold predictions
    vote.submission, vote.nested_score
    vote.predict(["photo.jpg"])                               # paths, arrays, PIL images

The same from a shell: `foldvote --help`. Nothing heavy is imported before it is used.
"""

from typing import TYPE_CHECKING, Any

from foldvote.own import import_own

if TYPE_CHECKING:
    from foldvote.python import Run, Vote, build, search

__all__ = ["Run", "Vote", "build", "search"]

import_own()


def __getattr__(name: str) -> Any:
    """PEP 562: torch, Ray and pandas take seconds to import, which `foldvote --help` need not wait for."""
    if name not in __all__:
        raise AttributeError(f"module 'foldvote' has no attribute {name!r}; it has {', '.join(__all__)}")
    from foldvote import python

    return getattr(python, name)


def __dir__() -> list[str]:
    return __all__
