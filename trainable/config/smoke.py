"""The same trial, small: what `--smoke` makes of a space's answer, so that every recipe can be run through in CI."""

from typing import Any

EPOCHS = 2  # two stages and two optimisers need one each
STORE = (96, 72)
SIZE = (64, 48)
SQUARE = (64, 64)
BATCH = 16  # a recipe's 4 would only take more steps
PATCHES = ("vit", "swin", "deit", "beit")


def smoke(values: dict[str, Any]) -> dict[str, Any]:
    """A space's answer with a network of .4 million random weights on photos of 64 pixels; the structure stays.

    Holes of so many pixels become the same share of the photo.
    """
    model, seen, augment = (dict(values.get(key, {})) for key in ("model", "input", "augment"))
    transformer = any(name in model.get("backbone", "") for name in PATCHES)
    model |= {"backbone": "test_vit" if transformer else "test_resnet", "pretrained": False}
    if augment.get("hole_size", 0) >= 1:
        augment["hole_size"] = augment["hole_size"] / max(seen.get("size", (256, 192)))
    seen["size"] = SQUARE if transformer else SIZE
    features = dict(values.get("features", {}))
    if features.get("beside"):
        features["beside"] = [f"{model['backbone']} {seen['size'][0]}x{seen['size'][1]}"] * len(features["beside"])
    return {**values, "model": model, "input": seen, "augment": augment, "batch_size": BATCH, "features": features}
