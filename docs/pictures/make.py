"""The README's two pictures, from a finished run:

    python docs/pictures/make.py runs/demo       # writes docs/pictures/{table,report}.png; needs chromium

The table is the one that a terminal showed when the run's last trials were still going: its ledger is told again.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from optuna.trial import TrialState
from PIL import Image, ImageChops
from rich.console import Console

from ensembles.report.write import write_report
from search.ledger import STATES, read_trials
from search.space_file import load_space
from search.watch.log import Log
from search.watch.table import LiveTable
from search.watch.tally import Tally
from trainable.run import Run
from trainable.training.report import Report

HERE = Path(__file__).resolve().parent
STILL_RUNNING = 2
CHROMIUM = (
    *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def main(root: Path) -> None:
    run = Run.open(root)
    with tempfile.TemporaryDirectory() as folder:
        console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True)
        console.print(retold(run, console).render())
        svg = Path(folder, "table.svg")
        console.save_svg(str(svg), title=f"python -m search.run spaces/{run.name}.py")
        photograph(svg.as_uri(), HERE / "table.png", (1180, 640), Path(folder))
        photograph(write_report(run.root).as_uri(), HERE / "report.png", (1280, 1460), Path(folder))


def retold(run: Run, console: Console) -> LiveTable:
    """The watcher as it was when the last complete trials were in their last fold."""
    space, trials = load_space(run.space), read_trials(run.study)
    race, s = space.race(), space.search
    table = LiveTable(Log(s, race.expected_epochs(), Tally(s.epochs * s.folds, s.epochs), console=console), race)
    complete = [t for t, frozen in trials.items() if frozen.state == TrialState.COMPLETE]
    last = complete[-STILL_RUNNING:] if len(complete) > STILL_RUNNING else []
    seconds = 0.0
    for trial_id, frozen in trials.items():
        trial = run.trial(trial_id)
        table.began(trial)
        epochs = [(k, metrics) for k, fold in enumerate(trial.folds()) for metrics in fold.epochs()]
        shown = len(epochs) - 5 * (1 + last.index(trial_id)) if trial_id in last else len(epochs)
        for step, (k, metrics) in enumerate(epochs[:shown], 1):
            seconds += metrics["seconds"]
            decides = step in frozen.intermediate_values
            table.reported(trial, Report(step, k, metrics["score"], decides, step % space.search.epochs == 0, metrics))
            if decides:
                race.record(trial_id, step, metrics["score"])
        if trial_id not in last:
            table.ended(trial, STATES[frozen.state], frozen.user_attrs.get("reason", ""))
    table.log.started = table.log.clock() - seconds / 2  # two workers
    return table


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
