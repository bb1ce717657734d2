"""Processes that a script starts, whatever lies beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import foldvote
from pathlib import Path
from trainable.sample.write import generate

generate(Path("people"), people=8, eval_people=6, seed=0, workers=2)
print("done")
"""


def test_script_without_a_guard_beside_files_of_our_names_starts_processes(tmp_path: Path) -> None:
    """Each of them would run the script again, and import the stranger."""
    (tmp_path / "walk.py").write_text(SCRIPT)
    (tmp_path / "trainable.py").write_text("raise SystemExit('wrong file')")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "walk.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines().count("done") == 1
    assert len(list((tmp_path / "people" / "eval" / "images").glob("[!.]*.jpg"))) == 42
