"""The README's two pictures, from a finished run:

    python docs/pictures/make.py runs/demo       # writes docs/pictures/{table,report}.png; needs chromium

The table is the one that a terminal showed when the run's last trials were still going: its ledger is told again.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops
from rich.console import Console

from ensembles.report import write_report
from search.ledger import read_trials
from search.space_file import load_space
from search.watch.table import Progress
from search.watch.vote import Votes
from trainable.files import read_json, read_json_lines
from trainable.run.paths import RunPaths

HERE = Path(__file__).resolve().parent
STILL_RUNNING = 2
CHROMIUM = (
    *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
STATES = {0: "waiting", 1: "complete", 2: "stopped", 3: "failed"}


def main(run: Path) -> None:
    paths = RunPaths(run)
    with tempfile.TemporaryDirectory() as folder:
        console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True)
        progress = retold(paths, console)
        console.print(progress.render())
        svg = Path(folder, "table.svg")
        console.save_svg(str(svg), title=f"python -m search.run spaces/{paths.root.name}.py")
        photograph(svg.as_uri(), HERE / "table.png", (1180, 640), Path(folder))
        photograph(write_report(run).as_uri(), HERE / "report.png", (1280, 1460), Path(folder))


def retold(paths: RunPaths, console: Console) -> Progress:
    """The watcher as it was when the last complete trials were in their last fold."""
    space, trials = load_space(paths.space), read_trials(paths.study)
    progress = Progress(
        space.search,
        space.race().expected_epochs(),
        lambda trial_id: read_json(paths.trial(trial_id).result)["oof_macro_f1"],
        console,
        race=space.race(),
        votes=Votes(paths),
    )
    complete = [t for t, frozen in trials.items() if frozen.state == 1]
    last = complete[-STILL_RUNNING:] if len(complete) > STILL_RUNNING else []
    seconds = 0.0
    for trial_id, frozen in trials.items():
        progress.began(trial_id)
        metrics = [m for fold in paths.trial(trial_id).folds() for m in read_json_lines(fold.metrics)]
        for step, m in enumerate(
            metrics[: len(metrics) - 5 * (1 + last.index(trial_id)) if trial_id in last else None], 1
        ):
            seconds += m["seconds"]
            score = float("nan") if m["macro_f1"] is None else m["macro_f1"]
            progress.reported(trial_id, {"fold": m["fold"], "step": step, "score": score, "metrics": m})
            if step in frozen.intermediate_values and progress.race is not None:
                progress.race.record(trial_id, step, score)
        if trial_id not in last:
            progress.ended(trial_id, STATES[int(frozen.state)], frozen.user_attrs.get("reason", ""))
    progress.started = progress.clock() - seconds / 2  # two workers
    return progress


def photograph(address: str, out: Path, size: tuple[int, int], folder: Path) -> None:
    """A page as a PNG of few colours, which makes it small."""
    whole = folder / "whole.png"
    command = [*CHROMIUM, f"--user-data-dir={folder / 'profile'}", f"--window-size={size[0]},{size[1]}",
               f"--screenshot={whole}", address]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    picture = Image.open(whole).convert("RGB")
    left, top, right, bottom = ImageChops.invert(picture).getbbox() or (0, 0, *picture.size)
    edge = max(0, left - 16), max(0, top - 16), min(picture.width, right + 16), min(picture.height, bottom + 16)
    picture = picture.crop(edge)  # the window is larger than the page
    picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS)
    picture.quantize(200).save(out, optimize=True)
    print(f"{out} {out.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo"))
