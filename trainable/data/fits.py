"""Whether data can carry what a configuration asks for; asked once, on the driver, before all else."""

from trainable.config import JOINT, RowsConfig, TrialConfig
from trainable.data.attributes import Attributes
from trainable.data.corrections import check_core, check_folds, correct
from trainable.data.folds import Folds
from trainable.data.manifest import Manifest
from trainable.data.rows import training_rows
from trainable.data.where import rows_where
from trainable.errors import InputError
from trainable.images.faces import check_detector, looks_for_faces
from trainable.words import few


def check_data(config: TrialConfig, manifest: Manifest, folds: int | None = None) -> None:
    """InputError when the data or this machine cannot carry a choice. folds: how many; None: whoever asks has none."""
    if looks_for_faces(config):
        check_detector(config.input.detector)
    _check_columns(config, manifest.made_of)
    _check_cuts(config, manifest.made_of)
    places = {
        "stage.rows": config.stage.rows,
        "augment.hflip_only": config.augment.hflip_only if config.augment.hflip else "",
        "mix.partner": config.mix.partner if config.mix.name != "none" and "=" in config.mix.partner else "",
    }
    for choice, text in places.items():
        if text:
            rows_where(manifest, text, manifest.labels, choice)
    if config.rows.corrections == "core":
        check_core(manifest)
    correct(manifest, config.rows.corrections)
    if folds is not None:
        check_folds(config.rows.corrections, folds)


def check_folds_train(config: TrialConfig, manifest: Manifest, folds: Folds) -> None:
    """InputError, naming the fold, where cuts, drops and corrections leave it no training row of a class."""
    for k in range(folds.count) if config.rows != RowsConfig() else ():
        try:
            training_rows(config, manifest, folds, k)
        except InputError as error:
            raise InputError(f"fold {k}: {error}") from None


def _check_columns(config: TrialConfig, made_of: Attributes) -> None:
    """Columns that a configuration names must be such that classes are made of; ordinal ones have an order."""
    head = config.head
    asked = {
        "target": () if config.target == JOINT else (config.target,),
        "head.ordinal": head.ordinal,
        "head.weights": tuple(name for name, _ in head.weights) if head.name == "attributes" else (),
        "rows.cuts": tuple(name for name, _ in config.rows.cuts),
        "rows.drop": tuple(name for name, _ in config.rows.drop),
    }
    for choice, names in asked.items():
        if missing := [name for name in names if name not in made_of.names]:
            raise InputError(f"{choice}: the data have no column {_missing(missing, made_of)}")
    by_parts = {"head.name": head.name == "attributes", "head.parts": config.fitted and head.parts == "attributes"}
    for choice, on in by_parts.items():
        if on and not made_of:
            raise InputError(f"{choice} attributes: the data have no column {_missing([], made_of)}")
    for name in head.ordinal:
        part = made_of[name]
        if not part.ordered:
            raise InputError(
                f"head.ordinal: received {name}, whose values {few(list(part.values))} have no order; allowed: an "
                f"ordered column, such as by --order {name}={','.join(part.values[:3])}"
            )


def _check_cuts(config: TrialConfig, made_of: Attributes) -> None:
    for choice, given in (("rows.cuts", config.rows.cuts), ("rows.drop", config.rows.drop)):
        for name, values in given:
            own = made_of[name].cuts
            if not own:
                raise InputError(f"{choice}: received {name}, which is not cut; allowed: a column of numbers that is")
            if len(values) != len(own):
                borders = ", ".join(f"{cut:g}" for cut in own)
                given_count = f"{choice}: received {len(values)} numbers for {name}"
                raise InputError(f"{given_count}; allowed: {len(own)}, one a border ({borders})")


def _missing(names: list[str], made_of: Attributes) -> str:
    what = ", ".join(names) or "that classes are made of"
    known = ", ".join(made_of.names)
    return f"{what}; allowed: {f'{known}, or ' if known else ''}leave the choice out, or --label COLUMN,COLUMN"
