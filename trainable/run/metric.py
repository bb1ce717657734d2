"""The metric of a run as it was asked for: a name of the table, or the function in the run's own space file."""

import importlib.util
from pathlib import Path

from trainable.errors import InputError
from trainable.metrics import Asked, is_named


def recorded_metric(name: str, space: Path) -> Asked:
    """What experiment.json calls `name`; a function is taken from SEARCH.metric of the run's space file.

    For that alone the file is run, as it was when the search began. Raises InputError where it cannot be, or has
    another metric.
    """
    if is_named(name):
        return name
    otherwise = "to vote under another metric, ensembles.build --metric NAME"
    spec = importlib.util.spec_from_file_location(f"metric_of_{space.parent.name}", space)
    try:
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = module.SEARCH.metric
    except Exception as error:
        raise InputError(
            f"metric {name}: received {space}, which cannot be run for it: {type(error).__name__}: "
            f"{' '.join(str(error).split())}; allowed: what that file imports at hand, or {otherwise}"
        ) from error
    if not callable(found):
        raise InputError(f"metric {name}: received {space} with SEARCH.metric {found!r}; allowed: that function")
    return found
