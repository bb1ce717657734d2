"""The trainable: one configuration, K folds, one after another.

python -m trainable.train CONFIG.json --data DIR --out DIR      one trial without Ray or Optuna
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainable.command import Parser, add_data, default_data, guarded, whole
from trainable.config import TrialConfig
from trainable.data.rows import check_data, is_old, target_classes
from trainable.errors import InputError
from trainable.files import read_json, read_json_lines, read_npz, write_json, write_npz
from trainable.images.augment import Augmentation
from trainable.images.faces import look, photos_without_face, what_is_seen
from trainable.images.loader import Batches, Loader
from trainable.models.build import resolve_weights
from trainable.run.experiment import Experiment, prepare, read_info, save_experiment
from trainable.run.paths import RunPaths, TrialPaths
from trainable.training.device import use_threads
from trainable.training.fold import Metrics, score, train_fold


@dataclass(frozen=True)
class Report:
    """What a scheduler hears: every epoch of fold 0, then the end of each later fold.

    `step` is epochs done over all folds. `score` is the macro-F1 of this fold's validation rows. Reports of later
    folds' inner epochs have `decides` False: they are for pictures, and nobody may stop a trial on them.
    """

    step: int
    fold: int
    score: float
    decides: bool
    fold_done: bool
    metrics: Metrics


def run_trial(
    config: TrialConfig, experiment: Experiment, *, device: torch.device, workers: int = 0, only: int | None = None
) -> Iterator[Report]:
    """Train the folds that are not finished; yields every epoch, also those that an earlier process made.

    only: this fold alone, ahead of its turn, by an idle worker; the trial passes over it later.
    Whoever stops iterating stops the trial; what was yielded lies in the run directory already.
    """
    paths = experiment.paths.trial(config.trial_id(experiment.folds.fingerprint()))
    write_json(paths.config, config.to_dict())
    loader = Loader(training_batches(config, experiment), workers=workers, pin=device.type == "cuda")
    torch.compiler.reset()  # of a trial before this one in the same process
    last = experiment.folds.count - 1
    for k in range(experiment.folds.count) if only is None else (only,):
        for report in _run_fold(config, experiment, k, loader, device, paths):
            if report.fold_done and k == last and only is None:
                _finish(config, experiment, paths, device)
            yield report


def _run_fold(
    config: TrialConfig, experiment: Experiment, k: int, loader: Loader, device: torch.device, paths: TrialPaths
) -> Iterator[Report]:
    fold = paths.fold(k)
    if fold.finished:
        epochs = read_json_lines(fold.metrics)
    else:
        fitted = [read_json(f.result)["micro_batch"] for f in paths.folds() if f.finished]
        epochs = train_fold(config, experiment, k, loader, device, fold, min([config.batch_size, *fitted]))
    for metrics in epochs:
        last = metrics["epoch"] == config.epochs
        value = metrics["macro_f1"]
        yield Report(
            step=k * config.epochs + metrics["epoch"],
            fold=k,
            score=float("nan") if value is None else value,
            decides=k == 0 or last,
            fold_done=last,
            metrics=metrics,
        )


def training_batches(config: TrialConfig, experiment: Experiment) -> Batches:
    """Where a trial's batches come from; `cuts` and `masks_file` say what is cut out of each photo."""
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


def train(
    config: TrialConfig,
    experiment: Experiment,
    report: Callable[[Report], bool],
    *,
    device: torch.device,
    workers: int = 0,
) -> dict[str, Any] | None:
    """Run a trial until it is complete or `report` answers False; returns result.json, None when stopped."""
    for heard in run_trial(config, experiment, device=device, workers=workers):
        if not report(heard):
            return None
    return read_json(experiment.paths.trial(config.trial_id(experiment.folds.fingerprint())).result)


def pooled(experiment: Experiment, paths: TrialPaths, folds: range, target: str = "joint") -> dict[str, np.ndarray]:
    """Out-of-fold predictions of these finished folds, rows in the manifest's order (see oof.npz in the design)."""
    parts = [read_npz(paths.fold(k).valid) for k in folds]
    index = np.concatenate([p["index"] for p in parts])
    fold = np.concatenate([np.full(len(p["index"]), k, np.int8) for k, p in zip(folds, parts, strict=True)])
    order = np.argsort(index)
    return {
        "index": index[order],
        "probabilities": np.concatenate([p["probabilities"] for p in parts])[order],
        "label": np.concatenate([p["label"] for p in parts])[order],
        "fold": fold[order],
        "classes": np.array(target_classes(experiment.manifest, target)),
    }


