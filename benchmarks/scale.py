"""What grows faster than its input would: the driver over 10,000 trials, every command over 100,000 photos.

Run:     python -m benchmarks.scale [trials|photos] [--count N]
Cost:    about ten minutes of one core, and ten of two
What:    benchmarks.scale_trials, benchmarks.scale_photos
Writes:  benchmarks/results/scale.json; what is not measured this time stays as it was
"""

import argparse
import json
import tempfile
from pathlib import Path
from types import ModuleType

from benchmarks import scale_photos, scale_trials
from benchmarks.measure import finish, machine

KINDS: dict[str, tuple[ModuleType, int]] = {
    "trials": (scale_trials, scale_trials.TRIALS),
    "photos": (scale_photos, scale_photos.PHOTOS),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("kind", nargs="?", choices=KINDS, help="by default both")
    parser.add_argument("--count", type=int, help="trials or photos")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "scale.json")
    given = parser.parse_args()
    record = json.loads(given.out.read_text()) if given.out.exists() else {}
    rows = []
    for kind in [given.kind] if given.kind else KINDS:
        module, count = KINDS[kind]
        with tempfile.TemporaryDirectory() as folder:
            found = module.measure(Path(folder), given.count or count)
        rows += module.rows(found)
        record[kind] = {**found, "machine": machine()}
    finish(given.out, rows, record)


if __name__ == "__main__":
    main()
