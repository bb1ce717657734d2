"""What is in a data folder, before anything is trained.

python -m trainable.describe DATA [--out DIR] [--folds K] [--seed S] [--weights DIR] [--no-features] [--group C] ...
"""

import shlex
from pathlib import Path

from trainable.command import Parser, add_columns, check_folder, flags_of, folder, guarded, natural, whole
from trainable.commands import spoken
from trainable.errors import InputError


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("describe"), description="Describe a data folder, as text and HTML.")
    parser.add_argument("data", type=Path, metavar="DATA", help="a folder of labelled photos")
    parser.add_argument("--out", type=folder, metavar="DIR", help="default: ./describe/NAME of the data folder")
    parser.add_argument("--folds", type=whole, default=5, help="whose balance to show (default: 5)")
    parser.add_argument("--seed", type=natural, default=0, help="of the folds and of the photos shown (default: 0)")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors")
    parser.add_argument("--no-features", action="store_true", help="no network looks for near-duplicates, odd photos")
    add_columns(parser)
    given = parser.parse_args(arguments)

    def command() -> int:
        from trainable.data.describe.facts import look
        from trainable.data.describe.show import html, lines
        from trainable.files import write_text

        data = given.data.expanduser().absolute()
        out = given.out.expanduser().absolute() if given.out else Path("describe").absolute() / data.name
        check_folder("--out", out)
        refuse_another(out, data)
        facts = look(given.data, folds=given.folds, seed=given.seed, flags=flags_of(given))
        if not given.no_features:
            from trainable.features.seen import with_features  # torch takes seconds to import

            facts = with_features(facts, given.weights)
        text = "\n".join(lines(facts)) + "\n"
        print(text, end="")
        write_text(out / "describe.txt", text)
        write_text(out / "describe.html", html(facts))
        print(f"next: open {shlex.quote(str(out / 'describe.html'))}")
        return 0

    return guarded(command, "nothing was written; features that are done are kept: the same command goes on")


def refuse_another(out: Path, data: Path) -> None:
    """InputError where files of these names are there that were not written of the same data."""
    text, page = out / "describe.txt", out / "describe.html"
    first = next(iter(text.read_text(encoding="utf-8").splitlines()), "") if text.is_file() else ""
    looked = Path(first.removeprefix("data ").rpartition(", ")[0])
    if (text.exists() or page.exists()) and not (first.startswith("data ") and looked.is_relative_to(data)):
        raise InputError(f"--out: received {out}, which holds {first or page.name}; allowed: another folder")


if __name__ == "__main__":
    raise SystemExit(main())