def _finish(config: TrialConfig, experiment: Experiment, paths: TrialPaths, device: torch.device) -> None:
    """Write oof.npz, then result.json: only then is the trial finished."""
    count = experiment.folds.count
    oof = pooled(experiment, paths, range(count), config.target)
    write_npz(paths.oof, **oof)
    results = [read_json(paths.fold(k).result) for k in range(count)]
    # ASHA chose this trial by fold 0, so its score there is optimistic: the later folds stand apart.
    later = oof["fold"] > 0
    classes = len(oof["classes"])
    attributes = config.target == "joint" and bool(experiment.manifest.attributes)
    scores = score(oof["label"], oof["probabilities"], classes, attributes)
    write_json(
        paths.result,
        {
            "trial": paths.root.name,
            "oof_macro_f1": scores.pop("macro_f1"),
            "later_folds_macro_f1": score(oof["label"][later], oof["probabilities"][later], classes, False)["macro_f1"],
            "fold_macro_f1": [r["macro_f1"] for r in results],
            **scores,
            "epochs_done": sum(r["epochs"] for r in results),
            "seconds": sum(r["seconds"] for r in results),
            "micro_batch": min(r["micro_batch"] for r in results),
            **photos_without_face(config, experiment.store),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
            "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
    )


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m trainable.train", description="Train one trial, all folds.")
    parser.add_argument("config", type=Path, help="a TrialConfig as JSON; keys left out take their defaults")
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="run directory; taken up again if begun")
    parser.add_argument("--folds", type=whole, default=5)
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare batches")
    parser.add_argument("--threads", type=whole, default=None, help="CPU threads of the network")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors")
    parser.add_argument("--skip-bad-images", action="store_true")
    given = parser.parse_args(arguments)
    return guarded(lambda: _command(given))


def _command(given: argparse.Namespace) -> int:
    config = _read_config(given.config)
    paths = RunPaths(given.out)
    print(f"run directory {paths.root}")
    if given.threads:
        use_threads(given.threads)
    weights = resolve_weights([config.model.backbone] if config.model.pretrained else [], given.weights)
    experiment = prepare(
        given.data or default_data(),
        paths,
        folds=given.folds,
        seed=config.seed,
        store_size=config.input.store,
        skip_bad_images=given.skip_bad_images,
        weights=weights,
    )
    check_data(config, experiment.manifest)
    look([config], experiment.store)
    _take_up_or_begin(experiment, config)
    for sentence in config.cautions():
        print(f"warning: {sentence}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def say(report: Report) -> bool:
        total = config.epochs * experiment.folds.count
        print(f"fold {report.fold} epoch {report.step}/{total} loss {report.metrics['loss']:.4f} "
              f"macro-F1 {report.score:.4f}")  # fmt: skip
        return True

    result = train(config, experiment, say, device=device, workers=given.workers)
    assert result is not None
    print(f"out-of-fold macro-F1 {result['oof_macro_f1']:.4f} over {experiment.folds.count} folds")
    print(f"next: python -m ensembles.build {paths.root}")
    return 0


def _read_config(path: Path) -> TrialConfig:
    if not path.is_file():
        raise InputError(f"no configuration: received {path}; allowed: a JSON file such as a trial's config.json")
    try:
        return TrialConfig.from_dict(read_json(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no JSON: {error}; allowed: such as a trial's config.json") from None


def _take_up_or_begin(experiment: Experiment, config: TrialConfig) -> None:
    """Save a new experiment; an old one must be of the same data and folds."""
    paths = experiment.paths
    if not paths.experiment.exists():
        if paths.root.exists() and any(paths.root.iterdir()):
            raise InputError(f"--out: received {paths.root}, which holds other files; allowed: a new folder or a run")
        save_experiment(experiment, sys.argv, {"epochs": config.epochs})
        return
    info = read_info(paths)
    if info["folds_fingerprint"] != experiment.folds.fingerprint() or info.get("pseudo"):
        raise InputError(f"--out: received {paths.root}, a run on other rows or folds; allowed: a new folder")


if __name__ == "__main__":
    raise SystemExit(main())
