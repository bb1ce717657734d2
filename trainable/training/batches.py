"""Where a trial's batches come from."""

from dataclasses import asdict

from trainable.config import TrialConfig
from trainable.data.where import rows_where
from trainable.images.augment import Augmentation
from trainable.images.batches import Batches
from trainable.images.faces import what_is_seen
from trainable.run import Experiment


def training_batches(config: TrialConfig, experiment: Experiment) -> Batches:
    """What the configuration cuts out of each photo, resizes and augments."""
    options, manifest = asdict(config.augment), experiment.manifest
    policy, only = options.pop("policy"), options.pop("hflip_only")
    flipped = None
    if only and config.augment.hflip:
        flipped = rows_where(manifest, only, manifest.labels, "augment.hflip_only")
    augmentation = Augmentation(policy, options, flipped)
    return Batches(
        pixels_file=experiment.store.pixels_file,
        place=experiment.place,
        crop=config.input.crop,
        size=config.input.size,
        policy=augmentation,
        seed=config.seed,
        **what_is_seen(config, experiment.store),
    )
