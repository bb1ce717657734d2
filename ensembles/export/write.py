"""A built ensemble as a folder that stands alone.

    OUT/
      README.md  vote.json                  what it is; how its networks see and vote
      predict.py  photos.py  layers.py      predicts with torch, timm, numpy, OpenCV, Pillow and safetensors
      networks/<run>-<trial>/fold_<k>.safetensors  fold_<k>.onnx

The ONNX copies take photos uint8 [B, H, W, 3] and answer with probabilities; each is compared with torch first.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from timm.models import get_pretrained_cfg

from ensembles.ensemble import Ensemble, trained
from ensembles.export.onnx_copy import copy_to_onnx
from ensembles.export.texts import layers_source, photos_source, readme
from ensembles.kinds import HEADS, UNEXPORTABLE
from ensembles.members import JOINT, Member, kind_of
from ensembles.members.kinds import is_unexportable
from ensembles.predict_members import class_shares
from trainable.commands import spoken
from trainable.config.head import LINEAR
from trainable.data.manifest import ITEM
from trainable.errors import InputError
from trainable.files import write_bytes, write_json, write_text
from trainable.images.faces import CASCADE, FALLBACK, looks_for_faces
from trainable.models.build import layer_kind
from trainable.models.predict import load_model, load_network
from trainable.run import Fold, versions

CHECKED = 8  # photos on which a copy is compared with torch


def export(ensemble: Ensemble, out: Path, *, onnx: bool = True) -> None:
    """Write the folder `out`, which must not exist yet; it appears whole or not at all.

    onnx: whether each network gets an ONNX copy too. Raises InputError for members that cannot stand alone,
    RuntimeError where an ONNX copy answers otherwise than its network.
    """
    networks = {}
    beside = out.with_name(f".{out.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for factor in dict.fromkeys(f for member in trained(ensemble, "export") for f in member.factors):
            networks[factor.key] = _network(factor, beside, len(ensemble.classes), onnx)
        write_json(beside / "vote.json", {**_vote(ensemble), "networks": networks})
        write_text(beside / "predict.py", Path(__file__).with_name("standalone.py").read_text(encoding="utf-8"))
        write_text(beside / "photos.py", photos_source())
        write_text(beside / "layers.py", layers_source())
        write_text(beside / "README.md", readme(ensemble, networks))
        beside.replace(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def only(parameters: dict[str, Any], used: list[int]) -> dict[str, Any]:
    """A method's parameters without those of members that are not in `used`, which no vote reads."""

    def pick(values: list) -> list:
        return [values[t] for t in used]

    found = {**parameters, "weights": pick(parameters["weights"])}
    if "parts" in parameters:
        found["parts"] = [{**part, "parameters": only(part["parameters"], used)} for part in parameters["parts"]]
    for name in ("levels", "ranks", "signed", "coefficients"):
        if name in parameters:
            found[name] = pick(parameters[name])
    if "attribute_weights" in parameters:
        found["attribute_weights"] = [pick(weights) for weights in parameters["attribute_weights"]]
    return found


def _vote(ensemble: Ensemble) -> dict[str, Any]:
    return {
        "method": ensemble.fitted.method.name,
        "parameters": only(ensemble.fitted.parameters, ensemble.used),
        "members": [[factor.key for factor in member.factors] for member in trained(ensemble, "export")],
        "classes": ensemble.classes,
        "shares": class_shares(trained(ensemble, "export")[0]).tolist(),
        "attributes": ensemble.made_of.to_dict(),
        "items": ITEM in ensemble.run.manifest.frame,
        "metric": ensemble.metric,
        "nested_score": ensemble.nested_score,
        "built": str(ensemble.folder.root),
        "versions": versions(),
    }


def _network(member: Member, out: Path, classes: int, onnx: bool) -> dict[str, Any]:
    """Copy the weights of a trial's networks; returns what the script must know of them."""
    config = member.trial.config
    if looks_for_faces(config) and config.input.detector != CASCADE:
        raise InputError(
            f"{member.name}: received input.detector {config.input.detector}, which stands on facenet-pytorch; "
            f"allowed: members with {CASCADE}"
        )
    made_of = member.run.made_of
    count = classes if member.target == JOINT else len(made_of[member.target].values)
    heads = layer_kind(config) == "attributes"
    place = Path("networks") / member.key
    (out / place).mkdir(parents=True)
    weights = [str(place / f"fold_{k}.safetensors") for k in range(len(member.networks()))]
    for network, file in zip(member.networks(), weights, strict=True):
        if config.fitted:
            _write_whole(member, network, count, out / file)
        else:
            shutil.copyfile(network.weights, out / file)
    copies, difference = _onnx_copies(member, out, place, count) if onnx else ([], None)
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
        "head": layer_kind(config),
        "sizes": made_of.grid.sizes if heads else (),
        "cells": made_of.cells if heads else (),
        "ordinal": [name in config.head.ordinal for name in (made_of.names if heads else (member.target,))],
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
        "statistics": [network.result.statistics for network in member.networks()],
        "weights": weights,
        "onnx": copies,
        "onnx_difference": difference,
    }


def _write_whole(member: Member, network: Fold, classes: int, file: Path) -> None:
    """A frozen network and its head as one; InputError where they are no network with one last layer."""
    config = member.trial.config
    if is_unexportable(member):
        run = member.run.root.parent if kind_of(member) == HEADS else member.run.root
        several = len(config.tables) > 1
        what = f"features of {len(config.tables)} networks side by side" if several else f"head.name {config.head.name}"
        raise InputError(
            f"{member.name}: received {what}, which is no layer of one network; allowed: {', '.join(LINEAR)} on one "
            f"(a vote without such heads: {spoken('build', run, '--without', UNEXPORTABLE, '--name', 'exportable')})"
        )
    cpu, made_of = torch.device("cpu"), member.run.made_of
    whole = load_network(config, classes, network.weights, cpu, network.bodies, made_of)
    write_bytes(file, save({name: value.contiguous() for name, value in whole.state_dict().items()}))


def _onnx_copies(member: Member, out: Path, place: Path, classes: int) -> tuple[list[str], float]:
    """Names below `out` of the ONNX copies of a trial's networks, and the largest difference of a probability."""
    config, files, differences = member.trial.config, [], []
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (CHECKED, *config.input.size, 3), dtype=np.uint8)
    for k, network in enumerate(member.networks()):
        cpu, made_of = torch.device("cpu"), member.run.made_of
        model = load_model(config, classes, network.weights, cpu, network.bodies, made_of)
        files.append(str(place / f"fold_{k}.onnx"))
        differences.append(copy_to_onnx(model, torch.tensor(network.result.statistics), images, out / files[-1]))
        print(f"{files[-1]}: differs from torch by at most {differences[-1]:.1e}", flush=True)
    return files, max(differences)
