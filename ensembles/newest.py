"""Which run or ensemble a command is about when none is named."""

from pathlib import Path

from trainable.errors import none_given
from trainable.run import Run, newest_run


def newest_below(folder: Path = Path("runs")) -> Path:
    """The run below `folder` that was begun last; raises InputError when there is none."""
    found = newest_run(folder)
    if found is None:
        raise none_given(folder)
    return found


def latest(place: Path) -> Path:
    """The folder of an ensemble: the one given, or the latest that was built on the run given."""
    run = Run(place)
    return run.ensembles()[-1].root if run.begun and run.ensembles() else place
