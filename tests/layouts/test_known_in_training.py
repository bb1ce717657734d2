"""New photos that a run has trained on are counted: what a vote says of them is no sign of how it does on others."""

import shutil
from dataclasses import replace
from pathlib import Path

from trainable.data.layouts import read_manifest
from trainable.data.layouts.equal_files import known_in_training


def test_photos_that_trained_are_counted_by_what_they_hold(generic: Path, tmp_path: Path) -> None:
    manifest = read_manifest(generic)
    images = manifest.frame["image"].tolist()
    shutil.copy(generic / images[0], tmp_path / "renamed.png")
    shutil.copy(generic / images[1], tmp_path / "twice.png")
    shutil.copy(generic / images[1], tmp_path / "again.png")
    (tmp_path / "other.png").write_bytes((generic / images[0]).read_bytes()[:-1] + b"?")  # as long, another
    (tmp_path / "same.png").write_bytes((tmp_path / "other.png").read_bytes())  # equal to each other alone
    names = sorted(file.name for file in tmp_path.iterdir())
    assert known_in_training(manifest, tmp_path, names) == 3
    assert known_in_training(manifest, generic, images) == len(images)
    assert known_in_training(replace(manifest, root=tmp_path / "gone"), tmp_path, names) == 0
