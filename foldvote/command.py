"""The console command: one name over the commands of the four rooms, which answer for themselves.

A sub-command is a module with `main(arguments) -> exit code`; only the one that is called is imported.
"""

import importlib
import sys
from difflib import get_close_matches

from search.spaces import FIRST
from trainable.commands import COMMANDS

HELP = """usage: foldvote COMMAND [...]

{intro}

{commands}

foldvote COMMAND --help says more. The usual order:
  foldvote describe DATA                 what is in a folder, before anything is trained
  foldvote search frozen --data DATA     a space by name ({spaces}), or a file
  foldvote build                         votes the newest run, and writes its submission
"""
INTRO = "Find, train and combine image classifiers for small, imbalanced data whose images come in groups."


def main(arguments: list[str] | None = None) -> int:
    """Exit code of a sub-command; 2 where there is none of that name."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help", "help"):
        width = max(map(len, COMMANDS))
        table = "\n".join(f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items())
        print(HELP.format(intro=INTRO, commands=table, spaces=FIRST), end="")
        return 0
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"foldvote {version('foldvote')}")
        return 0
    if words[0] not in COMMANDS:
        near = get_close_matches(words[0], COMMANDS, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        print(f"error: received {words[0]!r}{meant}; allowed: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module = importlib.import_module(COMMANDS[words[0]].module)
    return module.main(words[1:])
