"""python -m trainable.data.describe DATA [--out DIR] [--folds K] [--seed S] [--group C] ..."""

import shlex
from pathlib import Path

from trainable.command import Parser, add_columns, flags_of, folder, guarded, natural, whole
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("describe"), description="Describe a data folder, as text and HTML.")
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=folder, default=Path("describe"), metavar="DIR", help="(default: describe)")
    parser.add_argument("--folds", type=whole, default=5, help="whose balance to show (default: 5)")
    parser.add_argument("--seed", type=natural, default=0, help="of the folds and of the people shown")
    add_columns(parser)
    given = parser.parse_args(arguments)

    def command() -> int:
        from trainable.data.describe.facts import look
        from trainable.data.describe.show import html, lines
        from trainable.files import write_text

        facts = look(given.data, folds=given.folds, seed=given.seed, flags=flags_of(given))
        text = "\n".join(lines(facts)) + "\n"
        print(text, end="")
        out = given.out.expanduser().absolute()
        write_text(out / "describe.txt", text)
        write_text(out / "describe.html", html(facts))
        print(f"next: open {shlex.quote(str(out / 'describe.html'))}")
        return 0

    return guarded(command)


if __name__ == "__main__":
    raise SystemExit(main())
