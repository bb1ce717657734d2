"""The first batch that a trial trains on, made again from its configuration: what the network really sees."""

import numpy as np
import torch

from trainable.config import TrialConfig
from trainable.data.rows import target_classes, training_rows
from trainable.images.mixing import apply, build_mix
from trainable.randomness import generator
from trainable.ring.plan import split
from trainable.run.experiment import Experiment
from trainable.training.batches import training_batches
from trainable.training.phases import is_first_stage
from trainable.training.samplers import build_sampler


def first_batch(config: TrialConfig, experiment: Experiment) -> tuple[np.ndarray, list[str]]:
    """(images uint8 [B, H, W, 3], captions) of fold 0, epoch 0, step 0: sampled, augmented and mixed as in training."""
    training = training_rows(config, experiment.manifest, experiment.folds, 0)
    rows = training.rows
    if is_first_stage(config.stage, config.epochs, 0):
        rows = rows[training.first[rows]]
    sample = build_sampler(config.sampler.name, power=config.sampler.power, beta=config.sampler.beta)
    key = (config.seed, 0, 0)
    first = split(sample(generator(*key, 1), rows, training.labels[rows]), config.batch_size)[0]
    images = torch.from_numpy(training_batches(config, experiment).make(0, first))
    names = target_classes(experiment.manifest, config.target)
    captions = [names[label] for label in training.labels[first]]
    m = config.mix
    if m.name == "none" or config.model.freeze == "body":
        return images.numpy(), captions
    mixer = build_mix(m.name, p=m.p, alpha=m.alpha, ratio=m.ratio, partner=m.partner)
    mix = mixer(generator(*key, 2, 0), training.labels[first], training.partners[first], config.input.size)
    if mix is None:
        return images.numpy(), captions
    mixed, _ = apply(images.permute(0, 3, 1, 2).float(), torch.from_numpy(training.labels[first]), mix, len(names))
    others = [f"{own}\n{1 - mix.keep:.0%} {captions[p]}" for own, p in zip(captions, mix.partner, strict=True)]
    return mixed.permute(0, 2, 3, 1).round().clamp(0, 255).to(torch.uint8).numpy(), others
