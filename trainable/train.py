"""One trial without Ray or Optuna.

python -m trainable.train CONFIG.json --data DIR --out DIR
"""

import argparse
from pathlib import Path

from trainable.command import Parser, add_columns, add_data, folder, guarded, natural, whole
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("train"), description="Train one trial, all folds.")
    parser.add_argument("config", type=Path, help="a TrialConfig as JSON; keys left out take their defaults")
    add_data(parser)
    add_columns(parser)
    parser.add_argument(
        "--out", type=folder, required=True, metavar="DIR", help="run directory; taken up again if begun"
    )
    parser.add_argument("--folds", type=whole, default=5, help="that the data are parted into (default: 5)")
    parser.add_argument("--workers", type=natural, default=0, help="processes that prepare batches (default: 0, none)")
    parser.add_argument("--threads", type=whole, default=None, help="CPU threads of the network (default: all)")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors")
    parser.add_argument("--skip-bad-images", action="store_true", help="train without unreadable images")
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given), "finished epochs are kept: the same command goes on")


def command(given: argparse.Namespace) -> int:
    """Exit code of the command; raises InputError."""
    from trainable.one_trial import train_one  # torch takes seconds to import

    return train_one(given)


if __name__ == "__main__":
    raise SystemExit(main())
