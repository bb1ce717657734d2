"""Predict photos with this folder alone: torch, timm, numpy, OpenCV, Pillow and safetensors, nothing else.

python predict.py IMAGES... --out CSV

`vote.json` says what the networks are and how they vote; `networks/` holds their weights; `photos.py` and
`layers.py` are what they were trained with. Written by foldvote (`python -m ensembles.export`), Apache-2.0.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import timm
import torch
from layers import Ordinal, Product, Viewed
from photos import centre_box, detect, grabcut, is_photo, item_of, person, read_image, resize, walk
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
BATCH = 32


def see(file: Path, seen: dict[str, Any]) -> np.ndarray:
    """The network's input uint8 [H, W, 3] of a photo file, black where it cannot be read."""
    photo = read_image(file, tuple(seen["store"]))
    if photo is None:
        return np.zeros((*seen["size"], 3), np.uint8)
    height, width = photo.shape[:2]
    top, bottom, left, right = centre_box((height, width), tuple(seen["crop"]))
    if seen["region"] == "face" or seen["background"] == "removed":
        face = detect(photo)
        if seen["region"] == "face" and face is not None:
            down, across = (round((face[i + 1] - face[i]) * seen["margin"]) for i in (0, 2))
            top, bottom = max(face[0] - down, 0), min(face[1] + down, height)
            left, right = max(face[2] - across, 0), min(face[3] + across, width)
        if seen["background"] == "removed":
            box = np.array(face or centre_box((height, width), tuple(seen["fallback"])))
            bits = np.packbits(grabcut(photo, box))
            photo = cv2.bitwise_and(photo, photo, None, person(bits, (height, width)))
    return resize(photo[top:bottom, left:right], tuple(seen["size"]))


def find(places: list[Path]) -> list[Path]:
    """Photos among the files given and below the folders given; what is passed over is counted aloud."""
    files: list[Path] = []
    others: Counter[str] = Counter()
    for place in places:
        if place.is_dir():
            files += sorted(place / name for name, _ in walk(place, others))
        elif place.is_file() and is_photo(place):
            files.append(place)
        else:
            raise SystemExit(f"error: no photo: received {place}; allowed: folders, or files that hold a photo")
    if others:
        print(f"passed over: {others.total()} files that are no photos")
    if not files:
        raise SystemExit("error: received no photos; allowed: folders that hold a photo")
    return list(dict.fromkeys(files))


def gather(files: list[Path], places: list[Path]) -> tuple[list[Path], np.ndarray]:
    """(items, owner int64[M]): what is answered together, a folder next below one of the places, and whose each is."""
    items = [item_of(file, places) for file in files]
    number = {item: n for n, item in enumerate(dict.fromkeys(items))}
    print(f"{len(files)} photos answered as {len(number)}: a folder's by their mean, others alone")
    return list(number), np.array([number[item] for item in items])


def build(network: dict[str, Any]) -> torch.nn.Module:
    """The network without weights: images [B, 3, H, W] normalised -> logits [B, classes]."""
    options: dict[str, Any] = {"img_size": tuple(network["input"]["size"])} if network["fixed_size"] else {}
    after: Any = None
    units = network["classes"]
    if network["sizes"]:
        after = Product(tuple(network["sizes"]), tuple(network["ordinal"]), tuple(network["cells"]))
        units = sum(after.units)
    elif any(network["ordinal"]):
        after, units = Ordinal(network["classes"]), 1
    model: Any = timm.create_model(network["backbone"], num_classes=units, **options)
    if after is not None:
        place = model.pretrained_cfg["classifier"]
        model.set_submodule(place, torch.nn.Sequential(model.get_submodule(place), after))
    return model


@torch.inference_mode()
def predict(network: dict[str, Any], files: list[Path], device: str) -> np.ndarray:
    """float32 [K, M, C]: probabilities of the network's K fold models."""
    inputs = torch.from_numpy(np.stack([see(file, network["input"]) for file in files]))
    found = torch.zeros(len(network["weights"]), len(files), network["classes"])
    for k, (weights, (mean, std)) in enumerate(zip(network["weights"], network["statistics"], strict=True)):
        model = build(network)
        model.load_state_dict(load_file(HERE / weights))
        model = (model if network["tta"] == "none" else Viewed(model, network["tta"])).to(device).eval()
        for start in range(0, len(files), BATCH):
            images = inputs[start : start + BATCH].to(device).permute(0, 3, 1, 2).float()
            centre, spread = (255 * torch.tensor(v, device=device).view(3, 1, 1) for v in (mean, std))
            found[k, start : start + BATCH] = model((images - centre) / spread).float().softmax(1).cpu()
    return found.numpy()


def multiply(factors: list[np.ndarray], cells: list[int]) -> np.ndarray:
    """[..., C] of one array [..., A] an attribute; a joint network's as it is. cells: those that are classes, or []."""
    if len(factors) == 1:
        return factors[0]
    product = joint(factors, cells)
    if not cells:
        return product
    lost = product.sum(-1, keepdims=True) == 0  # sure of a product that is no class
    product = np.where(lost, joint([np.maximum(factor, 1e-6) for factor in factors], cells), product)
    return product / product.sum(-1, keepdims=True)


