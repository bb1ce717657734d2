"""Heads on what a finished trial's networks say of the photos: frozen anew, fold k's head on fold k's network.

Network and head of fold k have both seen fold k's training rows alone, so its own rows stay unseen. What the head is
chosen by is another matter: among the training rows that are held back in turn the network knows every label, so that
held-back rows look easier than new ones. Where that would count, `shrinkage` and `calibrate` are given, not chosen.
"""

from dataclasses import replace
from pathlib import Path

from trainable.config import AugmentConfig, FeaturesConfig, HeadConfig, MixConfig, TrialConfig
from trainable.config.head import LINEAR
from trainable.errors import InputError
from trainable.run.folder import RunFolder
from trainable.run.trial import Trial

SHRINKAGE = 0.5  # given, since held-back rows that the network was trained on would choose none


def head_on(trial: Trial, name: str = "lda") -> TrialConfig:
    """The configuration of a head on a complete trial's networks; it becomes a trial of the same run like any other.

        config = head_on(run.trial(ID))
        other = run.trial(run.identify(config))
        other.begin(config)
        train(other, lambda report: True, device=device)

    name: of `HeadConfig`'s fitted heads. Raises InputError where the trial is not complete, is itself a head that was
    fitted, or normalises photos by each fold's own statistics.
    """
    config = trial.config
    if trial.state != "complete" or config.fitted or config.input.normalise == "dataset":
        raise InputError(
            f"features.of: received {trial.id}, {_kind(trial)}; allowed: a complete trial whose networks were trained"
        )
    given = {"shrinkage": SHRINKAGE, "calibrate": False} if name in LINEAR else {"calibrate": False}
    return replace(
        config,
        model=replace(config.model, freeze="body", pretrained=False),
        head=HeadConfig(name=name, **given),
        features=FeaturesConfig(of=trial.id),
        augment=AugmentConfig(policy="none"),
        mix=MixConfig(),
        tta="none" if config.tta == "none" else "flip",
        compile="auto",
    )


def trained_network(run: RunFolder, config: TrialConfig, k: int | None) -> Path:
    """The weights of fold k's network that `config.features.of` names, k None: of its network of all rows.

    Raises InputError where there is none, or where it sees other photos than the head would.
    """
    trial = Trial(run, config.features.of)
    if not trial.begun or trial.config.fitted or not trial.finished:
        raise InputError(
            f"features.of: received {trial.id}, {_kind(trial)}; allowed: a complete trial of {run.root} whose networks "
            "were trained"
        )
    own = trial.config
    if (own.model.backbone, own.input, own.target) != (config.model.backbone, config.input, config.target):
        raise InputError(
            f"features.of: received {trial.id}, whose backbone, input or target is another one; allowed: the same"
        )
    network = trial.all_rows if k is None else trial.fold(k)
    if not network.finished:
        raise InputError(
            f"features.of: received {trial.id}, which has no network of all rows; allowed: --all-rows of it before"
        )
    if wrong := network.broken():
        raise InputError(f"features.of: {wrong}; allowed: the file as trained")
    return network.weights


def _kind(trial: Trial) -> str:
    if not trial.begun:
        return "which is not in the run"
    if trial.config.fitted:
        return f"a head that was fitted ({trial.config.head.name})"
    if trial.state == "complete":
        return "which normalises by statistics of each fold's own"
    return f"which is {trial.state}"
