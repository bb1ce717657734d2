"""The files of an exported ensemble that are text: sources taken from foldvote's own functions, and the README."""

import inspect
from typing import Any

from ensembles.beside_votes import not_known
from ensembles.ensemble import Ensemble
from ensembles.new_items import item_of
from trainable.data.manifest import ITEM
from trainable.images import decode, faces, kinds
from trainable.models import heads
from trainable.models import tta as views
from trainable.run import versions

PACKAGES = ("torch", "timm", "numpy", "opencv-python-headless", "pillow")


def photos_source() -> str:
    """Text of photos.py, how a photo file becomes what a network sees: our `decode` and `kinds`, what it needs of
    `faces`, and which photos are of one thing.
    """
    functions = (faces.detect, faces.grabcut, faces.person, faces.half_size, faces.centre_box, faces._cascade)
    return "\n\n".join(
        [
            inspect.getsource(decode).replace(
                "from pathlib import Path\n",
                "import threading\nfrom collections.abc import Sequence\nfrom pathlib import Path\n"
                "from typing import Any\n",
                1,
            ),
            inspect.getsource(kinds),
            "_local = threading.local()\n",
            *(inspect.getsource(function) for function in (*functions, item_of)),
        ]
    )


def layers_source() -> str:
    """Text of layers.py: what follows a backbone's last layer, and the views of test-time augmentation."""
    parts = (heads.Ordinal, heads.Product, views.same, views.flip, views.crops)
    return "\n\n".join(
        [
            '"""Layers behind the backbone, and views of a photo. From foldvote, Apache-2.0."""\n\n'
            "import math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n",
            *(inspect.getsource(part) for part in parts),
            f"VIEWS = {{{', '.join(f'{name!r}: {view.__name__}' for name, view in views.VIEWS.items())}}}\n",
            inspect.getsource(views.Viewed),
        ]
    )


def readme(ensemble: Ensemble, networks: dict[str, dict[str, Any]]) -> str:
    """Text of README.md: what the folder is, what it needs, and whose weights it holds.

    networks: what the exported folder's own description says of each, by name.
    """
    found = versions()
    everything = any(factor.all_rows for member in ensemble.members for factor in member.factors)
    estimate = "nested estimate" + (" of fold models; these networks trained on all rows" if everything else "")
    products = any(len(member.factors) > 1 for member in ensemble.members)
    lines = [
        f"# {ensemble.run.name}: an ensemble of image classifiers",
        "",
        f"{len(networks)} networks, {len(ensemble.classes)} classes, vote by `{ensemble.fitted.method.name}`. Expected "
        f"{ensemble.measure.shown} on new groups: {ensemble.measure.text(ensemble.nested_score)} ({estimate}).",
        "",
        "    pip install torch timm numpy opencv-python-headless pillow safetensors",
        "    python predict.py PHOTOS --out predictions.csv",
        "",
        *(line for said in not_known(ensemble.fitted) for line in (said, "")),
        *(
            ["Photos in a folder of their own, next below PHOTOS, are of one thing and answered by their mean.", ""]
            if ITEM in ensemble.run.manifest.frame
            else []
        ),
        "The `.onnx` files are the same networks: input `images` uint8 [B, H, W, 3] (RGB, cut and resized as "
        "`photos.py` does), output `probabilities`. A network's answer is the mean over its files"
        + (", networks of one attribute each multiplied file by file first." if products else "."),
        "",
        f"Made with Python {found['python']}, " + ", ".join(f"{name} {found[name]}" for name in PACKAGES) + ".",
        "",
        "## Licences",
        "",
        "The code is foldvote's (Apache-2.0). Trained weights derive from their start, and from your photos:",
        "",
        "| network | backbone | started from | its licence |",
        "| --- | --- | --- | --- |",
    ]
    for name, network in networks.items():
        start = network["origin"] if network["pretrained"] else "random numbers"
        note = network["license"] if network["pretrained"] else "none needed"
        lines.append(f"| {name} | {network['backbone']} | {start} | {note} |")
    return "\n".join(lines) + "\n"
