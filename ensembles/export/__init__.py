"""A built ensemble as a folder that stands alone.

python -m ensembles.export RUN/ensembles/NAME OUT [--no-onnx]

    OUT/
      README.md  ensemble.json              what it is; how its networks see and vote
      predict.py  photos.py  layers.py      predicts with torch, timm, numpy, OpenCV and safetensors
      networks/<run>-<trial>/fold_<k>.safetensors  fold_<k>.onnx

The ONNX copies take photos uint8 [B, H, W, 3] and answer with probabilities; each is compared with torch first.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.models import get_pretrained_cfg

from ensembles.built import Built, read_built
from ensembles.checks import broken_members, refuse
from ensembles.export.onnx_copy import check_installed, copy_to_onnx
from ensembles.export.texts import layers_source, photos_source, readme
from ensembles.members import JOINT, Member
from trainable.command import Parser, guarded
from trainable.config import TrialConfig
from trainable.data.labels import ATTRIBUTES
from trainable.errors import InputError
from trainable.files import read_json, write_json, write_text
from trainable.images.faces import CASCADE, FALLBACK, looks_for_faces
from trainable.models.predict import load_model
from trainable.run.experiment import versions

CHECKED = 8  # photos on which a copy is compared with torch


def export(built: Built, out: Path, *, onnx: bool = True) -> None:
    """Writes `out`, which does not exist; it appears whole or not at all."""
    networks = {}
    beside = out.with_name(f".{out.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for factor in dict.fromkeys(f for member in built.members for f in member.factors):
            networks[_key(factor)] = _network(factor, beside, len(built.classes), onnx)
        write_json(beside / "ensemble.json", {**_vote(built), "networks": networks})
        write_text(beside / "predict.py", Path(__file__).with_name("exported.py").read_text(encoding="utf-8"))
        write_text(beside / "photos.py", photos_source())
        write_text(beside / "layers.py", layers_source())
        write_text(beside / "README.md", readme(built, networks))
        beside.replace(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def only(parameters: dict[str, Any], used: list[int]) -> dict[str, Any]:
    """The parameters of a method for the members `used` alone; those of the others are never read."""

    def pick(values: list) -> list:
        return [values[t] for t in used]

    found = dict(parameters)
    for name in {"weights", "temperatures"} & set(parameters):
        found[name] = pick(parameters[name])
    if "attribute_weights" in parameters:
        found["attribute_weights"] = [pick(weights) for weights in parameters["attribute_weights"]]
    return found


def _vote(built: Built) -> dict[str, Any]:
    return {
        "method": built.fitted.method.name,
        "parameters": only(built.fitted.parameters, built.used),
        "members": [[_key(factor) for factor in member.factors] for member in built.members],
        "classes": built.classes,
        "attributes": built.attributes,
        "nested_macro_f1": built.nested,
        "built": str(built.paths.root),
        "versions": versions(),
    }


def _network(member: Member, out: Path, classes: int, onnx: bool) -> dict[str, Any]:
    """Copies the weights of a trial's fold models; what predict.py must know of them."""
    config = TrialConfig.from_dict(read_json(member.trial.config))
    if looks_for_faces(config) and config.input.detector != CASCADE:
        raise InputError(
            f"{member.name}: received input.detector {config.input.detector}, which stands on facenet-pytorch; "
            f"allowed: members with {CASCADE}"
        )
    count = classes if member.target == JOINT else len(ATTRIBUTES[member.target])
    folds = member.networks()
    statistics = [read_json(fold.result)["statistics"] for fold in folds]
    place = Path("networks") / _key(member)
    (out / place).mkdir(parents=True)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (CHECKED, *config.input.size, 3), dtype=np.uint8)
    differences = []
    for k, fold in enumerate(folds):
        shutil.copyfile(fold.weights, out / place / f"fold_{k}.safetensors")
        if onnx:
            model = load_model(config, count, fold.weights, torch.device("cpu"))
            file = out / place / f"fold_{k}.onnx"
            differences.append(copy_to_onnx(model, torch.tensor(statistics[k]), images, file))
            print(f"{place / file.name}: differs from torch by at most {differences[-1]:.1e}", flush=True)
    card = get_pretrained_cfg(config.model.backbone)
    seen = config.input
    return {
        "backbone": config.model.backbone,
        "fixed_size": bool(card is not None and card.fixed_input_size),
        "pretrained": config.model.pretrained,
        "license": (card.license if card is not None else None) or "not stated by timm",
        "origin": (card.hf_hub_id if card is not None else None) or "not stated by timm",
        "target": member.target,
        "classes": count,
        "head": config.head.name,
        "age": config.head.age,
        "tta": config.tta,
        "input": {
            "store": seen.store,
            "crop": seen.crop,
            "region": seen.region,
            "margin": seen.margin,
            "background": seen.background,
            "fallback": FALLBACK,
            "size": seen.size,
        },
        "statistics": statistics,
        "weights": [str(place / f"fold_{k}.safetensors") for k in range(len(folds))],
        "onnx": [str(place / f"fold_{k}.onnx") for k in range(len(folds))] if onnx else [],
        "onnx_difference": max(differences) if differences else None,
    }


def _key(member: Member) -> str:
    return f"{member.run.root.name}-{member.trial.root.name}"


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m ensembles.export", description="Write an ensemble as a folder that stands alone.")
    parser.add_argument("ensemble", type=Path, metavar="RUN/ensembles/NAME")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument("--no-onnx", action="store_true", help="leave out the ONNX copies")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    out = given.out.expanduser().absolute()
    if out.exists():
        raise InputError(f"OUT: received {out}, which exists; allowed: a new folder")
    built = read_built(given.ensemble)
    print(f"ensemble {built.paths.root}", flush=True)
    if not given.no_onnx:
        check_installed()
    refuse(broken_members(built.members))
    export(built, out, onnx=not given.no_onnx)
    print(f"next: python {out / 'predict.py'} IMAGES --out CSV")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
