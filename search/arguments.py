"""The words of the search command: which there are, and which go together. Nothing heavy is imported for them."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from search.spaces import FIRST, listed
from trainable.command import Parser, add_columns, add_data, folder, plain_name, positive, whole
from trainable.commands import spoken
from trainable.errors import InputError

EXECUTORS = ("ray", "inline")
TRACKERS = ("mlflow", "wandb")
SEEDS = 3  # of a trial that is retrained
THRESHOLD = 0.5  # of soft pseudo labels: benchmarks.rounds, docs/decisions/039-methods-by-name.md
Thresholds = float | dict[str, float]
BESIDE_RETRAIN = ("retrain", "seeds", "all_rows", "executor", "cpus_per_trial", "gpus_per_trial", "address")
NEEDS = {"seeds": "retrain", "all_rows": "retrain", "threshold": "pseudo"}


def same_command(words: list[str], *, add: str = "", drop: str = "") -> str:
    """The same command once more, ready to paste."""
    kept = [w for w in words if w != drop]
    return spoken("search", *kept, *([add] if add and add not in kept else []))


def run_folder(given: argparse.Namespace) -> Path:
    """Where the run of a search lies; `given.space`: its file."""
    default = f"{given.space.stem}_round2" if given.pseudo else given.space.stem
    return (given.out or Path("runs")) / (given.name or default)


def parser() -> argparse.ArgumentParser:
    made = Parser(prog=spoken("search"), description="Search a space; folds of a trial race.")
    made.add_argument("space", type=Path, nargs="?", help=f"a space file, or one by name: {FIRST}, ... (--list)")
    made.add_argument("--list", action=_List, nargs=0, help="say which spaces there are by name, and end")
    add_data(made)
    add_columns(made)
    made.add_argument("--out", type=folder, help="folder of runs (default: runs)")
    made.add_argument(
        "--name", type=plain_name, help="name of the run (default: the space file's, with --pseudo and _round2)"
    )
    made.add_argument(
        "--trials", type=whole, help="how many to begin, instead of the space's own number (SEARCH.trials)"
    )
    made.add_argument(
        "--gpus-per-trial", type=gpus, metavar="X", help="a fraction packs trials on one GPU, auto as many as pay"
    )
    made.add_argument(
        "--cpus-per-trial",
        type=positive,
        metavar="X",
        help="cores of a trial (default: one; with GPUs its share of them)",
    )
    made.add_argument(
        "--hours", type=positive, metavar="H", help="end by then, with a submission; with --resume, so long from now"
    )
    made.add_argument(
        "--executor", choices=EXECUTORS, default="ray", help="inline: in this process, one trial at a time, without Ray"
    )
    made.add_argument("--address", help="a running Ray cluster: auto, or HOST:PORT")
    made.add_argument("--log", choices=TRACKERS, action="append", default=[], help="track trials there as well")
    made.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors")
    made.add_argument("--skip-bad-images", action="store_true", help="train without unreadable images")
    made.add_argument(
        "--from", dest="earlier", type=Path, metavar="RUN", help="begin with an earlier run's finished trials"
    )
    made.add_argument("--no-features", action="store_true", help="do not begin with heads on frozen networks")
    made.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    made.add_argument("--smoke", action="store_true", help="the same structure with tiny networks, photos and epochs")
    made.add_argument("--dry-run", action="store_true", help="check everything, print the plan, start nothing")
    after = made.add_argument_group("after a search")
    after.add_argument("--pseudo", type=Path, metavar="RUN/ensembles/NAME", help="a new run that also learns from it")
    after.add_argument(
        "--threshold", type=thresholds, help=f"pseudo labels from this probability on (default: {THRESHOLD}), or "
        "by attribute, such as sort=.98,size=.6",
    )  # fmt: skip
    after.add_argument("--retrain", nargs="+", metavar=("RUN", "TRIAL"), help="train chosen trials once more")
    after.add_argument("--seeds", type=whole, help=f"seeds beside the trial's own (default: {SEEDS})")
    after.add_argument("--all-rows", action="store_true", help="once on all rows, for the submission; no score")
    return made


class _List(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(listed(shutil.get_terminal_size().columns))
        parser.exit()


def gpus(text: str) -> float | str:
    """An argparse type: a number above 0, or auto."""
    return text if text == "auto" else positive(text)


def thresholds(text: str) -> Thresholds:
    """An argparse type: `0.9`, or by attribute `sort=.98,size=.6`."""
    try:
        if "=" not in text:
            return float(text)
        pairs = [part.partition("=") for part in text.split(",")]
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(f"received {text!r}; allowed: 0.9, or such as sort=.98,size=.6") from None


def refuse_strange(given: argparse.Namespace) -> None:
    """InputError about options that do not go together, rather than passing one over."""
    here = [name for name, value in vars(given).items() if value not in (None, False, []) and name != "executor"]
    strange = [name for name in here if name not in BESIDE_RETRAIN]
    if "retrain" in here and strange:
        raise InputError(f"--retrain: received also {_flags(strange)}; allowed beside it: {_flags(BESIDE_RETRAIN[1:])}")
    if "retrain" not in here and "space" not in here:
        raise InputError(
            f"received no SPACE; allowed: a space file, one by name ({FIRST}; --list says all), the same for "
            "--resume, or --retrain RUN TRIAL..."
        )
    for name, other in NEEDS.items():
        if name in here and other not in here:
            raise InputError(f"{_flags([name])}: received without {_flags([other])}; allowed: together")
    if {"seeds", "all_rows"} <= set(here):
        raise InputError("--seeds: received with --all-rows; allowed: one of them, since all rows are trained on once")


def _flags(names: Sequence[str]) -> str:
    others = {"space": "SPACE", "earlier": "--from"}
    return ", ".join(others.get(name, f"--{name.replace('_', '-')}") for name in names)
