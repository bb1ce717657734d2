"""Votes before any training: a head in closed form on what a pretrained network says of the photos.

It is a trial like any other, of a run that is gone afterwards; the table of features stays in the cache, where a search
of the same network at the same size finds it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainable.data.flags import Flags
from trainable.device import this_device
from trainable.errors import InputError
from trainable.features.seen import head_on
from trainable.models.packaged import NETWORKS
from trainable.models.weights import missing_weights, weights_at_hand
from trainable.run import Run, prepare
from trainable.training.trial import train

SIZE = (224, 224)  # pixels


@contextmanager
def run_beforehand(data: Path, flags: Flags, *, folds: int, weights: Path | None) -> Iterator[tuple[Path, str]]:
    """A run of one such trial on a data folder, which is gone when the context ends; and what its votes are from.

    weights: as of `find_weights`. Raises InputError where no weights are at hand, and for data that cannot be used.
    """
    found = weights_at_hand(NETWORKS, weights)
    if found is None:
        raise InputError(missing_weights(list(NETWORKS)))
    backbone, file = found
    own = {backbone: str(file)}
    experiment = prepare(data, folds=folds, seed=0, store_size=SIZE, skip_bad_images=True, weights=own, flags=flags)
    config = head_on(backbone, SIZE)
    with tempfile.TemporaryDirectory(prefix="foldvote-") as folder:
        run = Run(Path(folder) / "run")
        run.begin(experiment, command=[], settings={})
        trial = run.trial(run.identify(config))
        trial.begin(config)
        train(trial, lambda _: True, device=this_device())
        what = f"linear discriminants of {experiment.folds.count} folds on features of {backbone} {SIZE[0]}x{SIZE[1]}"
        yield run.root, f"{what}, weights {file.name}, before any training"