def joint(factors: list[np.ndarray], cells: list[int]) -> np.ndarray:
    """The products [..., C] that are classes, as they are."""
    product, *others = factors
    for factor in others:
        product = (product[..., None] * factor[..., None, :]).reshape(*product.shape[:-1], -1)
    return product[..., cells] if cells else product


def spread(scores: np.ndarray, sizes: list[int], cells: list[int]) -> np.ndarray:
    """[M, C] to [M, *sizes], 0 where a product is no class."""
    if cells:
        whole = np.zeros((len(scores), int(np.prod(sizes))))
        whole[:, cells] = scores
        scores = whole
    return scores.reshape(len(scores), *sizes)


def pool(members: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """The product [M, C] of members [T, M, C] to powers [T]."""
    logs = np.tensordot(powers, np.log(np.maximum(members, 1e-6)), 1)
    scores = np.exp(logs - logs.max(1, keepdims=True))
    return scores / scores.sum(1, keepdims=True)


def vote(method: str, members: np.ndarray, parameters: dict[str, Any]) -> np.ndarray:
    """Scores float64 [M, C] of members [T, M, C], as the ensemble was fitted."""
    weights = np.array(parameters["weights"])
    members = members.astype(np.float64)
    rows, classes = members.shape[1:]
    if method == "blend":
        parts = [vote(part["method"], members, part["parameters"]) for part in parameters["parts"]]
        scores = np.mean(parts, axis=0)
    elif method == "hard_vote":
        best = members[weights > 0]
        scores = best.sum(0) / (2 * len(best))
        for member in best:
            scores[np.arange(rows), member.argmax(1)] += 1
    elif method == "rank_mean":
        tables = zip(members, parameters["levels"], parameters["ranks"], strict=True)
        scores = sum(np.interp(member, levels, ranks) for member, levels, ranks in tables if levels)
    elif method == "hill_climb":
        scores = np.maximum(np.tensordot(np.array(parameters["signed"]), members, 1), 0)
        scores[~scores.any(1)] = 1
    elif method in ("stacking", "row_stacking"):  # of photos alone nothing is known beside the votes
        logs = np.log(np.maximum(members[weights > 0], 1e-6))
        own = [np.array(matrix) for matrix in parameters["coefficients"] if matrix]
        total = parameters["scale"] * logs.mean(0) + np.array(parameters["bias"])
        total += sum((log - log.mean(1, keepdims=True)) @ matrix for log, matrix in zip(logs, own, strict=True))
        scores = np.exp(total - total.max(1, keepdims=True))
    elif method in ("geometric_mean", "log_pool"):
        scores = pool(members, weights / weights.sum() if method == "geometric_mean" else weights)
    elif method in ("per_attribute", "attribute_pool"):
        sizes, cells, scores = parameters["attributes"], parameters["cells"], np.ones((rows, classes))
        values = np.unravel_index(np.array(cells or range(classes)), sizes)
        for a, own in enumerate(parameters["attribute_weights"]):
            others = tuple(1 + b for b in range(len(sizes)) if b != a)
            told = np.stack([spread(member, sizes, cells).sum(axis=others) for member in members])
            said = (
                pool(np.minimum(told, 1), np.array(own)) if method == "attribute_pool" else np.tensordot(own, told, 1)
            )
            scores *= said[:, values[a]]
    else:
        scores = np.tensordot(weights, members, 1)
    return scores / scores.sum(1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Predict photos with this ensemble.")
    parser.add_argument("images", nargs="+", type=Path, help="folders or files")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV")
    given = parser.parse_args()
    files = find(given.images)
    ensemble = json.loads((HERE / "vote.json").read_text(encoding="utf-8"))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tables = {name: predict(network, files, device) for name, network in ensemble["networks"].items()}
    cells = ensemble["attributes"]["cells"]
    members = np.stack([multiply([tables[name] for name in names], cells).mean(0) for names in ensemble["members"]])
    bad = [place for place, file in enumerate(files) if read_image(file, (16, 16)) is None]
    if len(bad) == len(files):
        raise SystemExit(f"error: no photo can be read: received {files[0]}; allowed: at least one that can")
    if bad:  # what is known without them
        members[:, bad] = ensemble["shares"]
        print(f"warning: {len(bad)} photos cannot be read and are predicted as the shares of the classes in training: "
              + ", ".join(str(files[place]) for place in bad[:5]))  # fmt: skip
    items = files
    if ensemble["items"]:
        items, owner = gather(files, given.images)
        members = np.stack([members[:, owner == n].mean(1) for n in range(len(items))], 1)
    scores = vote(ensemble["method"], members, ensemble["parameters"])
    with given.out.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["path", "prediction", *(f"p {c}" for c in ensemble["classes"])])
        for name, row in zip(items, scores, strict=True):
            lines.writerow([name, ensemble["classes"][row.argmax()], *(f"{v:.6f}" for v in row)])
    print(f"{len(files)} photos: {given.out}")


if __name__ == "__main__":
    main()
