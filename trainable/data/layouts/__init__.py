"""Which layout a data folder has, by what lies in it."""

from pathlib import Path

from trainable.data.layouts import competition
from trainable.data.layouts import manifest_csv as generic
from trainable.data.manifest import Manifest, TestSet
from trainable.errors import InputError

LAYOUTS = (
    "the competition's layout (train/train.csv with gender,age,path; eval/info.csv; eval/images/; "
    "train/images/<path>/{mask1..5,incorrect_mask,normal}.{jpg,jpeg,png}) "
    "or a generic one (manifest.csv with path,label[,group]; optional test.csv with path)"
)


def read_manifest(root: Path) -> Manifest:
    """Recognise the layout by what lies in the folder, read it and check that every image is there."""
    root = _existing(root)
    if (root / "train" / "train.csv").is_file():
        return competition.read_train(root)
    if (root / "manifest.csv").is_file():
        return generic.read_train(root)
    found = ", ".join(sorted(p.name for p in root.iterdir())[:8]) or "nothing"
    raise InputError(f"data folder {root}: neither layout found; received {found}; allowed: {LAYOUTS}")


def read_test(root: Path, classes: tuple[str, ...]) -> TestSet:
    """The test images in the order of their table."""
    root = _existing(root)
    if (root / "train" / "train.csv").is_file():
        return competition.read_test(root)
    return generic.read_test(root, classes)


def _existing(root: Path) -> Path:
    root = root.expanduser().absolute()
    if not root.is_dir():
        raise InputError(f"no data folder: received {root}; allowed: {LAYOUTS}")
    return root
