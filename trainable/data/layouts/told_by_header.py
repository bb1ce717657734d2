"""What a header says of its column by itself: whom photos belong to, or which part of the data they are in."""

import re

from trainable.data.values import clean

# Of these several photos are taken, and no classes are made: `patient_id`, `Lesion ID`, `deployment`.
OWNERS = {"patient", "subject", "participant", "lesion", "deployment", "camera", "sender", "seq", "sequence", "session",
          "study", "slide", "video", "clip", "burst"}  # fmt: skip
# These may be classes as well, of faces or animals that are to be told apart.
PERHAPS = {"person", "people", "individual", "identity", "user", "owner", "animal", "location", "site", "scene", "case",
           "group", "driver", "family", "household", "plant", "tree"}  # fmt: skip
PARTS = {"partition", "split", "subset", "fold", "isvalid", "istest", "istrain"}
WORD = re.compile(r"[a-z]+")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
COUNTED = {"id", "ids", "no", "nr", "num", "number", "name", "code", "uid", "key", "hash"}  # `patient_id`


def says_owner(header: str) -> bool:
    """Whether a column is of what several photos are taken of, and can hardly be a label."""
    return _said(header) in OWNERS


def says_group(header: str) -> bool:
    """Whether a column may be of what photos belong to, by its header alone."""
    return _said(header) in OWNERS | PERHAPS


def says_part(header: str) -> bool:
    """Whether a column parts the rows into training and test."""
    return _said(header) in PARTS


def _said(header: str) -> str:
    """The words of a header but for those that say it is counted: "patient" of `PatientID`."""
    words = WORD.findall(CAMEL.sub(" ", clean(header)).lower())
    return "".join(words[:1] + [word for word in words[1:] if word not in COUNTED])
