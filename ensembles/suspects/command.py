"""Label errors: groups and photos whose given values the ensemble contradicts.

python -m ensembles.suspects RUN/ensembles/NAME (or RUN, or DATA) [--out CSV] [--top N] [--by-fold]

Writes a ranked CSV in the format that label corrections read, a line a photo, which changes that photo alone, and a
contact sheet beside it. Look at the photos, delete the lines that are wrong, and give the file as
`rows.corrections`. The list is for looking at: every group was judged by models that know the labels of the other
folds, so that a list which is applied unseen carries these labels into the scores of those folds.

`--by-fold` writes a list that may be applied unseen: each line has a `fold`, whose models judged, and holds in that
fold's training part alone. These models know no label that the fold is scored on, but have trained on the groups that
they judge, so they find less. It predicts every training photo with every fold model.

Of a data folder it is a first list, before any training, by heads on features of a pretrained network whose weights are
at hand. `--group`, `--label` and the other flags of columns are for such a folder.
"""

import argparse
import shlex
from collections import Counter
from pathlib import Path

from trainable.command import Parser, add_columns, check_out, flags_of, folder, guarded, whole
from trainable.commands import spoken


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog=spoken("suspects"), description="Rank groups and photos whose labels look wrong.")
    parser.add_argument("place", type=Path, metavar="RUN[/ensembles/NAME]|DATA", help="whose labels")
    parser.add_argument(
        "--out", type=folder, metavar="CSV", help="default: RUN/suspects.csv; of DATA ./describe/DATA/suspects.csv"
    )
    parser.add_argument("--top", type=whole, default=40, help="groups and photos on the contact sheet (default: 40)")
    parser.add_argument("--by-fold", action="store_true", help="a list that may be applied unseen")
    parser.add_argument("--folds", type=whole, default=5, help="of DATA (default: 5)")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder with BACKBONE.safetensors, for DATA")
    add_columns(parser)
    given = parser.parse_args(arguments)
    return guarded(lambda: command(given))


def command(given: argparse.Namespace) -> int:
    place = given.place.expanduser().absolute()
    if not is_data(place):
        out = given.out or place / "suspects.csv"
        return list_of(given, place, out.expanduser().absolute(), spoken("report", place))
    from ensembles.suspects.beforehand import run_beforehand

    out = given.out or Path("describe") / place.name / "suspects.csv"
    check_out(out, out.with_suffix(".png"))
    with run_beforehand(place, flags_of(given), folds=given.folds, weights=given.weights) as (run, said):
        print(f"votes: {said}")
        return list_of(given, run, out.expanduser().absolute(), spoken("describe", place))


def is_data(place: Path) -> bool:
    """Whether a folder is neither a run nor an ensemble of one, and something else than empty."""
    from trainable.run import EnsembleFolder, Run

    return place.is_dir() and any(place.iterdir()) and not (Run(place).begun or EnsembleFolder(place).built)


def list_of(given: argparse.Namespace, place: Path, out: Path, other: str) -> int:
    """Write the list of a run or an ensemble; other: the next command where no label looks wrong."""
    from ensembles.suspects.contact_sheet import draw_sheet
    from ensembles.suspects.ranking import doubt, judge, table_of
    from ensembles.suspects.votes import read_votes, votes_by_fold
    from trainable.data.corrections import SWAP
    from trainable.files import write_atomic

    check_out(out, out.with_suffix(".png"))
    members, votes = votes_by_fold(place) if given.by_fold else read_votes(place)
    manifest = members.run.manifest
    found = judge(members, votes, manifest)
    images = manifest.frame["image"].to_numpy(str)[members.rows]
    table = table_of(found, images, manifest.made_of).drop(columns=[] if given.by_fold else ["fold"])
    write_atomic(out, lambda p: table.to_csv(p, index=False))
    fields = Counter(s.field for _, s in found)
    believed, weak = doubt(members, votes)
    counts = ", ".join(f"{n} of {field}" for field, n in fields.most_common())
    if not found:
        print(f"no label looks wrong; {out} has no line")
        print(believed)
        print(f"next: {other}")
        return 0
    order = "fold by fold, the surest of each first" if given.by_fold else "the surest first"
    counts = counts.replace(f"of {SWAP}", f"{SWAP}s (two photos of a person changed places)")
    print(f"values that look wrong: {counts}; {len(table):,} photos, a line each, {order}, in {out}")
    print(believed)
    shown = list({(s.key, s.field): s for _, s in found}.values())[: given.top]
    sheet = [(s.caption(n), [images[r] for r in s.rows]) for n, s in enumerate(shown, start=1)]
    picture = out.with_suffix(".png")
    draw_sheet(picture, manifest.root, sheet, believed)
    print(f"contact sheet of the first {len(shown)}: {picture}")
    keep = "keep the first lines of each fold alone, and " if weak else ""
    unseen = keep if given.by_fold else "look at the photos, delete wrong lines, and "
    print(f'{unseen}give the list to a search, in its space: "rows": {{"corrections": "{out}"}}')
    print(f"next: open {shlex.quote(str(picture))}")
    return 0
