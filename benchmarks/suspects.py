"""Label errors found in generated data, whose truth is known: precision (= recall) at the true number of errors.

python -m benchmarks.suspects RUN[/ensembles/NAME]      the run's data must be generated (train/truth.csv)
"""

import argparse
import json
from pathlib import Path

from ensembles.suspects.find import Suspect, find_suspects
from ensembles.suspects.ranking import numbers_of
from ensembles.suspects.votes import read_votes
from trainable.data.layouts.competition import MADE_OF
from trainable.data.text_tables import read_table


def true_errors(root: Path) -> set[tuple[str, str]]:
    """{(person, field)} whose given gender, age band or mask order is wrong."""
    given = read_table(root / "train" / "train.csv", ("path", "gender", "age"))
    truth = read_table(root / "train" / "truth.csv", ("path", "gender", "age", "swapped"))
    assert given["path"].tolist() == truth["path"].tolist()
    bands = [MADE_OF["age"].codes(table["age"].astype(float)) for table in (given, truth)]
    wrong = {
        "gender": (given["gender"] != truth["gender"]).to_numpy(),
        "age": bands[0] != bands[1],
        "swap": (truth["swapped"] == "1").to_numpy(),
    }
    return {(path, field) for field, rows in wrong.items() for path in given["path"][rows]}


def precision_at_errors(found: list[Suspect], errors: set[tuple[str, str]]) -> float:
    """Share of the first len(errors) people on the list that are errors; at this length recall is the same number."""
    people = [(s.key, s.field) for s in found if s.field != "mask"][: len(errors)]
    return len(errors & set(people)) / len(errors) if errors else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path)
    place = parser.parse_args().place
    members, votes = read_votes(place)
    manifest = members.members[0].run.manifest
    images = manifest.frame["image"].to_numpy(str)[members.rows]
    numbers = numbers_of(manifest, members.rows)
    found = find_suspects(votes, members.labels, members.groups, images, members.classes, members.made_of, numbers)
    errors = true_errors(manifest.root)
    result: dict = {"errors": len(errors), "precision_recall": precision_at_errors(found, errors)}
    for field in ("gender", "age", "swap"):
        own = {e for e in errors if e[1] == field}
        listed = [s for s in found if s.field == field]
        result[field] = {"errors": len(own), "precision_recall": precision_at_errors(listed, own)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
