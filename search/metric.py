"""The metric that SEARCH asks for, checked against the data before any worker starts."""

import math
from collections.abc import Sequence

import numpy as np

from search.space_file import SpaceFile
from trainable.data.manifest import Manifest
from trainable.data.rows import target_classes
from trainable.errors import InputError
from trainable.metrics import Metric, get
from trainable.words import few


def order_said(measure: Metric, classes: Sequence[str]) -> list[str]:
    """The order that a kappa takes classes in whose names are no numbers: the alphabet's, unless somebody says."""
    if "kappa" not in measure.name or len(classes) < 3 or all(name.isdecimal() for name in classes):
        return []
    return [f"{measure.shown} takes the classes in this order: {few(classes, 8)} (--label C --order C=V,V,... sets it)"]


def check_metric(space: SpaceFile, manifest: Manifest) -> Metric:
    """The metric over the classes that trials predict; InputError where it cannot be had of these.

    A function is called once, on made-up rows: one that cannot be would fail in every trial.
    """
    s = space.search
    classes = target_classes(manifest, s.target)
    try:
        measure = get(s.metric, classes)
        if s.target != "joint" and not measure.divisible:
            raise InputError(f"metric {measure.name}: received with target {s.target}; allowed: one of every attribute")
        name, _, first = measure.name.partition(":")
        if name == "top_k" and int(first) >= len(classes):
            raise InputError(
                f"metric {measure.name}: received {len(classes)} classes, so that every answer scores 1; allowed: K "
                f"below {len(classes)}"
            )
    except InputError as error:
        raise InputError(f"{space.path}: {error}") from None
    if not callable(s.metric):
        return measure
    labels = np.arange(2 * len(classes)) % len(classes)
    rows = np.random.default_rng(0).dirichlet(np.ones(len(classes)), len(labels)).astype(np.float32)
    try:
        found = float(s.metric(labels, rows))
        assert math.isfinite(found), f"it answered {found}"
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(
            f"{space.path}: metric {measure.name} failed on {len(labels)} made-up rows: {reason}; allowed: a function "
            "(labels int64 [N], probabilities float32 [N, C]) -> a finite number"
        ) from error
    return measure
