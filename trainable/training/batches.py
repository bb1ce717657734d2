"""Where a trial's batches come from."""

from dataclasses import asdict

from trainable.config import TrialConfig
from trainable.data.rows import is_old
from trainable.images.augment import Augmentation
from trainable.images.faces import what_is_seen
from trainable.images.loader import Batches
from trainable.run import Experiment


def training_batches(config: TrialConfig, experiment: Experiment) -> Batches:
    """What the configuration cuts out of each photo, resizes and augments."""
    options = asdict(config.augment)
    augmentation = Augmentation(options.pop("policy"), options, is_old(experiment.manifest))
    return Batches(
        pixels_file=experiment.store.pixels_file,
        place=experiment.place,
        crop=config.input.crop,
        size=config.input.size,
        policy=augmentation,
        seed=config.seed,
        **what_is_seen(config, experiment.store),
    )
